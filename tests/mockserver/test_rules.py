"""Rules decide what the mock says, and the rest of the answer stays true."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asking import CHAT, PATH, chat, saying, tool
from plain_http import Client, Reply

from aios_conformance.mockserver.embedded import LocalMock, local_mock


@pytest.fixture(scope="module")
def server() -> Iterator[LocalMock]:
    with local_mock("--self-check", "--model", "thinker=reasoning") as mock:
        yield mock


def hit(**match: Any) -> dict[str, Any]:
    """A rule that says "hit" where a match holds."""
    return {"match": match, "respond": {"text": "hit"}}


def content(reply: Reply) -> str:
    assert reply.status == 200, reply.body
    found: str = reply.json()["choices"][0]["message"]["content"]
    return found


def test_the_first_rule_that_matches_answers(mock: LocalMock) -> None:
    mock.rules(
        {"match": {"text": "WEATHER"}, "respond": {"text": "It rains."}},
        {"match": {"api": "chat"}, "respond": {"text": "Good day."}},
    )
    assert content(chat(mock, "What is the weather?")) == "It rains."
    assert content(chat(mock, "Hello")) == "Good day."
    completion = Client(mock.url).post(
        "/v1/completions", {"model": CHAT, "prompt": "Hello"}
    )
    assert completion.json()["choices"][0]["text"] != "Good day."
    assert [entry["rule"] for entry in mock.requests] == ["rule 1", "rule 2", None]


def test_scripted_text_takes_the_models_way(mock: LocalMock) -> None:
    mock.say("One, two, three, Zürich.")
    reply = chat(mock, logprobs=True, top_logprobs=2).json()
    choice = reply["choices"][0]
    entries = choice["logprobs"]["content"]
    assert bytes(b for e in entries for b in e["bytes"]).decode() == (
        "One, two, three, Zürich."
    )
    assert reply["usage"]["completion_tokens"] == len(entries)
    cut = chat(mock, stop=[", three"]).json()["choices"][0]
    assert (cut["message"]["content"], cut["finish_reason"]) == ("One, two", "stop")
    short = chat(mock, max_tokens=2).json()["choices"][0]
    assert short["finish_reason"] == "length"
    streamed = chat(mock, stream=True).chunks()
    deltas = [c["choices"][0]["delta"].get("content", "") for c in streamed]
    assert "".join(deltas) == "One, two, three, Zürich."
    assert len(deltas) > 5


def test_a_rule_is_used_as_often_as_it_says(mock: LocalMock) -> None:
    mock.rules(
        {"times": 2, "respond": {"status": 429}},
        {"respond": [{"text": "first"}, {"text": "then"}]},
    )
    first, second = chat(mock), chat(mock)
    assert (first.status, second.status) == (429, 429)
    assert first.headers["retry-after"] == "1"
    assert [content(chat(mock)) for _ in range(3)] == ["first", "then", "then"]
    used = Client(mock.url).get("/_mock/rules").json()["rules"]
    assert [rule["used"] for rule in used] == [2, 3]


@pytest.mark.parametrize(
    ("match", "body", "hit"),
    [
        ({"api": "chat"}, {}, True),
        ({"api": "score"}, {}, False),
        ({"path": "/v1/chat/completions"}, {}, True),
        ({"model": CHAT}, {}, True),
        ({"model": "other"}, {}, False),
        ({"regex": "^hel+o$"}, {}, True),
        ({"regex": "^lo"}, {}, False),
        ({"body": {"/max_tokens": 7}}, {"max_tokens": 7}, True),
        ({"body": {"/max_tokens": 7}}, {"max_tokens": 8}, False),
        ({"body": {"/messages/0/role": "user"}}, {}, True),
        ({"body": {"/seed": None}}, {}, True),
        ({"header": {"x-case": "a"}}, {}, True),
        ({"header": {"X-Case": "b"}}, {}, False),
        ({"stream": False}, {}, True),
        ({"stream": True}, {}, False),
        ({"api": "chat", "text": "bye"}, {}, False),
        ({}, {}, True),
    ],
)
def test_conditions(
    mock: LocalMock, match: dict[str, Any], body: dict[str, Any], hit: bool
) -> None:
    mock.rules({"match": match, "respond": {"text": "hit"}})
    sent = saying("hello", **body)
    reply = Client(mock.url).post(PATH, sent, **{"X-Case": "a"})
    assert (content(reply) == "hit") == hit


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"model": CHAT, "prompt": ["the sun"]}),
        ("/v1/embeddings", {"model": "sds/bge-m3", "input": "the sun"}),
        (
            "/v2/rerank",
            {"model": "sds/bge-m3", "query": "the sun", "documents": ["a"]},
        ),
        ("/score", {"model": "sds/bge-m3", "text_1": "the sun", "text_2": "a"}),
        (
            "/v1/chat/completions",
            {
                "model": CHAT,
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "the sun"}],
                    },
                    {"role": "assistant", "content": "and?"},
                ],
            },
        ),
    ],
)
def test_the_last_user_text_is_known_for_every_api(
    mock: LocalMock, path: str, body: dict[str, Any]
) -> None:
    mock.rules({"match": {"text": "sun"}, "respond": {"status": 418}})
    assert Client(mock.url).post(path, body).status == 418


def test_reasoning_can_be_scripted(mock: LocalMock) -> None:
    mock.rule({"text": "Four.", "reasoning": "Two and two."}, model="thinker")
    message = chat(mock, model="thinker").json()["choices"][0]["message"]
    assert message["reasoning_content"] == "Two and two."
    assert message["content"] == "Four."


def test_scores_can_be_scripted(mock: LocalMock) -> None:
    mock.rule({"scores": [0.1, 0.9]})
    body = {"model": "sds/bge-m3", "query": "q", "documents": ["a", "b", "c"]}
    results = Client(mock.url).post("/rerank", body).json()["results"]
    assert [r["index"] for r in results] == [1, 2, 0]


def test_json_of_another_form_than_is_wanted_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with local_mock() as plain:
        plain.rules({"name": "whole", "respond": {"json": {"odd": True}}})
        assert chat(plain, stream=True).chunks() == [{"odd": True}]
        chat(plain, stream=True)
    (told,) = caplog.records
    assert told.getMessage().startswith("'whole': its json is sent as it is")


def test_json_replaces_the_whole_answer(mock: LocalMock) -> None:
    chunk = {"choices": [], "marked": True}
    with local_mock() as plain:
        plain.rules(
            {"match": {"stream": True}, "respond": {"json": [chunk, chunk]}},
            {"respond": {"json": {"odd": True}}},
        )
        assert chat(plain).json() == {"odd": True}
        assert chat(plain, stream=True).chunks() == [chunk, chunk]
    mock.rules({"respond": {"json": {"odd": True}}})
    assert chat(mock).json()["error"]["code"] == "self_check"


def test_a_rule_can_bring_a_fault_a_message_and_a_delay(mock: LocalMock) -> None:
    mock.rules(
        {
            "match": {"text": "later"},
            "respond": {"status": 503, "message": "asleep", "delay_ms": 1},
        },
        {"match": {"stream": True}, "respond": {"fault": "truncate@2"}},
        {"respond": {"fault": "401"}},
    )
    later = chat(mock, "later")
    assert (later.status, later.json()["error"]["message"]) == (503, "asleep")
    assert len(chat(mock, stream=True).body.split(b"\n\n")) == 3
    assert chat(mock).status == 401
    assert [entry["fault"] for entry in mock.requests] == [None, "truncate@2", "401"]


def test_strict_refuses_what_no_rule_answers_and_names_the_nearest() -> None:
    with local_mock("--strict") as mock:
        mock.rules(
            {"name": "far", "match": {"api": "score", "text": "x"}, "respond": {}},
            {"name": "near", "match": {"text": "rain"}, "respond": {"text": "wet"}},
        )
        reply = chat(mock, "sun")
        assert reply.status == 404
        message = reply.json()["error"]["message"]
        assert "'near'" in message
        assert "'rain' is not in the text 'sun'" in message
        assert reply.json()["error"]["code"] == "no_rule"
        nowhere = Client(mock.url).post("/v1/nowhere", {})
        assert (nowhere.status, nowhere.json()["error"]["code"]) == (
            404,
            "path_not_found",
        )
        assert content(chat(mock, "rain?")) == "wet"
        mock.rules({"times": 1, "name": "once", "respond": {"text": "a"}})
        chat(mock)
        assert "used 1 times" in chat(mock).json()["error"]["message"]
        mock.rules()
        assert "no rules" in chat(mock).json()["error"]["message"]


CALL = {
    "role": "assistant",
    "tool_calls": [
        {
            "id": f"c{number}",
            "type": "function",
            "function": {"name": name, "arguments": "{}"},
        }
        for number, name in enumerate(("look", "listen"))
    ],
}
RESULTS = [
    {"role": "tool", "tool_call_id": "c0", "content": "Rain in Oslo"},
    {"role": "tool", "tool_call_id": "c1", "content": "Silence"},
]
TALK = [
    {"role": "system", "content": "You are a pirate."},
    {"role": "user", "content": "weather in Oslo?"},
]


@pytest.mark.parametrize(
    ("match", "messages", "holds"),
    [
        ({"system": "PIRATE"}, TALK, True),
        ({"system": "parrot"}, TALK, False),
        ({"system": "pirate"}, TALK[1:], False),
        ({"turn": 1}, TALK, True),
        ({"turn": 2}, [*TALK, CALL, *RESULTS], True),
        ({"turn": 1}, [*TALK, CALL, *RESULTS], False),
        ({"tool_result": True}, [*TALK, CALL, *RESULTS], True),
        ({"tool_result": False}, TALK, True),
        ({"tool_result": True}, [*TALK, CALL, *RESULTS, TALK[1]], False),
        ({"tool_result": {"name": "listen"}}, [*TALK, CALL, *RESULTS], True),
        (
            {"tool_result": {"name": "look", "id": "c0", "text": "rain"}},
            [*TALK, CALL, *RESULTS],
            True,
        ),
        ({"tool_result": {"name": "look", "text": "silence"}}, [CALL, *RESULTS], False),
        ({"jmespath": "messages[-1].content == 'weather in Oslo?'"}, TALK, True),
        ({"jmespath": "length(messages) > `2`"}, TALK, False),
        ({"jmespath": "messages[:1].role == ['system']"}, TALK, True),
        ({"jmespath": "messages[::0]"}, TALK, False),
        ({"body": {f"/messages/{'9' * 5_000}": 1}}, TALK, False),
        ({"jmespath": "length(seed)"}, TALK, False),
        ({"jmespath": "max_tokens"}, TALK, True),
    ],
)
def test_conditions_on_a_conversation(
    mock: LocalMock, match: dict[str, Any], messages: list[Any], holds: bool
) -> None:
    mock.rules(hit(**match))
    body = {"model": CHAT, "messages": messages, "max_tokens": 5}
    reply = Client(mock.url).post("/v1/chat/completions", body)
    assert (content(reply) == "hit") == holds


def test_texts_are_filled_with_values_of_the_request(mock: LocalMock) -> None:
    mock.rule({"status": 409, "message": "not {{ body.max_tokens }}"}, body={"/n": 2})
    mock.rule(
        {"text": "{{named.city}} {{groups[1]}} at {{turn}}: {{ '{{' }}, {{ body.x }}"},
        regex=r"in (?P<city>\w+)",
    )
    mock.rule(
        {"json": {"echo": "{{ body.seed }}", "as": ["{{ body.seed }}!"]}}, text="j"
    )
    mock.rule(
        {"tool_calls": [{"name": "f", "arguments": {"n": "{{ turn }}"}}]}, text="call"
    )
    mock.rule(
        {"text": '{{ tool_result.text }} {{ header."x-case" }}'}, tool_result=True
    )
    assert content(chat(mock, "weather in Oslo?")) == "Oslo Oslo at 1: {{, "
    refused = chat(mock, n=2, max_tokens=3).json()["error"]["message"]
    assert refused == "not 3"
    body = {"model": CHAT, "messages": [*TALK, CALL, RESULTS[0]]}
    reply = Client(mock.url).post("/v1/chat/completions", body, **{"X-Case": "7"})
    assert content(reply) == "Rain in Oslo 7"
    (choice,) = chat(mock, "call", tools=[tool("f")]).json()["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"n": 1}
    with local_mock() as plain:
        plain.rules(*mock._rules)
        assert chat(plain, "j", seed=4).json() == {"echo": 4, "as": ["4!"]}
    mock.say("{{ sum(text) }}")
    wrong = chat(mock)
    assert (wrong.status, wrong.json()["error"]["code"]) == (500, "rule_template")
    assert "'rule 1'" in wrong.json()["error"]["message"]


def test_a_filled_text_has_an_end(mock: LocalMock) -> None:
    mock.rule({"status": 400, "message": "{{text}}{{text}}"})
    assert len(chat(mock, "long " * 10_000).json()["error"]["message"]) == 20_000


@pytest.mark.parametrize("stream", [False, True])
def test_a_rule_adds_headers(mock: LocalMock, stream: bool) -> None:
    mock.rule({"text": "x", "headers": {"X-Case": 5}})
    mock.fail(429, headers={"Retry-After": 7}, text="go")
    assert chat(mock, "go", stream=stream).headers["retry-after"] == "7"
    assert chat(mock, stream=stream).headers["x-case"] == "5"


def test_the_nearest_rule_meets_the_largest_share() -> None:
    with local_mock("--strict") as mock:
        mock.rules(
            hit(text="sun"),
            {
                "name": "most",
                "match": {"api": "chat", "model": CHAT, "stream": False, "text": "x"},
                "respond": {},
            },
        )
        message = chat(mock).json()["error"]["message"]
        assert "'most' meets 3 of 4 conditions, but 'x' is not in the text" in message
        mock.rules(hit(text="rain"), hit(text="the wether"), hit(text="snow"))
        assert (
            "'rule 2' meets 0 of 1"
            in chat(mock, "the weather").json()["error"]["message"]
        )


def test_a_request_prefers_an_answer(mock: LocalMock) -> None:
    mock.rules(
        {"match": {"text": "x"}, "respond": {"text": "first"}},
        {
            "name": "rain",
            "match": {"turn": 9},
            "respond": [{"text": "wet"}, {"text": "w"}],
        },
    )

    def prefer(text: str) -> Reply:
        return Client(mock.url).post(PATH, saying("x"), Prefer=text)

    assert content(prefer("respond-async, code=200")) == "first"
    assert content(prefer('Example="rain"; delay=1')) == "wet"
    assert content(prefer("example=rain, dynamic=true")) == "w"
    assert [entry["rule"] for entry in mock.requests] == ["rule 1", "rain", "rain"]
    refused = prefer("code=429")
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    for text, status, reason in (
        ("code=42", 400, "Prefer: code must be 200 or from 400 to 599, got '42'"),
        ("delay=x", 400, "Prefer: delay must be a whole number"),
        ("example=rein", 404, "knows no 'rein', the nearest is 'rain'"),
    ):
        reply = prefer(text)
        assert reply.status == status
        assert reason in reply.json()["error"]["message"]
