"""Probes played on the mock, with defects planted, without a socket.

seen = play(probe, params)                       # answers as they should be
seen = play(probe, params, mock("score_raw_logits"))
found = judged("score", edited("score", edit))   # answers edited on their way out

What is played is an API of AIOS, or a dialect.
"""

import asyncio
import atexit
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from functools import cache
from importlib import import_module
from itertools import count
from time import time as now
from typing import Any

from exchanges import dump, exchange, observation

from aios_conformance.conformance.judging.judge import judge
from aios_conformance.conformance.planning.drawing import draw
from aios_conformance.conformance.terms.catalogue import Catalogue, catalogue, probes_of
from aios_conformance.conformance.terms.check import Finding
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Observation,
)
from aios_conformance.conformance.terms.probe import Probe, Served, Step
from aios_conformance.conformance.terms.views import Record
from aios_conformance.mockserver.catalogue import DIMENSIONS, documented
from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.apis import streamed
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.engine import Engine, EngineError, Model
from aios_conformance.serving.errors import ApiError, Invalid, refused
from aios_conformance.serving.stages import Response, Stages
from aios_conformance.spec import api_of, openapi

RERANKER, EMBEDDER = "sds/bge-reranker-v2-m3", "sds/bge-m3"
BOTH = Facts(
    models={"rerank": RERANKER, "score": RERANKER, "embeddings": EMBEDDER},
    kinds={"rerank": "cross_encoder", "score": "cross_encoder"},
)
EMBEDDING = Facts(
    models=dict.fromkeys(("rerank", "score", "embeddings"), EMBEDDER),
    kinds={"rerank": "embedding", "score": "embedding"},
)
NEIGHBOURS = {
    name: Facts(name, {"embeddings": documented(name)[0].name})
    for name in ("infinity", "aigne-hub", "aihubmix")
}
LONGEST = {"infinity": 1536, "aigne-hub": 256, "aihubmix": 256}
_serial = count(1)

Server = Callable[[str, Any], tuple[int, Any]]  # an answer is JSON, or its bytes
Answering = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes, str]]
"""What an operation answers to headers and a body: status, body, media type."""
Edit = Callable[[str, Any, Any], Any]


@cache
def _contract(dialect: str) -> Contract:
    return Contract(openapi(dialect))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One for all: to make one and wind it up takes longer than most answers."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def answering(
    engine: Engine, find: Callable[[str], Model | None], dialect: str, stages: Stages
) -> Answering:
    """The servers' front without a socket; it knows the documented operations only."""
    contract, stages = _contract(dialect), stages or Stages()
    front = Front(engine, contract, find, plain=True)
    numbers = count(1)
    loop = _loop()

    async def answered(context: RequestContext) -> Response:
        try:
            stages.admit(context)
            if violations := stages.validate(context):
                raise Invalid(violations)
            stages.prepare(context)
            if not streamed(context):
                return stages.respond(context, await stages.answer(context))
            frames = stages.frames(context, stages.chunks(context))
            return *stages.stream(context), b"".join([each async for each in frames])
        except ApiError as error:
            return stages.refusal(context, error)
        except EngineError as error:
            return stages.refusal(context, refused(error))

    def answer(
        operation: str, headers: Mapping[str, str], raw: bytes
    ) -> tuple[int, bytes, str]:
        method, _, path = operation.partition(" ")
        found = contract.operations[operation]
        context = RequestContext(front, next(numbers), method, path, headers, found)
        context.raw = raw
        status, more, body = loop.run_until_complete(answered(context))
        return status, body, more["Content-Type"]

    return answer


@cache
def _engine(dialect: str) -> MockEngine:
    """One for all: what it knows of texts outlasts a defect around it.

    Vectors are no longer than the documents want them: each is read many times.
    """
    longest = LONGEST.get(dialect, DIMENSIONS)
    return MockEngine(
        [
            replace(model, dimensions=min(model.dimensions, longest))
            for model in documented(dialect)
        ]
    )


def mock(*defects: str, dialect: str = "aios", tally: Tally | None = None) -> Server:
    """The mock's answers, with defects planted, which count their acts."""
    whole = _engine(dialect)
    stages: Stages = Stages()
    engine: Engine = whole
    for name in defects:
        stages, engine = registry()[name].plant(stages, engine, tally or Tally())
    answer = answering(engine, whole.find, dialect, stages)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer key"}

    def serve(operation: str, body: Any) -> tuple[int, Any]:
        if operation not in _contract(dialect).operations:
            return 404, {"error": {"message": "no such path", "type": "not_found"}}
        raw = b"" if operation.startswith("GET") else dump(body)
        status, said, _ = answer(operation, headers, raw)
        return status, said

    return serve


honest = mock()


def edited(api: Api, edit: Edit) -> Server:
    """The mock, its successes of one API edited."""

    def serve(operation: str, body: Any) -> tuple[int, Any]:
        status, answer = honest(operation, body)
        if status == 200 and api_of(operation) == api:
            answer = edit(operation, body, json.loads(answer))
        return status, answer

    return serve


def play(
    probe: Probe,
    params: Any,
    server: Server = honest,
    facts: Facts = BOTH,
    number: int = 0,
) -> Observation:
    """A scenario of the probe, each step answered by the server."""
    steps: dict[str, Exchange] = {}
    for step in probe.build(params, Served(facts)):
        body = step.body
        if callable(body) and (body := body(steps)) is None:
            continue  # what it is made of was no help
        status, answer = server(step.operation, body)
        steps[step.label] = _exchange(step, body, status, answer)
    return observation(probe.name, params, facts, number, **steps)


def _exchange(step: Step, body: Any, status: int, answer: Any) -> Exchange:
    return exchange(
        api_of(step.operation),
        body,
        answer,
        status=status,
        operation=step.operation,
        expect=step.expect,
        serves=step.serves,
        breaks=step.breaks,
        codes=step.codes,
        id=f"ex-{next(_serial)}",
        headers={"date": formatdate(usegmt=True)},
        sent_at=now(),
    )


@cache
def _scenarios(what: str) -> Sequence[tuple[Probe, int, Any]]:
    """The probes of one API or dialect as the standard preset plays them, at seed 0.

    Keys are no matter of bodies.
    """
    if what in NEIGHBOURS:
        probes = [p for p in probes_of(what) if p.name.startswith(f"{what}.")]
    else:
        home = import_module(f"aios_conformance.conformance.probes.{what}")
        probes = home.PROBES
    return [
        (probe, number, params)
        for probe in probes
        if not probe.name.endswith(".keys")
        for number, params in enumerate(
            probe.rows or draw(probe.name, probe.params, probe.draws.standard, 0)
        )
    ]


def played(what: str, server: Server = honest) -> list[Observation]:
    """Every scenario of an API or dialect, in order."""
    return [play(probe, params, server) for probe, _, params in _scenarios(what)]


def judged(
    what: str,
    server: Server = honest,
    facts: Facts | None = None,
    tally: Tally | None = None,
) -> Mapping[str, list[Finding]]:
    """Findings by row, over all probes of an API or dialect; [] for mere evidence.

    Where a tally counts what a defect does, a scenario in which it did nothing is
    judged only as a part of the whole record: of itself it is as it should be.
    """
    facts = facts or NEIGHBOURS.get(what, BOTH)
    seen: list[Observation] = []
    touched: list[Observation] = []
    for probe, number, params in _scenarios(what):
        before = tally and tally.acts
        seen.append(play(probe, params, server, facts, number))
        if tally is None or tally.acts != before:
            touched.append(seen[-1])
    alone, whole = _catalogues(facts.dialect)
    found = judge(alone, _exchanges(touched), touched, facts)
    together = judge(whole, _exchanges(seen), (), facts)
    assert found.faults == {}
    assert together.faults == {}
    by_row: dict[str, list[Finding]] = {
        row: [] for row in found.judged | together.judged
    }
    for trace in (*found.traces, *together.traces):
        for row in trace.rows:
            by_row.setdefault(row, []).append(trace.finding)
    return by_row


@cache
def _catalogues(dialect: str) -> tuple[Catalogue, Catalogue]:
    """One with the checks of answers and scenarios, one with those of records."""
    known = catalogue(dialect)
    whole = tuple(c for c in known.checks if issubclass(c.view, Record))
    alone = tuple(c for c in known.checks if c not in whole)
    return replace(known, checks=alone), replace(known, checks=whole)


def _exchanges(seen: Sequence[Observation]) -> list[Exchange]:
    return [e for observed in seen for e in observed.steps.values()]


def tripped(what: str, server: Server, tally: Tally | None = None) -> set[str]:
    """The rows with findings."""
    found = judged(what, server, tally=tally)
    return {row for row, findings in found.items() if findings}
