"""Stages can be wrapped one by one, and the self-check notices what breaks."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from aios_conformance.serving import turns
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError, BadRequest, Violation
from aios_conformance.serving.sse import DONE
from aios_conformance.serving.stages import Answer, Chunks, Frames, Response, Stages

RERANK = {"model": "pairs", "query": "ab", "documents": ["x", "a", "ab"]}
SAY = {"model": "chat", "prompt": "hey", "stream": True}
DEFAULT = Stages()


def test_a_parameter_can_be_ignored(scripted: Any) -> None:
    def prepare(context: RequestContext) -> None:
        DEFAULT.prepare(context)
        context.parameters["top_n"] = 0

    client = scripted(stages=replace(DEFAULT, prepare=prepare))
    answer = client.post("/rerank", {**RERANK, "top_n": 1}).json()
    assert len(answer["results"]) == 3


def test_a_violation_can_be_overlooked_or_invented(scripted: Any) -> None:
    def validate(context: RequestContext) -> list[Violation]:
        kept = [one for one in DEFAULT.validate(context) if one.pointer != "/top_n"]
        if "forbidden" in context.body:
            kept.append(Violation("/forbidden", "/forbidden is forbidden", "x"))
        return kept

    client = scripted(stages=replace(DEFAULT, validate=validate))
    assert client.post("/rerank", {**RERANK, "top_n": -1}).status == 200
    assert client.post("/rerank", {**RERANK, "query": 1}).status == 422
    assert client.post("/rerank", {**RERANK, "forbidden": 1}).status == 422


def test_a_request_can_be_refused_and_a_refusal_changed(scripted: Any) -> None:
    def admit(context: RequestContext) -> None:
        DEFAULT.admit(context)
        context.memory["seen"] = context.number
        if context.operation_id == "POST /v1/rerank":
            raise BadRequest("not today", code="no")

    def refusal(context: RequestContext, error: ApiError) -> Response:
        _, headers, _ = DEFAULT.refusal(context, error)
        return 418, {**headers, "X-Seen": str(context.memory["seen"])}, b"teapot"

    client = scripted(stages=replace(DEFAULT, admit=admit, refusal=refusal))
    assert client.post("/rerank", RERANK).status == 200
    reply = client.post("/v1/rerank", RERANK)
    assert (reply.status, reply.headers["x-seen"], reply.body) == (418, "2", b"teapot")


def test_an_answer_and_its_bytes_can_be_changed(scripted: Any) -> None:
    async def answer(context: RequestContext) -> Answer:
        found = await DEFAULT.answer(context)
        found["results"].reverse()
        return found

    def respond(context: RequestContext, answer: Answer) -> Response:
        _, headers, body = DEFAULT.respond(context, answer)
        return 201, {**headers, "Content-Type": "text/plain"}, body + b" "

    stages = replace(DEFAULT, answer=answer, respond=respond)
    reply = scripted(stages=stages, checked=False).post("/rerank", RERANK)
    assert (reply.status, reply.headers["content-type"]) == (201, "text/plain")
    assert reply.body.endswith(b"} ")
    assert [one["index"] for one in reply.json()["results"]] == [0, 2, 1]


def test_chunks_frames_and_the_head_of_a_stream_can_be_changed(
    scripted: Any, end: Any
) -> None:
    async def chunks(context: RequestContext) -> AsyncGenerator[Any, None]:
        async with aclosing(DEFAULT.chunks(context)) as all_:
            async for chunk in all_:
                yield chunk
                yield chunk

    async def frames(context: RequestContext, chunks: Chunks) -> Frames:
        async with aclosing(DEFAULT.frames(context, chunks)) as all_:
            async for frame in all_:
                if frame != DONE:
                    yield frame.replace(b"\n\n", b"\r\n\r\n")

    def stream(context: RequestContext) -> tuple[int, Mapping[str, str]]:
        return 202, {"Content-Type": "text/plain"}

    stages = replace(DEFAULT, chunks=chunks, frames=frames, stream=stream)
    reply = scripted(b"a", end, stages=stages, checked=False).post(
        "/v1/completions", SAY
    )
    assert (reply.status, reply.headers["content-type"]) == (202, "text/plain")
    assert reply.body.count(b"\r\n\r\n") == 4
    assert b"[DONE]" not in reply.body


def test_an_unknown_path_reaches_the_refusal_stage(scripted: Any) -> None:
    def refusal(context: RequestContext, error: ApiError) -> Response:
        return error.status, {}, f"{context.operation_id} {context.api}".encode()

    client = scripted(stages=replace(DEFAULT, refusal=refusal))
    assert client.get("/nope").body == b"GET /nope None"
    assert client.get("/v1/score").body == b"GET /v1/score None"


def test_the_self_check_turns_a_broken_answer_into_a_500(scripted: Any) -> None:
    async def answer(context: RequestContext) -> Answer:
        found = await DEFAULT.answer(context)
        found["usage"]["total_tokens"] = "many"
        return found

    reply = scripted(stages=replace(DEFAULT, answer=answer)).post("/rerank", RERANK)
    assert reply.status == 500
    error = reply.json()["error"]
    assert error["code"] == "self_check"
    assert "/usage/total_tokens must be an integer" in error["message"]


def test_openapi_core_has_a_say_of_its_own(scripted: Any) -> None:
    def respond(context: RequestContext, answer: Answer) -> Response:
        _, _, body = DEFAULT.respond(context, answer)
        return 200, {"Content-Type": "text/html"}, body

    reply = scripted(stages=replace(DEFAULT, respond=respond)).post("/rerank", RERANK)
    assert reply.status == 500
    assert "openapi-core" in reply.json()["error"]["message"]


def test_the_self_check_reads_streams_too(scripted: Any, end: Any) -> None:
    def broken_at(number: int) -> Stages:
        async def chunks(context: RequestContext) -> AsyncGenerator[Any, None]:
            async with aclosing(DEFAULT.chunks(context)) as all_:
                place = 0
                async for chunk in all_:
                    place += 1
                    if place == number:
                        chunk["created"] = "now"
                    yield chunk

        return replace(DEFAULT, chunks=chunks)

    reply = scripted(b"a", end, stages=broken_at(1)).post("/v1/completions", SAY)
    assert (reply.status, reply.json()["error"]["code"]) == (500, "self_check")
    reply = scripted(b"a", end, stages=broken_at(2)).post("/v1/completions", SAY)
    assert reply.chunks()[-1]["error"]["code"] == "self_check"


def test_what_a_refused_request_held_is_let_go(scripted: Any) -> None:
    class Held:
        """Something that the first request holds."""

    held: list[weakref.ref[Held]] = []

    def prepare(context: RequestContext) -> None:
        DEFAULT.prepare(context)
        thing = context.memory["held"] = Held()
        held.append(weakref.ref(thing))
        raise BadRequest("not today", code="no")

    client = scripted(stages=replace(DEFAULT, prepare=prepare))
    gc.disable()
    try:
        for _ in range(3):  # the server may keep the last one, not more
            assert client.post("/rerank", RERANK).status == 400
        assert held[0]() is None
    finally:
        gc.enable()


def test_what_arrives_together_is_begun_in_turns(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_TURN", -1.0)  # a request is a turn
    begun: list[int] = []  # at which round of the loop
    rounds = 0
    arrived, held = threading.Event(), threading.Event()

    def count() -> None:
        nonlocal rounds
        rounds += 1
        asyncio.get_running_loop().call_soon(count)

    def admit(context: RequestContext) -> None:
        if not begun:
            count()
            held.set()
            assert arrived.wait(60)
        begun.append(rounds)
        DEFAULT.admit(context)

    where = urlsplit(scripted(stages=replace(DEFAULT, admit=admit)).url)
    with ExitStack() as open_:
        lines = [HTTPConnection(where.netloc, timeout=60) for _ in range(9)]
        for line in lines:
            open_.callback(line.close)
            line.connect()
            line.request("GET", "/health")
            assert line.getresponse().read()
        for line in lines:
            line.request("POST", "/rerank", b"{}", {"Content-Type": "application/json"})
            assert held.wait(60)
        arrived.set()
        assert {line.getresponse().status for line in lines} == {422}
    assert len(set(begun)) == len(lines)
