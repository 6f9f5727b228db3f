"""Inside the front: rules, pacing, faults of streams, and the journal of streams."""

import logging
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache
from typing import Final

from aios_conformance.mockserver.control.exchange import Exchange, current
from aios_conformance.mockserver.control.journal import BODY_LIMIT
from aios_conformance.mockserver.faults.effects import PlayedRefusal, harmed_frames
from aios_conformance.mockserver.faults.pacing import REAL_CLOCK, Clock, paced
from aios_conformance.mockserver.faults.quotas import Taken
from aios_conformance.mockserver.faults.room import queued
from aios_conformance.mockserver.scripting.rules import RuleResponse as Played
from aios_conformance.mockserver.scripting.script import Script
from aios_conformance.mockserver.state import MockState
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError, NotFound
from aios_conformance.serving.in_flight import streaming
from aios_conformance.serving.stages import Answer, Chunks, Frames, Response, Stages
from aios_conformance.serving.streaming import STREAM

_log = logging.getLogger(__name__)
_PLAYED: Final = "mock.played"
_BROKEN: Final = "the mock plays an error in the stream"


@lru_cache(256)
def _tell_of_form(rule: str, wants_chunks: bool) -> None:
    """Say once that a rule's JSON is sent in a form that the request does not want."""
    wanted = "a stream, which is a list of chunks" if wants_chunks else "one answer"
    said = "%r: its json is sent as it is, but the request wants %s"
    _log.warning(said, rule, wanted)


def current_script() -> Script | None:
    """Return the script of the running exchange."""
    exchange = current.get(None)
    return None if exchange is None else exchange.script


def staged(stages: Stages, state: MockState, clock: Clock = REAL_CLOCK) -> Stages:
    """Return the stages with all that the mock adds to them.

    That is quotas, rules, pacing, the queue, faults of streams, and the journal.
    """
    inside = _Inside(stages, state, clock)
    ruled = replace(
        stages, prepare=inside.prepare, answer=inside.answer, chunks=inside.chunks
    )
    return replace(
        queued(
            paced(ruled, state.plan.pacing, clock), state.plan.room, state.meter.waiting
        ),
        admit=inside.admit,
        refusal=inside.refusal,
        stream=inside.stream,
        frames=inside.frames,
    )


class _Inside:
    """The stages that `staged` puts in; each calls the one before."""

    def __init__(self, stages: Stages, state: MockState, clock: Clock) -> None:
        self._stages = stages
        self._state = state
        self._clock = clock

    def admit(self, context: RequestContext) -> None:
        """Take what the request may use of its key's quota."""
        self._stages.admit(context)
        quotas = self._state.quotas
        if quotas is not None and context.api is not None:
            current.get().taken = quotas.take(context)

    def prepare(self, context: RequestContext) -> None:
        """Find the rule that answers."""
        rules, example = self._state.rules, current.get().example
        found = rules.named(example, context) if example else rules.find(context)
        if found is None:
            if self._state.strict:
                raise self._unanswered(context)
            self._stages.prepare(context)
            return
        rule, response = found
        if response.json is not None:
            wants_chunks = context.body.get("stream") is True
            if wants_chunks != isinstance(response.json, list):
                _tell_of_form(rule.name, wants_chunks)
        exchange = current.get()
        exchange.rule, exchange.script = rule.name, response.script
        exchange.fault = response.fault or exchange.fault
        exchange.added = response.headers
        context.memory[_PLAYED] = response
        if _status(response) is None:
            self._stages.prepare(context)
        if response.script.tool_calls and context.model is not None:
            context.model = replace(context.model, calls="unasked")

    def _unanswered(self, context: RequestContext) -> NotFound:
        """Say what came nearest to a request that nothing answers."""
        relay, rules, exchange = self._state.relay, self._state.rules, current.get()
        if relay is not None:
            nearest = relay.tape.nearest(exchange.method, exchange.path, context.body)
            return NotFound(
                f"this request is not on the tape; {nearest}", code="not_on_tape"
            )
        return NotFound(
            "no rule matches this request (--strict); the nearest one: "
            f"{rules.nearest(context)}",
            code="no_rule",
        )

    async def answer(self, context: RequestContext) -> Answer:
        """Return the rule's answer, else that of the stage before."""
        played = await self._begun(context) if _PLAYED in context.memory else None
        if played is not None and played.json is not None:
            answer: Answer = played.json
        else:
            answer = await self._stages.answer(context)
        taken = current.get().taken
        if taken is not None:
            taken.settle(_total(answer))
        return answer

    def chunks(self, context: RequestContext) -> Chunks:
        """Return the rule's chunks, else those of the stage before."""
        taken = current.get().taken
        if taken is not None:
            return self._settled(context, taken)
        if _PLAYED in context.memory:
            return self._ruled(context)
        return self._stages.chunks(context)

    async def _settled(self, context: RequestContext, taken: Taken) -> Chunks:
        ruled = _PLAYED in context.memory
        source = self._ruled(context) if ruled else self._stages.chunks(context)
        try:
            async with aclosing(source):
                async for chunk in source:
                    yield chunk
        finally:
            stream = context.memory.get(STREAM)
            taken.settle(stream.usage()["total_tokens"] if stream else 0)

    async def _ruled(self, context: RequestContext) -> Chunks:
        response = await self._begun(context)
        if response is not None and response.json is not None:
            played = response.json
            for chunk in played if isinstance(played, list) else [played]:
                yield chunk
            return
        async with aclosing(self._stages.chunks(context)) as source:
            async for chunk in source:
                yield chunk

    async def _begun(self, context: RequestContext) -> Played | None:
        """Play what a rule wants before the answer begins; it may refuse."""
        response: Played | None = context.memory.get(_PLAYED)
        if response is not None:
            await self._clock.sleep_if(response.delay_ms / 1000)
            status = _status(response)
            if status is not None:
                raise PlayedRefusal(status, response.message)
        return response

    def refusal(self, context: RequestContext, error: ApiError) -> Response:
        """Write a refusal, of a rule or of the stage before."""
        taken = current.get().taken
        if taken is not None:
            taken.settle(0)
        return self._stages.refusal(context, error)

    def stream(self, context: RequestContext) -> tuple[int, Mapping[str, str]]:
        """Open a stream, with the request's id if it has one."""
        status, headers = self._stages.stream(context)
        exchange = current.get()
        exchange.status = status
        identity = context.headers.get("X-Request-Id")
        if identity is not None:
            headers = {**headers, "X-Request-Id": identity}
        exchange.first = time.perf_counter() - exchange.begun
        if exchange.taken is not None:
            headers = {**headers, **exchange.taken.headers()}
        return status, {**headers, **exchange.added}

    def _times(self, exchange: Exchange) -> list[float] | None:
        """Note when events leave, where they do not all leave at once."""
        plan = self._state.plan
        if not (plan.pacing or exchange.fault or exchange.rule):
            return None
        times: list[float] = []
        exchange.times = times
        return times

    async def frames(self, context: RequestContext, chunks: Chunks) -> Frames:
        """Play a fault on the stream, and note in the journal what is sent."""
        exchange = current.get()
        exchange.streamed = True
        sent: list[bytes] = []
        exchange.response = sent
        events = size = 0
        times = self._times(exchange)
        source = self._stages.frames(context, chunks)
        if exchange.fault is not None:
            _, error = context.front.told(PlayedRefusal(500, _BROKEN))
            source = harmed_frames(source, exchange.fault, exchange.transport, error)
        at_work = streaming(context, exchange, self._state.meter.running)
        try:
            with at_work:
                async with aclosing(source):
                    async for event in source:
                        events += 1
                        if times is not None:
                            times.append(time.perf_counter())
                        if size < BODY_LIMIT:
                            sent.append(event)
                        size += len(event)
                        yield event
                exchange.finished = (
                    exchange.fault is None or not exchange.fault.breaks_off
                )
        finally:
            exchange.events, exchange.response_size = events, size


def _total(answer: Answer) -> int:
    """Return the tokens that an answer says it used, whatever a rule made of it."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) else 0


def _status(response: Played) -> int | None:
    """Return the status of a refusal, whether asked for as status or as a fault."""
    if response.status is None and response.fault is not None:
        return response.fault.status
    return response.status
