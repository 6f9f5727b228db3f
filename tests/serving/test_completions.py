"""Completions over HTTP, token by token as the test wants it."""

import asyncio
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from unittest.mock import Mock

import pytest

from aios_conformance.serving import turns
from aios_conformance.serving.engine import Overloaded, Sampling

ASK = {"model": "chat", "prompt": "hey"}
PATH = "/v1/completions"


def texts(chunks: list[Any]) -> dict[int, str]:
    found: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            index = choice["index"]
            found[index] = found.get(index, "") + choice["text"]
    return found


def test_an_answer_has_every_member(scripted: Any, end: Any) -> None:
    answer = scripted(b"a", b"b", end).post(PATH, ASK).json()
    assert answer.pop("id").startswith("cmpl-")
    assert isinstance(answer.pop("created"), int)
    assert answer == {
        "object": "text_completion",
        "model": "chat",
        "choices": [
            {
                "index": 0,
                "text": "ab",
                "logprobs": None,
                "finish_reason": "stop",
                "stop_reason": None,
                "prompt_logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "total_tokens": 6,
            "completion_tokens": 3,
            "prompt_tokens_details": None,
        },
    }


def test_the_default_limit_is_sixteen_tokens(scripted: Any) -> None:
    answer = scripted(*[b"a"] * 40).post(PATH, ASK).json()
    assert answer["choices"][0]["text"] == "a" * 16
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("prompt", "groups"),
    [
        ("ab", ["ab"]),
        (["ab"], ["ab"]),
        (["ab", "c"], ["ab", "c"]),
        ([97, 98.0], ["ab"]),
        ([[97, 98], [99]], ["ab", "c"]),
        ("", [""]),
    ],
)
def test_prompts_and_choices_are_numbered_together(
    scripted: Any, make_engine: Any, end: Any, prompt: Any, groups: list[str]
) -> None:
    engine = make_engine(lambda said, sampling: [f"<{said}{sampling.choice}>".encode()])
    client = scripted(engine=engine)
    body = {**ASK, "prompt": prompt, "n": 2, "echo": True}
    answer = client.post(PATH, body).json()
    wanted = [f"{one}<{one}{k}>" for one in groups for k in range(2)]
    assert [choice["text"] for choice in answer["choices"]] == wanted
    assert [choice["index"] for choice in answer["choices"]] == list(range(len(wanted)))
    assert answer["usage"]["prompt_tokens"] == len("".join(groups))
    assert answer["usage"]["completion_tokens"] == len(wanted)
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    chunks = client.post(PATH, body).chunks()
    assert texts(chunks) == dict(enumerate(wanted))
    assert chunks[-1]["usage"] == answer["usage"]


def test_a_token_begins_behind_a_character_that_stayed_torn(scripted: Any) -> None:
    client = scripted(b"a", b"\xe9", b".<", "é".encode()[:1], "é".encode()[1:], b"b")
    choice = client.post(PATH, {**ASK, "logprobs": 1}).json()["choices"][0]
    assert choice["text"] == "a\ufffd.<éb"
    assert choice["logprobs"]["text_offset"] == [0, 1, 2, 4, 4, 5]


@pytest.mark.parametrize("stream", [False, True])
def test_echo_with_log_probabilities_covers_the_prompt(
    scripted: Any, end: Any, stream: bool
) -> None:
    client = scripted(b"c", "é".encode(), end)
    body = {**ASK, "prompt": "ab", "echo": True, "logprobs": 2, "stream": stream}
    reply = client.post(PATH, body)
    if stream:
        logprobs: dict[str, list[Any]] = {}
        for chunk in reply.chunks():
            for name, values in (chunk["choices"][0]["logprobs"] or {}).items():
                logprobs.setdefault(name, []).extend(values)
    else:
        logprobs = reply.json()["choices"][0]["logprobs"]
    assert logprobs["tokens"] == ["a", "b", "c", "é", ""]
    assert logprobs["text_offset"] == [0, 1, 2, 3, 4]
    assert logprobs["token_logprobs"] == [None, -0.7, -0.7, -0.7, -0.5]
    first, *rest = logprobs["top_logprobs"]
    assert first is None
    assert [len(one) for one in rest] == [2, 2, 3, 1]


def test_echo_without_generation(scripted: Any) -> None:
    body = {**ASK, "echo": True, "max_tokens": 0, "logprobs": 1}
    for stream in (False, True):
        reply = scripted(b"x").post(PATH, {**body, "stream": stream})
        if stream:
            assert texts(reply.chunks()) == {0: "hey"}
        else:
            (choice,) = reply.json()["choices"]
            assert choice["text"] == "hey"
            assert choice["finish_reason"] == "length"
            assert choice["logprobs"]["tokens"] == ["h", "e", "y"]
            assert reply.json()["usage"]["completion_tokens"] == 0


def test_a_stop_string_across_tokens(scripted: Any, end: Any) -> None:
    client = scripted(b"a", b"bS", b"T", b"OPc", end)
    body = {**ASK, "stop": "STOP", "logprobs": 1}
    (choice,) = client.post(PATH, body).json()["choices"]
    assert choice["text"] == "ab"
    assert choice["finish_reason"] == "stop"
    assert choice["stop_reason"] == "STOP"
    assert choice["logprobs"]["tokens"] == ["a", "bS"]
    chunks = client.post(PATH, {**body, "stream": True}).chunks()
    assert texts(chunks) == {0: "ab"}
    assert chunks[-1]["choices"][0]["stop_reason"] == "STOP"


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ([], 422, "empty"),
        ([256], 400, "unknown_token"),
        (["a", "x" * 2049], 400, "context_length_exceeded"),
    ],
)
def test_prompts_without_meaning_are_refused(
    scripted: Any, prompt: Any, status: int, code: str
) -> None:
    reply = scripted(b"a").post(PATH, {**ASK, "prompt": prompt, "echo": True})
    assert reply.status == status
    assert reply.json()["error"]["code"] == code


def test_others_have_their_turn_between_many_prompts(
    scripted: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = 0
    read = Counter[int]()

    class Counting(ThreadPoolExecutor):
        def submit(self, *work: Any, **more: Any) -> Future[Any]:
            nonlocal turn
            turn += 1
            return super().submit(*work, **more)

    def encode(model: str, text: str) -> list[int]:
        read[turn] += 1
        return [1]

    engine = make_engine(lambda *_: [b"x"])
    monkeypatch.setattr(engine, "encode", Mock(side_effect=encode))
    with Counting(1) as beside:
        monkeypatch.setattr(turns, "_BESIDE", beside)
        prompts = ["ab" * turns.HEAVY, *"x" * 99]
        body = {"model": "chat", "prompt": prompts, "max_tokens": 1}
        assert scripted(engine=engine).post("/v1/completions", body).status == 200
    assert sum(read.values()) == 100
    assert max(read.values()) < 10


def test_where_one_choice_is_refused_the_others_end(
    scripted: Any, make_engine: Any
) -> None:
    def script(prompt: str, sampling: Sampling) -> list[bytes]:
        if sampling.choice == 2:
            raise Overloaded
        return [b"x"]

    engine = make_engine(script, pause=lambda: asyncio.Event().wait())
    body = {"model": "chat", "prompt": "hey", "n": 3}
    assert scripted(engine=engine).post("/v1/completions", body).status == 503
    assert engine.closed == [0, 0]
