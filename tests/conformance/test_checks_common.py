"""What all APIs promise: each sin trips its rows, and what is free trips none."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from answers import SENT, good, spoilt
from exchanges import (
    OPERATIONS,
    exchange,
    findings,
    is_evidence,
    observation,
    readings,
    witnessed,
)

from aios_conformance.conformance.checks import common
from aios_conformance.conformance.terms.catalogue import checks_in
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
)
from aios_conformance.spec import openapi

ERROR: Any = {"error": {"message": "no"}}
APIS: tuple[Api, ...] = ("rerank", "score", "chat", "completions", "embeddings")


def accepted(api: Api = "chat", answer: Any = None, **over: Any) -> Exchange:
    return exchange(api, SENT[api], good(api) if answer is None else answer, **over)


def refused(status: int, api: Api = "chat", **over: Any) -> Exchange:
    return exchange(api, SENT[api], ERROR, status=status, **over)


def rows(check: Check, *seen: Any) -> set[str]:
    return {row for f in findings(check, *seen) for row in f.ids or check.ids}


# --- paths, methods, headers -------------------------------------------------------

PATHS = [f"POST {path}" for path in openapi()["paths"]]


def _api(operation: str) -> Api:
    return next(api for api in APIS if operation.endswith(OPERATIONS[api][8:]))


def every_path(status: int = 200, at: str = "") -> list[Exchange]:
    return [
        exchange(
            _api(path),
            SENT[_api(path)],
            good(_api(path)),
            status=status if path == at else 200,
            operation=path,
            id=f"ex-{i}",
        )
        for i, path in enumerate(PATHS)
    ]


def test_all_listed_paths_are_evidence_together() -> None:
    check = common.every_listed_path_is_served
    assert findings(check, *every_path()) == []
    assert witnessed(check, *every_path()) == {"COMMON-REQ-001"}
    assert witnessed(check, *every_path()[1:]) == set()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [404, 405])
def test_a_listed_path_that_is_missing_is_found(path: str, status: int) -> None:
    (found,) = findings(common.every_listed_path_is_served, *every_path(status, path))
    assert found.expected == f"{path} is served"
    assert found.exchange == f"ex-{PATHS.index(path)}"


def test_a_path_that_answers_one_valid_request_is_served() -> None:
    again = [*every_path(), refused(404, operation="POST /v1/chat/completions")]
    assert findings(common.every_listed_path_is_served, *again) == []


@pytest.mark.parametrize(
    ("check", "status", "is_found"),
    [
        (common.post_is_the_method, 405, True),
        (common.post_is_the_method, 501, True),
        (common.post_is_the_method, 400, False),
        (common.json_is_the_media_type, 415, True),
        (common.json_is_the_media_type, 400, False),
        (common.no_key_is_needed, 401, True),
        (common.no_key_is_needed, 403, True),
        (common.no_key_is_needed, 400, False),
    ],
)
def test_a_code_that_valid_requests_never_get(
    check: Check, status: int, *, is_found: bool
) -> None:
    assert bool(findings(check, refused(status))) == is_found
    assert is_evidence(check, accepted())
    assert not is_evidence(check, refused(status, expect="refuse"))


def test_a_request_with_a_key_says_nothing_about_keys() -> None:
    keyed = refused(401)
    request = replace(keyed.request, headers=(("Authorization", "Bearer $KEY"),))
    assert not is_evidence(common.no_key_is_needed, replace(keyed, request=request))


def test_the_scheme_is_told_and_free() -> None:
    check = common.either_scheme_will_do
    for scheme in ("http", "https"):
        facts = Facts(scheme=scheme)
        assert readings(check, accepted(), facts=facts) == [f"reached over {scheme}"]
    assert readings(check, accepted()) == []


def test_an_api_that_refuses_every_valid_request_is_not_reached() -> None:
    lost, query = common.the_base_url_alone_reaches_every_api, common.no_query_is_needed
    assert findings(query, refused(400), refused(404), accepted("rerank"))
    assert findings(lost, refused(404), refused(405), accepted("rerank"))
    for check, statuses in ((query, (404, 405)), (lost, (400, 404))):
        others = [refused(status) for status in statuses]
        assert findings(check, *others, accepted("rerank")) == []
        assert not witnessed(check, *others)
    for check in (lost, query):
        assert findings(check, refused(400), refused(404), accepted()) == []
        assert witnessed(check, refused(500)) == set()


# --- text and members --------------------------------------------------------------

TEXT = "H₂O, 水"


def echoing(api: Api, text: str | None, asked: str = TEXT) -> Exchange:
    sent, answer = SENT[api], good(api)
    if api == "rerank":
        sent = sent | {"documents": [asked, *sent["documents"][1:]]}
        for result in answer["results"]:
            result["document"] = text and {"text": text}
    elif api == "completions":
        sent = sent | {"echo": True, "prompt": asked}
        answer["choices"][0]["text"] = text
    return exchange(api, sent, answer)


@pytest.mark.parametrize("api", ["rerank", "completions"])
def test_echoed_text_is_unharmed(api: Api) -> None:
    check = common.non_ascii_text_comes_back_unharmed
    assert findings(check, echoing(api, f"{TEXT}.")) == []
    assert len(findings(check, echoing(api, "Hâ\x82\x82O"))) == 1


HARMED: dict[str, Callable[[str], str]] = {
    "read as Latin-1": lambda text: text.encode().decode("latin-1"),
    "question marks": lambda text: text.encode("ascii", "replace").decode(),
    "replacement characters": lambda text: "".join(
        c if c.isascii() else "\ufffd" for c in text
    ),
    "escapes of JSON": lambda text: text.encode("ascii", "backslashreplace").decode(),
    "escapes of XML": lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
    "left out": lambda text: text.encode("ascii", "ignore").decode(),
}


@pytest.mark.parametrize("api", ["rerank", "completions"])
@pytest.mark.parametrize("text", [TEXT, "서울의 강", "水"])
@pytest.mark.parametrize("harm", HARMED)
def test_harmed_text_is_known_by_its_likeness(api: Api, text: str, harm: str) -> None:
    check = common.non_ascii_text_comes_back_unharmed
    echoed = HARMED[harm](text)
    if echoed.strip():  # of a text that is not there at all, other rows tell
        assert len(findings(check, echoing(api, echoed, text))) == 1


@pytest.mark.parametrize("api", ["rerank", "completions"])
@pytest.mark.parametrize("text", [TEXT, "서울의 강"])
@pytest.mark.parametrize("other", ["", "A bird.", "한국"])
def test_another_text_or_a_part_is_no_harm(api: Api, text: str, other: str) -> None:
    check = common.non_ascii_text_comes_back_unharmed
    assert findings(check, echoing(api, other or text[:2], text)) == []


def test_a_text_without_the_prompt_is_no_harmed_echo() -> None:
    check = common.non_ascii_text_comes_back_unharmed
    assert findings(check, echoing("completions", "\n\nThe water ")) == []


@pytest.mark.parametrize("api", ["rerank", "embeddings"])
def test_where_nothing_comes_back_nothing_is_harmed(api: Api) -> None:
    check = common.non_ascii_text_comes_back_unharmed
    assert not is_evidence(check, echoing(api, None))


@pytest.mark.parametrize(("status", "told"), [(200, "ignored"), (422, "refused")])
def test_unlisted_members_are_told(status: int, told: str) -> None:
    extra = exchange("chat", SENT["chat"], good("chat"), status=status)
    seen = observation("common.extra.chat", extra=extra)
    assert readings(common.unlisted_members_are_free, seen) == [told]


@pytest.mark.parametrize(
    ("media", "is_found"),
    [
        ("application/json", False),
        ("Application/JSON; charset=utf-8", False),
        ("text/plain", True),
        ("", True),
    ],
)
def test_success_is_labelled(media: str, *, is_found: bool) -> None:
    made = accepted(headers={"content-type": media})
    assert bool(findings(common.success_is_labelled_json, made)) == is_found


def test_added_members_are_told() -> None:
    check = common.unlisted_answer_members_are_free
    made = accepted(answer=good("chat") | {"service_tier": None, "a": 1})
    assert readings(check, made) == ["adds a, service_tier"]
    assert readings(check, accepted()) == []


# --- usage -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "own"),
    [
        ("score", {"SCORE-RES-012", "META-028"}),
        ("chat", {"CHAT-RES-022", "META-034"}),
        ("completions", {"COMP-RES-014", "META-034"}),
        ("embeddings", {"EMB-RES-013", "META-102"}),
    ],
)
def test_a_total_that_does_not_add_up_is_found(api: Api, own: set[str]) -> None:
    check = common.total_is_input_plus_output
    assert findings(check, accepted(api)) == []
    wrong = accepted(api, spoilt(api, "usage/total_tokens", 11))
    assert rows(check, wrong) == {"COMMON-RES-010", *own}
    assert rows(check, accepted(api, spoilt(api, "usage/total_tokens"))) == set()
    assert witnessed(check, replace(wrong, expect="refuse")) == set()


def test_rerank_has_no_sum() -> None:
    assert witnessed(common.total_is_input_plus_output, accepted("rerank")) == set()


@pytest.mark.parametrize(
    ("api", "row"),
    [
        ("score", "SCORE-EX-005"),
        ("chat", "CHAT-EX-003"),
        ("completions", "COMP-EX-004"),
        ("embeddings", "EMB-EX-003"),
    ],
)
def test_the_printed_request_has_a_row_of_its_own(api: Api, row: str) -> None:
    check = common.total_of_the_printed_request_adds_up
    seen = observation(f"{api}.printed", printed=accepted(api))
    wrong = accepted(api, spoilt(api, "usage/total_tokens", 11))
    assert witnessed(check, seen) == {row}
    assert rows(check, observation(f"{api}.printed", printed=wrong)) == {row}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([None], ["null"]),
        ([{"cached_tokens": 0}], ["object"]),
        ([], ["absent"]),
        ([1], []),
    ],
)
def test_the_form_of_the_details_is_told(value: list[Any], told: list[str]) -> None:
    answer = spoilt("chat", "usage/prompt_tokens_details", *value)
    made = accepted(answer=answer)
    assert readings(common.details_are_null_or_an_object, made) == told


# --- every check of this module declares what it serves --------------------------


@pytest.mark.parametrize("check", checks_in(common), ids=lambda c: c.name)
def test_a_selection_knows_what_feeds_its_rows(check: Check) -> None:
    assert check.ids
    assert check.promise.endswith(".")


def test_facts_of_another_dialect_have_no_listed_members() -> None:
    foreign = accepted("embeddings", good("embeddings") | {"x": 1})
    check = common.unlisted_answer_members_are_free
    listed = readings(check, foreign, facts=Facts(dialect="aihubmix"))
    assert listed == ["adds created, id, x"]
