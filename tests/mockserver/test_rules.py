"""Rules decide what the mock says, and the rest of the answer stays true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from wire import Client, Reply

from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.mockserver.rules import (
    RuleError,
    load_rules,
    look_up,
    parse_rules,
)

CHAT = "meta-llama/Llama-3.3-70B-Instruct"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalMock]:
    with local_mock("--self-check", "--model", "thinker=reasoning") as mock:
        yield mock


@pytest.fixture
def mock(server: LocalMock) -> LocalMock:
    server.reset()
    return server


def chat(mock: LocalMock, text: str = "hello", **body: Any) -> Reply:
    sent = {"model": CHAT, "messages": [{"role": "user", "content": text}], **body}
    return Client(mock.url).post("/v1/chat/completions", sent)


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
    assert reply["usage"]["completion_tokens"] == len(entries) + 1
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
    sent = {"model": CHAT, "messages": [{"role": "user", "content": "hello"}], **body}
    client = Client(mock.url)
    reply = client.post("/v1/chat/completions", sent, **{"X-Case": "a"})
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


def test_tool_calls_can_be_scripted(mock: LocalMock) -> None:
    tool = {
        "type": "function",
        "function": {"name": "look", "parameters": {"type": "object"}},
    }
    mock.call("look", {"where": "Zürich"}, text="hello")
    client: Any = OpenAI(base_url=mock.base_url, api_key="any")
    for choice in ("auto", "required"):
        answer = client.chat.completions.create(
            model=CHAT,
            messages=[{"role": "user", "content": "hello"}],
            tools=[tool],
            tool_choice=choice,
        )
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.name == "look"
        assert json.loads(call.function.arguments) == {"where": "Zürich"}
        assert answer.choices[0].finish_reason == "tool_calls"


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


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({}, "must be a list"),
        (["x"], "rule 1 must be a mapping"),
        ([{"respond": {}}, {"match": {}}], "rule 2: respond is required"),
        ([{"answer": {}}], "unknown key 'answer'; valid are match, name"),
        ([{"match": {"txt": ""}, "respond": {}}], "match: unknown key 'txt'"),
        ([{"match": {"text": 5}, "respond": {}}], "text must be a str"),
        ([{"match": {"regex": "("}, "respond": {}}], "regex:"),
        ([{"match": {"body": {"seed": 1}}, "respond": {}}], "JSON pointers"),
        ([{"times": 0, "respond": {}}], "times must be"),
        ([{"respond": {"status": 200}}], "status must be from 400"),
        ([{"respond": {"fault": "boom"}}], "fault must be a status"),
        ([{"respond": {"scores": [2]}}], "scores go from 0 to 1"),
        ([{"respond": {"tool_calls": [{}]}}], "needs a name"),
        ([{"respond": {"delay_ms": -1}}], "delay_ms must be"),
        ([{"name": "n", "respond": []}], r"\(n\): respond is required"),
    ],
)
def test_a_mistake_in_the_rules_is_named(rules: Any, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        parse_rules(rules, "rules.yaml")


def test_rules_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - match: {text: hi}\n    respond: {text: there}\n")
    (rule,) = load_rules(file)
    assert (rule.name, rule.times) == ("rule 1", None)
    with local_mock("--rules", str(file)) as mock:
        assert content(chat(mock, "hi")) == "there"
        mock.reset()
        assert content(chat(mock, "hi")) == "there"
    for text, reason in (
        ("- 1", "one key `rules`"),
        ("rules: [", "no YAML"),
        ("rules: 5", "must be a list"),
    ):
        file.write_text(text)
        with pytest.raises(RuleError, match=reason):
            load_rules(file)
    with pytest.raises(RuleError, match="cannot read"):
        load_rules(tmp_path / "none.yaml")


def test_json_pointers() -> None:
    body = {"a": [{"b/c": 1, "d~e": 2}], "": 3}
    assert look_up(body, "/a/0/b~1c") == 1
    assert look_up(body, "/a/0/d~0e") == 2
    assert look_up(body, "/") == 3
    assert look_up(body, "") == body
    for nowhere in ("/a/1", "/a/x", "/b", "/a/0/b~1c/z"):
        assert look_up(body, nowhere) is None
