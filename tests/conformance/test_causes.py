"""One fault, one cause: whatever requirements and APIs it breaks."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from exchanges import exchange
from results import evidence, made_result

from aios_conformance.conformance.reporting import json_report, markdown
from aios_conformance.conformance.reporting.causes import advice, causes
from aios_conformance.conformance.reporting.html_page import render
from aios_conformance.conformance.reporting.wording import place
from aios_conformance.conformance.terms.check import Kind
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.result import (
    Evidence,
    RequirementResult,
    RunResult,
)
from aios_conformance.spec import BELOW, report_schema, requirement


def broken(
    name: str, exchange_id: str, kind: Kind = "silent", **over: Any
) -> RequirementResult:
    found = replace(evidence(kind, over.pop("actual", 9)), exchange=exchange_id, **over)
    return RequirementResult(requirement(name), "fail", findings=(found,))


def judged(rows: Iterable[RequirementResult], *sent: Exchange) -> RunResult:
    return replace(
        made_result({row.requirement.id: row for row in rows}), exchanges=sent
    )


def told(result: RunResult) -> dict[str, list[str]]:
    return {
        each.title: [row.requirement.id for row in each.rows] for each in causes(result)
    }


def test_a_limit_that_is_ignored_is_one_cause_for_all_rows_about_it() -> None:
    sent = {"model": "m", "messages": [], "max_tokens": 4}
    other = {**sent, "max_completion_tokens": 3}
    counted: Any = {"pointer": "/usage/completion_tokens"}
    result = judged(
        [
            broken("CHAT-SEM-008", "a", **counted, expected="at most 4 tokens"),
            broken("META-042", "a", "malformed", **counted, expected="4 tokens"),
            broken("COMP-SEM-005", "b", pointer="", expected="no more than 4"),
        ],
        exchange("chat", sent, {}, id="a"),
        exchange("completions", {"model": "m", "max_tokens": 2}, {}, id="b"),
        exchange("chat", other, {}, id="c"),
    )
    assert told(result) == {
        "max_tokens is not obeyed": ["CHAT-SEM-008", "COMP-SEM-005", "META-042"]
    }


def test_two_parameters_are_two_causes() -> None:
    result = judged(
        [
            broken("CHAT-SEM-011", "a", expected="2 choices"),
            broken("CHAT-SEM-012", "b", expected="the same text"),
        ],
        exchange("chat", {"model": "m", "n": 2}, {}, id="a"),
        exchange("chat", {"model": "m", "seed": 2}, {}, id="b"),
    )
    assert told(result).keys() == {"n is not obeyed", "seed is not obeyed"}


def test_a_stream_unlike_the_whole_is_no_fault_of_the_temperature() -> None:
    sent = {"model": "m", "temperature": 0, "stream": True}
    apart: Any = {"kind": "malformed", "pointer": "", "expected": "the whole text"}
    result = judged(
        [
            broken("META-059", "a", **apart),
            broken("META-053", "b", expected="two distinct texts"),
        ],
        exchange("chat", sent, {}, id="a"),
        exchange("chat", {"model": "m", "temperature": 1}, {}, id="b"),
    )
    assert told(result) == {
        "": ["META-059"],
        "temperature is not obeyed": ["META-053"],
    }


def test_a_member_that_every_api_lacks_is_one_cause() -> None:
    absent: dict[str, Any] = {"actual": "absent", "expected": "a member usage"}
    result = judged(
        [
            broken("EMB-RES-011", "a", "malformed", pointer="/usage", **absent),
            broken("SCORE-RES-010", "b", "malformed", pointer="/usage", **absent),
            broken("CHAT-RES-025", "c", pointer="/chunks/3/usage", **absent),
        ]
    )
    assert told(result) == {
        "usage is missing": ["EMB-RES-011", "SCORE-RES-010", "CHAT-RES-025"]
    }


def test_a_path_that_is_not_there_is_one_cause_with_what_follows() -> None:
    gone = exchange("rerank", {}, {"error": {"message": "no"}}, status=404, id="a")
    gone = replace(gone, request=replace(gone.request, operation="POST /v2/rerank"))
    part: Evidence = replace(evidence("refused", "404 no"), exchange="a")
    whole = RequirementResult(
        requirement("COMMON-REQ-002"),
        "fail",
        findings=(replace(part, parts=("RERANK-REQ-003",)),),
        refuted_by=("RERANK-REQ-003",),
    )
    rows = [
        broken("RERANK-REQ-003", "a", "refused", expected="200"),
        broken("COMMON-REQ-001", "a", "refused", expected="POST /v2/rerank is served"),
        broken("COMMON-ERR-006", "a", expected="a JSON object", actual="<html>"),
        whole,
    ]
    result = judged(rows, gone)
    (cause,) = causes(result)
    assert cause.title == "POST /v2/rerank is not served"
    assert cause.others == ("COMMON-REQ-001", "COMMON-ERR-006", "COMMON-REQ-002")
    data = json_report.report(result)
    assert data["causes"][0]["follows"] == ["COMMON-REQ-002"]
    for page in (render(result), markdown.render(result)):
        assert "POST /v2/rerank is not served" in page
        assert page.index("is not served") < page.index("COMMON-REQ-002")


@pytest.mark.parametrize(
    ("row", "over", "said"),
    [
        ("CHAT-SEM-011", {"kind": "silent"}, "Obey it, or refuse it"),
        ("CHAT-RES-001", {"actual": "absent", "pointer": "/id"}, "Add the member"),
        ("CHAT-ERR-001", {"kind": "crash", "pointer": ""}, "Find the error in the"),
        ("CHAT-REQ-012", {"kind": "refused", "pointer": ""}, "Accept the request"),
        ("CHAT-RES-025", {"pointer": "/events/4"}, "Mend the events of the stream"),
        ("META-061", {"pointer": "/chunks/3/choices/0/id"}, "Mend choices[].id in the"),
        ("RERANK-RES-010", {"pointer": "/results/1/index"}, "Mend results[].index in"),
    ],
)
def test_each_cause_says_what_to_do(row: str, over: dict[str, Any], said: str) -> None:
    over = {"kind": "malformed"} | over
    (cause,) = causes(judged([broken(row, "gone", **over)]))
    assert advice(cause).startswith(said)
    assert place(cause.lead.requirement) in advice(cause)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/chat/completions", "Chat Completions"),
        ("/v1/completions", "Completions"),
        ("/v2/rerank", "Rerank"),
        ("/of/its/own", "Rerank"),  # the first that there is
    ],
)
def test_a_row_on_all_apis_leads_to_the_page_of_the_one_that_broke_it(
    path: str, said: str
) -> None:
    line = f"curl -sS http://h{path} -H 'Content-Type: application/json' -d '{{}}'"
    (cause,) = causes(judged([broken("COMMON-ERR-001", "gone", curl=line)]))
    assert f"({said}{BELOW}" in advice(cause)


def test_what_batches_may_do_is_nothing_to_mend() -> None:
    row = replace(broken("META-073", "gone"), verdict="unstable")
    (cause,) = causes(judged([row]))
    assert advice(cause).startswith("Nothing, where answers are computed in batches")


def test_what_breaks_down_whatever_is_sent_is_one_cause() -> None:
    def crashed(api: Any, name: str, sent: Any) -> Exchange:
        return exchange(api, sent, {"error": name}, status=500, id=name)

    whole = {"model": "m", "messages": []}
    streamed = [whole | {"stream": True, "max_tokens": n} for n in (1, 2)]
    rows = ("EMB-REQ-001", "EMB-REQ-007", "CHAT-REQ-034", "CHAT-REQ-035")
    result = judged(
        [
            broken(row, f"x{i}", "crash", actual=f"500 {i}", pointer="")
            for i, row in enumerate(rows)
        ],
        crashed("embeddings", "x0", {"model": "m", "input": "a"}),
        crashed("embeddings", "x1", {"model": "m", "input": "b"}),
        exchange("chat", whole, {}, id="fine"),
        *(crashed("chat", f"x{i + 2}", sent) for i, sent in enumerate(streamed)),
    )
    assert {title.partition(": ")[0]: ids for title, ids in told(result).items()} == {
        "POST /v1/embeddings breaks down": ["EMB-REQ-001", "EMB-REQ-007"],
        "streams of POST /v1/chat/completions break down": [
            "CHAT-REQ-034",
            "CHAT-REQ-035",
        ],
    }


def test_a_row_follows_besides_what_was_found_on_itself() -> None:
    found = replace(evidence("refused", "400 plain"), exchange="b", expected="200")
    whole = RequirementResult(
        requirement("COMMON-RES-001"),
        "fail",
        findings=(found,),
        refuted_by=("CHAT-REQ-024",),
    )
    rows = [whole, broken("CHAT-REQ-024", "a", "refused", actual="400 one only")]
    sent = refusal("a", {"n": 2}, "one only"), refusal("b", {}, "plain")
    first, second = causes(judged(rows, *sent))
    assert {first.others, second.others} == {(), ("COMMON-RES-001",)}


def refusal(name: str, body: dict[str, Any], words: str) -> Exchange:
    return exchange("chat", body, {"detail": words}, status=400, id=name)


def test_a_refused_parameter_is_one_cause_under_any_words() -> None:
    result = judged(
        [
            broken("CHAT-REQ-024", "a", "refused", actual="400 one only"),
            broken("META-035", "b", "refused", actual="400 n: at most one"),
        ],
        refusal("a", {"n": 2}, "one only"),
        refusal("b", {"n": 3}, "n: at most one"),
    )
    assert told(result) == {
        "n is refused: 400 “one only”": ["CHAT-REQ-024", "META-035"]
    }


def test_what_the_target_refuses_is_what_it_names() -> None:
    words = "unexpected fields: {'max_tokens'}"
    result = judged(
        [broken("CHAT-REQ-029", "a", "refused", actual=f"422 {words}")],
        refusal("a", {"seed": 3, "max_tokens": 2}, words),
    )
    assert list(told(result)) == [f"max_tokens is refused: 400 “{words}”"]


def test_words_that_are_the_same_for_anything_tell_no_cause() -> None:
    result = judged(
        [
            broken("CHAT-REQ-024", "a", "refused", actual="400 bad request"),
            broken("CHAT-REQ-029", "b", "refused", actual="400 bad request"),
        ],
        refusal("a", {"n": 2}, "bad request"),
        refusal("b", {"seed": 3}, "bad request"),
    )
    assert len(causes(result)) == 2


def test_streams_whose_events_cannot_be_read_are_one_cause() -> None:
    sent = {"model": "m", "stream": True}
    result = judged(
        [
            broken("CHAT-SEM-001", "a", "malformed", expected="the client reads it"),
            broken("CHAT-RES-025", "a", "malformed", expected="a JSON object"),
            broken("COMP-RES-018", "b", "malformed", expected="a JSON object or so"),
        ],
        exchange("chat", sent, stream=[b'{"id":'], id="a"),
        exchange("completions", sent, stream=[b"oops"], id="b"),
    )
    assert len(causes(result)) == 1


def test_a_report_leads_with_its_causes() -> None:
    result = judged(
        [broken("CHAT-SEM-011", "a")], exchange("chat", {"n": 2}, {}, id="a")
    )
    data = json_report.report(result)
    assert list(data).index("causes") < list(data).index("requirements")
    assert data["causes"][0]["requirements"] == ["CHAT-SEM-011"]
    jsonschema.validate(data, report_schema())


def test_a_report_read_back_without_its_recording_tells_the_same_causes() -> None:
    sent = {"model": "m", "messages": [], "max_tokens": 4}
    result = judged(
        [
            broken("CHAT-SEM-008", "a", expected="at most 4 tokens"),
            broken("META-042", "a", "malformed", expected="4 tokens"),
        ],
        exchange("chat", sent, {}, id="a"),
    )
    written = json_report.report(result)
    read = json_report.read(written)
    assert json_report.report(read)["causes"] == written["causes"]
    assert [each.title for each in causes(read)] == [e.title for e in causes(result)]
