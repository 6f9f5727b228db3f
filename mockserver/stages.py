"""Inside the front: rules, pacing, faults of streams, and the journal of streams."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from aiohttp import web

from aios_conformance.mockserver.exchange import current
from aios_conformance.mockserver.fault_effects import harmed_frames, refusal
from aios_conformance.mockserver.journal import BODY_LIMIT
from aios_conformance.mockserver.pacing import REAL_CLOCK, Clock, paced
from aios_conformance.mockserver.rules import RuleResponse as Played
from aios_conformance.mockserver.script import Script
from aios_conformance.mockserver.state import MockState
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError, NotFound
from aios_conformance.serving.stages import Answer, Chunks, Frames, Response, Stages

_PLAYED: Final = "mock.played"


class PlayedRefusal(ApiError):  # noqa: N818 - reads as the fact it states
    """A refusal that a rule asked for."""

    def __init__(self, response: web.Response) -> None:
        """`response` is sent as it is."""
        super().__init__("a rule refuses this request", code="mock_fault")
        self.response = response


def current_script() -> Script | None:
    """Return the script of the running exchange."""
    exchange = current.get(None)
    return None if exchange is None else exchange.script


def staged(stages: Stages, state: MockState, clock: Clock = REAL_CLOCK) -> Stages:
    """Return the stages with rules, pacing, faults of streams, and the journal."""
    inside = _Inside(stages, state, clock)
    ruled = replace(
        stages, prepare=inside.prepare, answer=inside.answer, chunks=inside.chunks
    )
    return replace(
        paced(ruled, state.plan.pacing, clock),
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

    def prepare(self, context: RequestContext) -> None:
        """Find the rule that answers."""
        rules = self._state.rules
        found = rules.find(context)
        if found is None:
            if self._state.plan.strict:
                raise NotFound(
                    "no rule matches this request (--strict); the nearest one: "
                    f"{rules.nearest(context)}",
                    code="no_rule",
                )
            self._stages.prepare(context)
            return
        rule, response = found
        exchange = current.get()
        exchange.rule, exchange.script = rule.name, response.script
        exchange.fault = response.fault or exchange.fault
        context.memory[_PLAYED] = response
        if _status(response) is None:
            self._stages.prepare(context)

    async def answer(self, context: RequestContext) -> Answer:
        """Return the rule's answer, else that of the stage before."""
        response = await self._begun(context)
        if response is not None and response.json is not None:
            played: Answer = response.json
            return played
        return await self._stages.answer(context)

    def chunks(self, context: RequestContext) -> Chunks:
        """Return the rule's chunks, else those of the stage before."""
        if _PLAYED in context.memory:
            return self._ruled(context)
        return self._stages.chunks(context)

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
                raise PlayedRefusal(refusal(status, response.message))
        return response

    def refusal(self, context: RequestContext, error: ApiError) -> Response:
        """Write a refusal, of a rule or of the stage before."""
        if not isinstance(error, PlayedRefusal):
            return self._stages.refusal(context, error)
        response = error.response
        body = response.body if isinstance(response.body, bytes) else b""
        return response.status, dict(response.headers), body

    def stream(self, context: RequestContext) -> tuple[int, Mapping[str, str]]:
        """Open a stream, with the request's id if it has one."""
        status, headers = self._stages.stream(context)
        identity = context.headers.get("X-Request-Id")
        if identity is not None:
            headers = {**headers, "X-Request-Id": identity}
        return status, headers

    async def frames(self, context: RequestContext, chunks: Chunks) -> Frames:
        """Play a fault on the stream, and note in the journal what is sent."""
        exchange = current.get()
        exchange.streamed = True
        sent: list[bytes] = []
        exchange.response = sent
        events = size = 0
        source = self._stages.frames(context, chunks)
        if exchange.fault is not None:
            source = harmed_frames(source, exchange.fault, exchange.transport)
        try:
            async with aclosing(source):
                async for event in source:
                    events += 1
                    if size < BODY_LIMIT:
                        sent.append(event)
                    size += len(event)
                    yield event
            exchange.finished = exchange.fault is None or not exchange.fault.breaks_off
        finally:
            exchange.events, exchange.response_size = events, size


def _status(response: Played) -> int | None:
    """Return the status of a refusal, whether asked for as status or as a fault."""
    if response.status is None and response.fault is not None:
        return response.fault.status
    return response.status
