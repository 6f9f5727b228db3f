"""The verdict names what a client did wrong, and praises only what it saw."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from asking import CHAT, PATH, text_of, tool
from plain_http import Client
from test_readme import table

from aios_conformance.mockserver.clients.verdict import RULES, judged, session
from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.embedded import LocalMock
from aios_conformance.mockserver.faults.kinds import Fault

USER = {"role": "user", "content": "What is the weather in Paris?"}
TOOL = tool("weather", city={"type": "string"})


def body(*messages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": CHAT, "messages": [*(messages or [USER])], **more}


def streamed(client: Client, **more: Any) -> list[Any]:
    reply = client.post(PATH, body(stream=True, **more))
    events = [line for line in reply.body.split(b"\n\n") if b"{" in line]
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


def seen(mock: LocalMock, rule: str) -> tuple[str, list[list[int]]]:
    verdict = Client(mock.url).get("/_mock/verdict").json()
    (found,) = [each for each in verdict["rules"] if each["name"] == rule]
    return found["verdict"], [each["exchanges"] for each in found["seen"]]


def test_nothing_seen_is_nothing_passed(mock: LocalMock) -> None:
    verdict = Client(mock.url).get("/_mock/verdict").json()
    assert verdict["verdict"] == "not exercised"
    assert {rule["verdict"] for rule in verdict["rules"]} == {"not exercised"}


def test_the_readme_lists_all_rules() -> None:
    assert table("## The verdict on a client") == {rule.name for rule in RULES}


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refusal_that_is_sent_again(mock: LocalMock, status: int) -> None:
    mock.fail(status, times=2)
    client = Client(mock.url)
    client.post(PATH, body())
    assert seen(mock, "refusals-are-final") == ("pass", [[1]])
    client.post(PATH, dict(reversed(body().items())))  # the same in another order
    assert seen(mock, "refusals-are-final") == ("fail", [[1, 2], [2]])


def test_another_request_or_key_is_no_retry(mock: LocalMock) -> None:
    mock.fail(401, times=2)
    client = Client(mock.url)
    client.post(PATH, body(), Authorization="Bearer old")
    client.post(PATH, body(), Authorization="Bearer new")
    client.post(PATH, body(seed=1), Authorization="Bearer old")
    assert seen(mock, "refusals-are-final")[0] == "pass"


def test_who_gives_up_at_once_and_who_comes_back_at_once(mock: LocalMock) -> None:
    mock.fail(429, times=3)
    client = Client(mock.url)
    client.post(PATH, body())
    assert seen(mock, "passing-failures-are-retried") == ("warn", [[1]])
    assert seen(mock, "retry-after-is-heeded")[0] == "not exercised"
    for _ in range(3):
        client.post(PATH, body())
    assert seen(mock, "passing-failures-are-retried")[0] == "pass"
    assert seen(mock, "retry-after-is-heeded") == ("fail", [[1, 2], [2, 3], [3, 4]])
    assert seen(mock, "attempts-back-off") == ("fail", [[1, 2, 3, 4]])


def test_a_lost_connection_is_worth_a_retry(mock: LocalMock) -> None:
    mock.rule({"fault": "drop"}, times=1)
    client = Client(mock.url)
    with pytest.raises(ConnectionError):
        client.post(PATH, body())
    assert seen(mock, "passing-failures-are-retried") == ("warn", [[1]])
    client.post(PATH, body())
    assert seen(mock, "passing-failures-are-retried") == ("pass", [[1, 2]])


def noted(number: int, started: float, **members: Any) -> Exchange:
    exchange = Exchange(number, started, "POST", PATH, {})
    exchange.api, exchange.request = "chat", json.dumps(body()).encode()
    exchange.status, exchange.finished, exchange.duration = 200, True, 0.1
    for name, value in members.items():
        setattr(exchange, name, value)
    return exchange


def marks(*exchanges: Exchange) -> dict[str, str]:
    verdict = judged(session(exchanges))
    return {result.rule.name: result.mark for result in verdict.results}


@pytest.mark.parametrize(
    ("asked", "begins", "mark"),
    [
        ("2", 12.1, "pass"),
        ("2", 11.5, "fail"),
        ("Thu, 01 Jan 1970 00:00:12 GMT", 12.0, "pass"),
        ("Thu, 01 Jan 1970 00:00:12 GMT", 11.0, "fail"),
        ("soon", 10.2, "not exercised"),
    ],
)
def test_retry_after_is_a_time_or_a_moment(
    asked: str, begins: float, mark: str
) -> None:
    refused = noted(1, 10.0, status=429, answered={"Retry-After": asked})
    found = marks(refused, noted(2, begins))
    assert found["retry-after-is-heeded"] == mark


def test_pauses_are_praised_and_stubbornness_is_not() -> None:
    tries = [noted(n, 10.0 * n, status=503) for n in range(1, 4)]
    assert marks(*tries)["attempts-back-off"] == "pass"
    tries = [noted(n, 10.0 * n, status=503) for n in range(1, 13)]
    assert marks(*tries)["attempts-back-off"] == "warn"


def test_requests_side_by_side_are_no_retries() -> None:
    side = [noted(n, 10.0, status=422) for n in range(1, 4)]
    assert marks(*side)["refusals-are-final"] == "pass"
    assert marks(*side, noted(4, 20.0))["refusals-are-final"] == "warn"


def test_a_retry_that_says_so_is_paired_first() -> None:
    refused = noted(1, 10.0, status=429, answered={"Retry-After": "2"})
    other, again = noted(2, 10.5), noted(3, 12.2)
    again.headers = {"x-stainless-retry-count": "1"}
    assert marks(refused, other)["retry-after-is-heeded"] == "fail"
    assert marks(refused, other, again)["retry-after-is-heeded"] == "pass"


@pytest.mark.parametrize(("waited", "mark"), [(3.0, "pass"), (61.0, "fail")])
def test_silence_is_given_up_in_time(waited: float, mark: str) -> None:
    stalled = noted(1, 0.0, fault=Fault("stall"), finished=False, duration=waited)
    assert marks(stalled)["silence-is-not-waited-out"] == mark


@pytest.mark.parametrize("fault", ["truncate@3", "cut@3", "error@3", "garbage@3"])
def test_half_a_stream_is_not_an_answer(mock: LocalMock, fault: str) -> None:
    client, rule = Client(mock.url), "broken-streams-are-noticed"

    def ask() -> None:
        with suppress(OSError, HTTPException):
            client.post(PATH, body(stream=True))

    mock.rule({"fault": fault}, times=1)
    ask()
    assert seen(mock, rule) == ("warn", [[1]])
    came = mock.requests[0]["response"].split("\n\n")[:3]
    half = text_of([json.loads(event[6:]) for event in came])
    assert half
    client.post(PATH, body(USER, {"role": "assistant", "content": half}, USER))
    assert seen(mock, rule) == ("fail", [[1, 2]])
    mock.reset()
    mock.rule({"fault": fault}, times=1)
    ask()
    ask()
    assert seen(mock, rule) == ("pass", [[1, 2]])


@pytest.mark.parametrize(
    ("kept", "mark"),
    [
        (lambda said: said, "pass"),
        (lambda said: said[:-3], "fail"),
        (lambda said: said[3:], "fail"),
        (lambda _: "Something else.", "not exercised"),
    ],
)
def test_a_streamed_answer_comes_back_whole(
    mock: LocalMock, kept: Callable[[str], str], mark: str
) -> None:
    client = Client(mock.url)
    mock.say("The weather in Paris is fine.", times=1)
    said = text_of(streamed(client))
    client.post(PATH, body(USER, {"role": "assistant", "content": kept(said)}, USER))
    assert seen(mock, "streamed-text-is-joined-whole")[0] == mark


def called(chunks: list[Any]) -> tuple[str, str]:
    """The id of the call in a stream, and its arguments."""
    pieces = [
        piece
        for chunk in chunks
        for piece in chunk["choices"][0]["delta"].get("tool_calls") or ()
    ]
    joined = "".join(p["function"].get("arguments") or "" for p in pieces)
    return pieces[0]["id"], joined


def conversation(id_: str, arguments: str, result: str | None) -> list[dict[str, Any]]:
    call = {"name": "weather", "arguments": arguments}
    turn = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": id_, "type": "function", "function": call}],
    }
    answer = {"role": "tool", "tool_call_id": result, "content": "sunny"}
    return [USER, turn, *([answer] if result else [USER])]


def test_tool_calls_are_joined_named_and_answered(mock: LocalMock) -> None:
    client = Client(mock.url)
    rules = (
        "tool-arguments-are-joined",
        "tool-results-name-their-calls",
        "tool-calls-are-answered",
    )
    mock.call("weather", {"city": "Paris"}, times=1)
    chunks = streamed(client, tools=[TOOL])
    id_, arguments = called(chunks)
    assert json.loads(arguments) == {"city": "Paris"}

    def found(arguments: str, id_: str, result: str | None) -> list[str]:
        client.post(PATH, body(*conversation(id_, arguments, result), tools=[TOOL]))
        return [seen(mock, rule)[0] for rule in rules]

    assert found('{"city":"Paris"}', id_, id_) == ["pass"] * 3
    assert found(arguments, "call_mine", "call_mine") == ["pass", "warn", "pass"]
    assert found(arguments, id_, "call_other") == ["pass", "fail", "fail"]
    assert found(arguments, id_, None) == ["pass", "fail", "fail"]


def test_half_a_call_is_a_broken_stream_and_no_fragment(mock: LocalMock) -> None:
    client = Client(mock.url)
    mock.rule(
        {
            "tool_calls": [{"name": "weather", "arguments": {"city": "Paris"}}],
            "fault": "truncate@3",
        },
        times=1,
    )
    id_, arguments = called(streamed(client, tools=[TOOL]))
    client.post(PATH, body(*conversation(id_, arguments, id_), tools=[TOOL]))
    assert seen(mock, "tool-arguments-are-joined")[0] == "not exercised"
    assert seen(mock, "broken-streams-are-noticed") == ("fail", [[1, 2]])


def test_a_fragment_of_arguments_is_told(mock: LocalMock) -> None:
    client = Client(mock.url)
    mock.call("weather", {"city": "Paris"}, times=1)
    chunks = streamed(client, tools=[TOOL])
    id_, arguments = called(chunks)
    client.post(PATH, body(*conversation(id_, arguments[6:], id_), tools=[TOOL]))
    assert seen(mock, "tool-arguments-are-joined") == ("fail", [[1, 2]])


def test_connections_are_reused_or_not(mock: LocalMock) -> None:
    client = Client(mock.url)  # a connection for each request
    for _ in range(5):
        client.post(PATH, body())
    assert seen(mock, "connections-are-reused") == ("warn", [[1, 5]])
    assert seen(mock, "connections-do-not-pile-up")[0] == "pass"
    mock.reset()
    line = HTTPConnection(mock.url.removeprefix("http://"), timeout=30)
    for _ in range(5):
        line.request("GET", "/v1/models")
        line.getresponse().read()
    line.close()
    assert seen(mock, "connections-are-reused") == ("pass", [[1, 5]])
    mock.reset()
    for _ in range(5):
        client.post(PATH, body(stream=True))  # nobody reuses the line of a stream
    assert seen(mock, "connections-are-reused")[0] == "not exercised"


def test_connections_that_pile_up(mock: LocalMock) -> None:
    lines = []
    for _ in range(4):
        line = HTTPConnection(mock.url.removeprefix("http://"), timeout=30)
        line.request("GET", "/v1/models")
        line.getresponse().read()
        lines.append(line)
    assert seen(mock, "connections-do-not-pile-up") == ("warn", [[4]])
    for line in lines:
        line.close()


def test_members_that_nobody_knows_or_advises(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.post(PATH, body(max_completion_tokens=4))
    assert seen(mock, "members-are-known")[0] == "pass"
    assert seen(mock, "members-are-current")[0] == "pass"
    client.post(PATH, body(temprature=1, max_tokens=4, functions=[]))
    assert seen(mock, "members-are-known") == ("warn", [[2]])
    assert seen(mock, "members-are-current") == ("warn", [[2], [2]])
    told = Client(mock.url).get("/_mock/verdict?format=text").body.decode()
    assert "temprature is unknown and has no effect; did you mean temperature?" in told


def test_base64_is_judged_by_what_follows_only(mock: LocalMock) -> None:
    client, rule = Client(mock.url), "base64-vectors-are-read"
    asked = {"model": "sds/bge-m3", "input": "hi"}
    client.post("/v1/embeddings", {**asked, "encoding_format": "base64"})
    assert seen(mock, rule) == ("not exercised", [[1]])
    client.post("/v1/embeddings", asked)
    assert seen(mock, rule) == ("warn", [[1, 2]])


@pytest.mark.parametrize(
    ("query", "accept", "kind", "begins"),
    [
        ("", "*/*", "application/json", b'{"verdict":"fail"'),
        ("", "text/plain", "text/plain", b"verdict: fail ("),
        ("", "text/html,application/xml;q=0.9", "text/plain", b"verdict: fail ("),
        ("", "application/xml", "application/xml", b"<?xml"),
        ("?format=junit", "*/*", "application/xml", b"<?xml"),
        ("?format=text", "application/json", "text/plain", b"verdict: fail ("),
    ],
)
def test_formats(
    mock: LocalMock, query: str, accept: str, kind: str, begins: bytes
) -> None:
    mock.fail(400, times=2)
    for _ in range(2):
        Client(mock.url).post(PATH, body(**{"evil\x00<&>\x1b": 1}))
    reply = Client(mock.url).get(f"/_mock/verdict{query}", Accept=accept)
    assert reply.headers["content-type"].startswith(kind)
    assert reply.body.startswith(begins)
    if kind == "application/xml":
        (suite,) = fromstring(reply.body)  # noqa: S314 - our own
        assert suite.attrib["failures"] == "1"
        assert suite.attrib["tests"] == str(len(RULES))
        failed = suite.find("testcase[@name='refusals-are-final']/failure")
        assert failed is not None
        assert "#1, #2" in (failed.text or "")


def test_a_format_that_does_not_exist(mock: LocalMock) -> None:
    reply = Client(mock.url).get("/_mock/verdict?format=pdf")
    assert reply.status == 400
    assert "'pdf'" in reply.json()["error"]["message"]
