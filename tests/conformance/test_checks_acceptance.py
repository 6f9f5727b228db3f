"""Each step is judged by what it expects, and a finding goes to the right rows."""

from dataclasses import replace
from typing import Any

import pytest
from answers import SENT, good
from exchanges import exchange, findings, observation, witnessed

from aios_conformance.conformance.checks.acceptance import (
    each_step_ends_as_it_should as steps,
)
from aios_conformance.conformance.checks.acceptance import (
    no_mistake_breaks_the_server as crashes,
)
from aios_conformance.conformance.terms.exchange import Exchange, Observation

ROW = ("CHAT-REQ-012",)  # a MUST
SOFT = ("CHAT-REQ-042",)  # a SHOULD
ERROR: Any = {"error": {"message": "no"}}


def valid(status: int = 200, **over: Any) -> Exchange:
    answer = good("chat") if status == 200 else ERROR
    return exchange("chat", SENT["chat"], answer, status=status, **over)


def mutant(status: int, serves: tuple[str, ...] = ROW, **over: Any) -> Exchange:
    return exchange(
        "chat",
        SENT["chat"] | {"frequency_penalty": "word"},
        ERROR,
        status=status,
        serves=serves,
        expect=over.pop("expect", "refuse"),
        breaks="/frequency_penalty is a word",
        **over,
    )


def seen(**played: Any) -> Observation:
    return observation("chat.refused", **played)


def test_an_accepted_step_proves_its_rows() -> None:
    played = seen(variant=valid(serves=ROW))
    assert findings(steps, played) == []
    assert witnessed(steps, played) == {*ROW, "COMMON-RES-001"}


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "refused"), (500, "crash"), (301, "refused")]
)
def test_a_valid_request_refused_is_a_finding_on_its_rows(
    status: int, kind: str
) -> None:
    (found,) = findings(steps, seen(variant=valid(status, serves=ROW)))
    assert (found.ids, found.kind, found.soft) == (ROW, kind, False)


def test_a_valid_request_without_rows_is_blamed_on_the_common_one() -> None:
    (found,) = findings(steps, seen(variant=valid(422)))
    assert found.ids == ("COMMON-RES-001",)
    assert "error" in str(found.actual)


def test_a_success_other_than_200_breaks_the_common_row_only() -> None:
    created = exchange("chat", SENT["chat"], good("chat"), status=201, serves=ROW)
    (found,) = findings(steps, seen(variant=created))
    assert (found.ids, found.actual) == (("COMMON-RES-001",), 201)


def test_an_answer_that_is_not_http_is_malformed() -> None:
    garbage = exchange("chat", SENT["chat"], b"", status=0, broken="not HTTP: 'HI'")
    (found,) = findings(steps, seen(variant=garbage))
    assert (found.kind, found.actual) == ("malformed", "not HTTP: 'HI'")


@pytest.mark.parametrize(
    ("sent", "answer", "is_proof"),
    [
        ({}, b"<!doctype html><title>Welcome</title>", False),
        ({}, b"", False),
        ({}, b"[]", True),
        ({"stream": True}, b"<!doctype html>", False),
        ({"stream": True}, b"data: [DONE]\n\n", False),
        ({"stream": True}, b'data: {"id": "x"}\n\n', True),
    ],
)
def test_a_success_that_cannot_be_read_proves_nothing(
    sent: dict[str, Any], answer: bytes, is_proof: bool
) -> None:
    headers = {"content-type": "text/event-stream" if sent else "text/html"}
    page = exchange("chat", SENT["chat"] | sent, answer, serves=ROW, headers=headers)
    wanted = {*ROW, "COMMON-RES-001"} if is_proof else set()
    assert witnessed(steps, seen(variant=page)) == wanted
    refused = witnessed(steps, seen(valid=page, mutant=mutant(400)))
    assert ("COMMON-ERR-001" in refused) is is_proof
    either = witnessed(crashes, seen(page=replace(page, expect="either")))
    assert ("COMMON-ERR-004" in either) is is_proof


def test_a_success_that_breaks_off_proves_nothing_here() -> None:
    cut = exchange("chat", SENT["chat"], b'{"id"', broken="broke off", serves=ROW)
    assert witnessed(steps, seen(variant=cut)) == set()
    assert findings(steps, seen(variant=cut)) == []


def test_no_answer_proves_nothing() -> None:
    lost = exchange("chat", SENT["chat"], serves=ROW)
    assert witnessed(steps, seen(variant=lost)) == set()
    assert findings(steps, seen(variant=lost)) == []


@pytest.mark.parametrize("status", [400, 422])
def test_a_documented_refusal_beside_an_accepted_neighbour_is_right(
    status: int,
) -> None:
    played = seen(valid=valid(), mutant=mutant(status))
    assert findings(steps, played) == []
    assert {*ROW, "COMMON-ERR-001"} <= witnessed(steps, played)
    assert witnessed(crashes, played) == {"COMMON-ERR-004", "CHAT-ERR-003"}


def test_a_mutant_that_is_accepted_is_a_silent_finding() -> None:
    (found,) = findings(steps, seen(valid=valid(), mutant=mutant(200)))
    assert (found.ids, found.kind, found.step) == (ROW, "silent", "mutant")
    assert found.expected == "400 or 422: /frequency_penalty is a word"


@pytest.mark.parametrize("status", [200, 400, 403, 422])
def test_a_refusal_says_nothing_when_the_neighbour_is_refused_too(status: int) -> None:
    played = seen(valid=valid(401), mutant=mutant(status))
    assert [f.ids for f in findings(steps, played)] == [("COMMON-RES-001",)]
    assert not {*ROW, "COMMON-ERR-001"} & witnessed(steps, played)


@pytest.mark.parametrize(("rows", "is_soft"), [(ROW, False), (SOFT, True), ((), False)])
def test_an_undocumented_code_is_soft_where_refusing_is_a_should(
    rows: tuple[str, ...], is_soft: bool
) -> None:
    (found,) = findings(steps, seen(valid=valid(), mutant=mutant(418, rows)))
    assert (found.ids, found.soft) == (("COMMON-ERR-001",), is_soft)


@pytest.mark.parametrize("status", [404, 410])
def test_where_the_documents_name_no_code_any_4xx_is_right(status: int) -> None:
    unknown = mutant(status, ("COMMON-ERR-008",), codes=(400, 404, 422))
    played = seen(valid=valid(), mutant=unknown)
    assert findings(steps, played) == []
    assert "COMMON-ERR-008" in witnessed(steps, played)
    assert "COMMON-ERR-001" not in witnessed(steps, played)


def test_501_is_right_for_a_method_that_nobody_documents() -> None:
    get = exchange(
        "chat",
        b"",
        ERROR,
        status=501,
        operation="GET /v1/chat/completions",
        expect="refuse",
        serves=("COMMON-REQ-003",),
        codes=(404, 405, 501),
    )
    played = seen(valid=valid(), get=get)
    assert findings(steps, played) == findings(crashes, played) == []
    assert "COMMON-REQ-003" in witnessed(steps, played)


@pytest.mark.parametrize("expect", ["refuse", "either"])
def test_a_crash_goes_to_the_crash_rows_and_not_to_the_refusal(expect: str) -> None:
    played = seen(valid=valid(), mutant=mutant(500, expect=expect))
    (found,) = findings(crashes, played)
    assert found.ids == ("COMMON-ERR-004", "CHAT-ERR-003")
    assert found.kind == "crash"
    assert findings(steps, played) == []
    assert not {*ROW} & witnessed(steps, played)


@pytest.mark.parametrize("status", [200, 400, 404, 413])
def test_either_answer_to_an_undecided_request_is_right(status: int) -> None:
    assert findings(steps, seen(variant=mutant(status, expect="either"))) == []


def test_a_path_that_is_not_served_is_blamed_on_the_path() -> None:
    alias = exchange(
        "rerank",
        SENT["rerank"],
        ERROR,
        status=404,
        operation="POST /v2/rerank",
        serves=("RERANK-REQ-013",),
    )
    (found,) = findings(steps, seen(v2=alias))
    assert found.ids == ("RERANK-REQ-003",)
    served = exchange(
        "rerank", SENT["rerank"], good("rerank"), operation="POST /v2/rerank"
    )
    (found,) = findings(steps, seen(first=served, v2=alias))
    assert found.ids == ("RERANK-REQ-013",)


def test_a_path_that_is_not_served_refuses_no_mistake() -> None:
    """The path has rows of its own; one that is served has refused the mistake."""
    wrong = exchange(
        "rerank",
        SENT["rerank"] | {"top_n": -1},
        ERROR,
        status=404,
        operation="POST /v2/rerank",
        expect="refuse",
        serves=("RERANK-REQ-015",),
    )
    assert findings(steps, seen(mutant=wrong)) == []
    served = exchange(
        "rerank", SENT["rerank"], good("rerank"), operation="POST /v2/rerank"
    )
    (found,) = findings(steps, seen(first=served, mutant=wrong))
    assert found.ids == ("COMMON-ERR-001",)


@pytest.mark.parametrize("status", [400, 500])
def test_a_request_of_which_a_part_was_not_taken_says_nothing_of_the_rest(
    status: int,
) -> None:
    part = exchange("chat", {"model": "m"}, ERROR, status=status, serves=ROW)
    more = exchange("chat", {"model": "m", "n": 2}, ERROR, status=status, serves=SOFT)
    (found,) = findings(steps, seen(part=part, more=more))
    assert found.ids == ROW
    assert not {*SOFT} & witnessed(steps, seen(part=part, more=more))
    other = exchange("chat", {"n": 2}, ERROR, status=status, serves=SOFT)
    assert len(findings(steps, seen(part=part, other=other))) == 2
    otherwise = 900 - status
    crash = exchange("chat", more.request.json, ERROR, status=otherwise, serves=SOFT)
    assert {f.ids for f in findings(steps, seen(part=part, more=crash))} == {ROW, SOFT}


@pytest.mark.parametrize(
    ("added", "row"),
    [
        ({"logprobs": True}, "CHAT-REQ-018"),
        ({"logit_bias": {"9": 1}}, "CHAT-REQ-015"),
        ({"logit_bias": {"9": 100}}, "CHAT-REQ-017"),
        ({"n": 2, "logprobs": True}, "COMMON-RES-001"),
    ],
)
def test_the_one_member_without_which_a_body_is_accepted_is_to_blame(
    added: dict[str, Any], row: str
) -> None:
    """Where several things are asked for and a smaller body tells them apart."""
    refused = exchange("chat", SENT["chat"] | added, ERROR, status=400)
    (found,) = findings(steps, seen(all=refused, less=valid()))
    assert row in found.ids
    (found,) = findings(steps, seen(all=refused))
    assert found.ids == ("COMMON-RES-001",)
    own = exchange("chat", SENT["chat"] | added, ERROR, status=400, serves=ROW)
    (found,) = findings(steps, seen(all=own, less=valid()))
    assert found.ids == ROW


@pytest.mark.parametrize(
    ("expect", "body", "is_found"),
    [
        ("refuse", b'data: {"error":{"message":"no"}}\n\ndata: [DONE]\n\n', True),
        ("refuse", b"", True),
        ("either", b'data: {"error":{"message":"no"}}\n\n', True),
        ("either", b"data: [DONE]\n\n", False),
    ],
)
def test_a_refusal_told_as_a_stream_is_no_client_error(
    expect: str, body: bytes, *, is_found: bool
) -> None:
    told = exchange(
        "chat",
        SENT["chat"] | {"stream": True},
        stream=body,
        expect=expect,
        serves=ROW,
    )
    found = findings(steps, seen(valid=valid(), mutant=told))
    assert [f.ids for f in found] == [("COMMON-ERR-001",)] * is_found


@pytest.mark.parametrize(
    ("fewer", "more", "rows"),
    [
        (["a"], ["a", "b"], {"CHAT-REQ-046"}),
        (["b"], ["a", "b", "c"], {"CHAT-REQ-046"}),
        (["c"], ["a", "b"], {"CHAT-REQ-046", "CHAT-REQ-048"}),
    ],
)
def test_a_longer_list_is_not_blamed_for_what_a_stretch_of_it_was_refused_for(
    fewer: list[str], more: list[str], rows: set[str]
) -> None:
    def offering(names: list[str], row: str, **members: Any) -> Exchange:
        tools = [{"type": "function", "function": {"name": name}} for name in names]
        sent = SENT["chat"] | {"tools": tools, **members}
        return exchange("chat", sent, ERROR, status=400, serves=(row,))

    one = offering(fewer, "CHAT-REQ-046")
    all_ = offering(more, "CHAT-REQ-048", tool_choice="none")
    found = findings(steps, seen(one=one, all=all_))
    assert {row for finding in found for row in finding.ids} == rows
