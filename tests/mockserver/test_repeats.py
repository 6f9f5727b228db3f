"""A repeated request gets its answer again, with a new id, and nobody can tell."""

import time
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_http import Client, Reply

from aios_conformance.mockserver.answer_cache import Repeat, Repeats
from aios_conformance.mockserver.app import STATE, mock_application
from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.mockserver.memory import Memory
from aios_conformance.mockserver.options import read_options

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
ASK = {"model": CHAT, "messages": [{"role": "user", "content": "Name a café."}]}
TOOL = {"type": "function", "function": {"name": "ping"}}
PING = {"model": CHAT, "messages": [{"role": "user", "content": "ping"}]}
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", ASK),
    "stream": (
        "/v1/chat/completions",
        {**ASK, "stream": True, "stream_options": {"include_usage": True}},
    ),
    "n": ("/v1/chat/completions", {**ASK, "n": 3, "stream": True}),
    "completions": ("/v1/completions", {"model": CHAT, "prompt": "A", "echo": True}),
    "embeddings": ("/v1/embeddings", {"model": "sds/bge-m3", "input": ["a", "b"]}),
    "base64": (
        "/v1/embeddings",
        {"model": "sds/bge-m3", "input": "a", "encoding_format": "base64"},
    ),
    "rerank": (
        "/rerank",
        {"model": "sds/bge-reranker-v2-m3", "query": "q", "documents": ["a", "b"]},
    ),
    "score": ("/score", {"model": "sds/bge-m3", "text_1": "a", "text_2": "b"}),
    "refused": ("/v1/chat/completions", {**ASK, "temperature": "hot"}),
    "tools": (
        "/v1/chat/completions",
        {**PING, "tools": [TOOL], "tool_choice": "required"},
    ),
    "tool call in a stream": (
        "/v1/chat/completions",
        {**PING, "tools": [TOOL], "stream": True},
    ),
}


def times(mock: LocalMock, name: str, count: int = 4, **headers: str) -> list[Reply]:
    path, body = REQUESTS[name]
    return [Client(mock.url).post(path, body, **headers) for _ in range(count)]


def documents(reply: Reply) -> list[Any]:
    """What was said; how the choices of a stream take turns is a matter of time."""
    if "event-stream" in reply.headers["content-type"]:
        return sorted(reply.chunks(), key=choice)
    return [reply.json()]


def choice(chunk: dict[str, Any]) -> int:
    return next((each["index"] for each in chunk["choices"]), len(chunk))


def anonymous(value: Any) -> Any:
    """The same without ids and times."""
    if isinstance(value, dict):
        return {
            key: anonymous(item)
            for key, item in value.items()
            if key not in ("id", "created")
        }
    if isinstance(value, list):
        return [anonymous(item) for item in value]
    return value


@pytest.mark.parametrize("name", REQUESTS)
def test_all_answers_are_alike_but_for_their_ids(mock: LocalMock, name: str) -> None:
    replies = times(mock, name)
    first, *others = [anonymous(documents(reply)) for reply in replies]
    assert others == [first] * len(others)
    assert len({reply.status for reply in replies}) == 1
    volatile = ("date",)
    heads = [
        {k: v for k, v in reply.headers.items() if k not in volatile}
        for reply in replies
    ]
    assert all(head == heads[0] for head in heads)


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_answered_at_once_is_what_aiohttp_would_answer(
    mock: LocalMock, name: str
) -> None:
    ways: list[dict[str, str]] = [{}, {"TE": "trailers"}]  # the second goes by aiohttp
    replies = [times(mock, name, 1, **way)[0] for way in ways * 3]
    heads = [{**reply.headers, "date": ""} for reply in replies]
    assert heads == [heads[0]] * len(heads)
    bodies = [anonymous(documents(reply)) for reply in replies]
    assert bodies == [bodies[0]] * len(bodies)
    unlike = ("number", "started", "duration_ms", "connection", "event_ms", "headers")
    told = [
        {key: value for key, value in entry.items() if key not in unlike}
        for entry in mock.requests
    ]
    for entry in told:
        del entry["response"], entry["response_headers"]["Date"]
    assert told == [told[0]] * len(told)


@pytest.mark.parametrize("name", [name for name in REQUESTS if name != "refused"])
def test_every_answer_has_an_id_of_its_own_and_the_present_time(
    mock: LocalMock, name: str
) -> None:
    replies = times(mock, name)
    ids = [{document["id"] for document in documents(reply)} for reply in replies]
    assert all(len(found) == 1 for found in ids)
    assert len(set.union(*ids)) == len(replies)
    assert len({len(next(iter(found))) for found in ids}) == 1
    for reply in replies:
        for document in documents(reply):
            assert abs(document.get("created", time.time()) - time.time()) < 60


def test_calls_of_tools_have_new_ids_too(mock: LocalMock) -> None:
    calls = [
        reply.json()["choices"][0]["message"]["tool_calls"][0]["id"]
        for reply in times(mock, "tools")
    ]
    assert len(set(calls)) == len(calls)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_journal_tells_of_each(mock: LocalMock, name: str) -> None:
    replies = times(mock, name, 4, **{"X-Request-Id": "mine"})
    entries = mock.requests
    assert len(entries) == len(replies)
    same = ("path", "api", "body", "status", "streamed", "finished", "events")
    told = [[entry[key] for key in same] for entry in entries]
    assert told == [told[0]] * len(told)
    for entry, reply in zip(entries, replies, strict=True):
        assert entry["response_bytes"] == len(reply.body)
        assert reply.headers["x-request-id"] == "mine"
        sent = entry["response"]
        if entry["streamed"]:
            assert sent.encode() == reply.body
        else:
            assert sent == reply.json()


def test_rules_and_faults_come_before_memory(mock: LocalMock) -> None:
    first = times(mock, "chat", 3)[0]
    mock.say("Ruled.")
    (ruled,) = times(mock, "chat", 1)
    assert ruled.json()["choices"][0]["message"]["content"] == "Ruled."
    mock.reset()
    mock.faults("429=1")
    assert times(mock, "chat", 1)[0].status == 429
    mock.reset()
    assert times(mock, "chat", 1, **{"X-Mock-Status": "503"})[0].status == 503
    (again,) = times(mock, "chat", 1)
    assert anonymous(again.json()) == anonymous(first.json())


def test_a_key_is_checked_however_often_the_request_came() -> None:
    with local_mock("--api-key", "right") as mock:
        good = times(mock, "chat", 3, Authorization="Bearer right")
        assert [reply.status for reply in good] == [200] * 3
        for wrong in ("Bearer wrong", "right"):
            assert times(mock, "chat", 1, Authorization=wrong)[0].status == 401
        assert times(mock, "chat", 1)[0].status == 401


def test_the_kind_of_content_is_checked_however_often_the_request_came(
    mock: LocalMock,
) -> None:
    times(mock, "chat", 3)
    path, body = REQUESTS["chat"]
    reply = Client(mock.url).send("POST", path, body, **{"Content-Type": "text/plain"})
    assert reply.status == 400


def test_a_request_in_other_bytes_is_another_request(mock: LocalMock) -> None:
    first = times(mock, "chat", 3)[0].json()
    path, body = REQUESTS["chat"]
    for changed in ({**body, "seed": 1}, {**body, "max_tokens": 3}):
        other = Client(mock.url).post(path, changed).json()
        assert anonymous(other) != anonymous(first)
    swapped = Client(mock.url).post(path, dict(reversed(body.items()))).json()
    assert anonymous(swapped) == anonymous(first)


def test_a_mock_that_checks_breaks_or_waits_remembers_nothing() -> None:
    def remembers(*argv: str) -> bool:
        app = mock_application(read_options(argv, {}))
        return app[STATE].repeats is not None

    assert remembers()
    assert not remembers("--self-check")
    ours = (name for name, one in registry().items() if one.dialect == "aios")
    assert not remembers("--defect", next(ours))
    assert not remembers("--itl-ms", "1")


@dataclass
class Later:
    """What a repeat asks of its front."""

    def now(self) -> int:
        return 1_800_000_000

    def identity(self) -> str:
        return "b" * 32


@pytest.mark.parametrize("streamed", [False, True])
def test_a_repeat_names_the_present_time(streamed: bool) -> None:
    one = b'{"id":"x-%s","created":1700000000,"text":"\\"created\\":1700000000,"}'
    front: Any = Later()
    old = one % (b"a" * 32)
    body = old * 3 if streamed else old
    repeat = Repeat(
        "chat",
        front,
        "x-",
        b"x-" + b"a" * 32,
        b'"created":1700000000,',
        streamed,
        3,
        {},
        body,
    )
    new = (one % (b"b" * 32)).replace(b"1700000000", b"1800000000", 1)
    assert repeat.renewed() == (new * 3 if streamed else new)


@given(st.lists(st.integers(0, 9)))
def test_only_the_second_time_counts_as_a_repetition(numbers: list[int]) -> None:
    repeats = Repeats(Memory())
    seen = set()
    for number in numbers:
        key = ("/x", b"%d" % number, None, None)
        assert repeats.came_before(key) == (number in seen)
        seen.add(number)
        assert repeats.find(key) is None


def test_an_answer_without_a_context_is_not_remembered() -> None:
    repeats = Repeats(Memory())
    key = ("/x", b"", None, None)
    exchange = Exchange(1, 0.0, "GET", "/x", {})
    repeats.keep(key, exchange, None)
    assert repeats.find(key) is None
