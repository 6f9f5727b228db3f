"""An honest rerank, score and embeddings server as pure functions, and playing probes.

    seen = play(probe, params)                      # honest answers
    seen = play(probe, params, sinning(api, edit))  # answers edited on their way out
    rows = tripped(api, sinning(api, edit))         # rows with findings

The engine counts words as tokens, cuts off what exceeds a limit, and scores with the
cosine of hashed words moved to 0…1, so that every relation holds exactly.
"""

import base64
import copy
import math
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from itertools import count
from typing import Any

from exchanges import dump, exchange, notes, observation

from aios_conformance.conformance.checks.acceptance import CHECKS as ACCEPTANCE
from aios_conformance.conformance.checks.agreement import CHECKS as AGREEMENT
from aios_conformance.conformance.observing.selfcheck import breach
from aios_conformance.conformance.planning.drawing import draw
from aios_conformance.conformance.terms.check import Check, Finding, Witness
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Observation,
)
from aios_conformance.conformance.terms.probe import Probe, Served, Step
from aios_conformance.conformance.terms.views import Record
from aios_conformance.spec import api_of, openapi

RERANKER, EMBEDDER = "words-reranker", "words-embedder"
LENGTH = 400
BOTH = Facts(
    models={"rerank": RERANKER, "score": RERANKER, "embeddings": EMBEDDER},
    kinds={"rerank": "cross_encoder", "score": "cross_encoder"},
)
EMBEDDING = Facts(
    models=dict.fromkeys(("rerank", "score", "embeddings"), EMBEDDER),
    kinds={"rerank": "embedding", "score": "embedding"},
)
SPECIAL = 2  # tokens that every input takes besides its words
_serial = count(1)

Server = Callable[[str, Any], tuple[int, Any]]
Edit = Callable[[str, Any, Any], Any]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def cut(text: str, limit: int | None) -> str:
    """What a limit leaves of a text: words, one token each."""
    return text if limit is None else " ".join(words(text)[: max(limit - SPECIAL, 0)])


def tokens(text: str, limit: int | None) -> int:
    every = len(words(text)) + SPECIAL
    return every if limit is None else min(every, limit)


@cache
def vector(text: str) -> tuple[float, ...]:
    """The words of a text as a unit vector of float32 numbers."""
    sums = [0.0] * LENGTH
    for word in ["", *words(text.lower())]:
        sums[zlib.crc32(word.encode()) % LENGTH] += 1.0
    norm = math.hypot(*sums)
    packed = struct.pack(f"<{LENGTH}f", *(x / norm for x in sums))
    return struct.unpack(f"<{LENGTH}f", packed)


@cache
def likeness(one: str, other: str) -> float:
    pairs = zip(vector(one), vector(other), strict=True)
    return min(1.0, (1 + math.fsum(a * b for a, b in pairs)) / 2)


def honest(operation: str, body: Any) -> tuple[int, Any]:
    """Keep every promise of the three APIs."""
    api = api_of(operation)
    path = operation.partition(" ")[2]
    if path not in openapi()["paths"]:
        return 404, {"error": "no such path"}
    if breach("aios", operation, dump(body)):
        return 422, {"error": "not as documented"}
    return {"rerank": _rerank, "score": _score, "embeddings": _embed}[api](body)


def _rerank(body: Any) -> tuple[int, Any]:
    limit = body.get("truncate_prompt_tokens")
    query, given = body["query"], body["documents"]
    scored = [
        {
            "index": i,
            "document": {"text": text},
            "relevance_score": likeness(cut(query, limit), cut(text, limit)),
        }
        for i, text in enumerate(given)
    ]
    ranked = sorted(scored, key=lambda found: -float(str(found["relevance_score"])))
    total = sum(tokens(f"{query} {text}", limit) for text in given)
    answer = {
        "id": f"rerank-{next(_serial)}",
        "model": body["model"],
        "usage": {"total_tokens": total},
        "results": ranked[: body.get("top_n") or len(ranked)],
    }
    return 200, answer


def _score(body: Any) -> tuple[int, Any]:
    limit = body.get("truncate_prompt_tokens")
    one, two = (
        given if isinstance(given, list) else [given]
        for given in (body["text_1"], body["text_2"])
    )
    one = one * len(two) if len(one) == 1 else one
    if len(one) != len(two):
        return 422, {"error": "the texts do not pair up"}
    pairs = list(zip(one, two, strict=True))
    data = [
        {
            "index": i,
            "object": "score",
            "score": likeness(cut(a, limit), cut(b, limit)),
        }
        for i, (a, b) in enumerate(pairs)
    ]
    return 200, _listed(body, data, sum(tokens(f"{a} {b}", limit) for a, b in pairs))


def _embed(body: Any) -> tuple[int, Any]:
    limit = body.get("truncate_prompt_tokens")
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = []
    for i, text in enumerate(map(str, given)):
        numbers = vector(cut(text, limit))
        packed = base64.b64encode(struct.pack(f"<{LENGTH}f", *numbers)).decode()
        is_base64 = body.get("encoding_format") == "base64"
        embedding = packed if is_base64 else list(numbers)
        data.append({"index": i, "object": "embedding", "embedding": embedding})
    return 200, _listed(body, data, sum(tokens(str(t), limit) for t in given))


def _listed(body: Any, data: list[Any], prompt: int) -> Any:
    return {
        "id": f"list-{next(_serial)}",
        "object": "list",
        "created": 0,
        "model": body["model"],
        "data": data,
        "usage": {
            "prompt_tokens": prompt,
            "total_tokens": prompt,
            "completion_tokens": 0,
            "prompt_tokens_details": None,
        },
    }


def sinning(api: Api, edit: Edit) -> Server:
    """The honest server, its successes of one API edited."""

    def serve(operation: str, body: Any) -> tuple[int, Any]:
        status, answer = honest(operation, body)
        if status != 200 or api_of(operation) != api:
            return status, answer
        return status, edit(operation, body, copy.deepcopy(answer))

    return serve


def ignoring(api: Api, field: str, only: str = "") -> Server:
    """Valid values of the field have no effect (on one operation only)."""

    def serve(operation: str, body: Any) -> tuple[int, Any]:
        answer = honest(operation, body)
        if answer[0] == 200 and api_of(operation) == api and only in ("", operation):
            return honest(operation, {n: v for n, v in body.items() if n != field})
        return answer

    return serve


def lenient(api: Api, field: str, otherwise: Any) -> Server:
    """A wrong or missing value of the field is replaced in silence."""

    def serve(operation: str, body: Any) -> tuple[int, Any]:
        status, answer = honest(operation, body)
        if status == 422 and api_of(operation) == api:
            return honest(operation, body | {field: otherwise})
        return status, answer

    return serve


def refusing(api: Api, field: str, *values: Any) -> Server:
    """These values of the field are refused; no values: its presence is."""

    def serve(operation: str, body: Any) -> tuple[int, Any]:
        is_refused = body[field] in values or not values if field in body else False
        if api_of(operation) == api and is_refused:
            return 422, {"error": f"/{field}"}
        return honest(operation, body)

    return serve


def missing(path: str) -> Server:
    """A path that is not served."""

    def serve(operation: str, body: Any) -> tuple[int, Any]:
        if operation == f"POST {path}":
            return 404, {"error": "no such path"}
        return honest(operation, body)

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
        body = step.body(steps) if callable(step.body) else step.body
        if body is None:  # made from an answer that was no help
            continue
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
    )


def played(api: Api, server: Server = honest, facts: Facts = BOTH) -> list[Observation]:
    """Every probe of an API as the standard preset plays it, at seed 0."""
    return [
        play(probe, params, server, facts, number)
        for probe in _module("probes", api).PROBES
        for number, params in enumerate(_params(probe.name, api))
    ]


@cache
def _params(name: str, api: Api) -> list[Any]:
    probe = next(p for p in _module("probes", api).PROBES if p.name == name)
    return list(probe.rows) or draw(name, probe.params, probe.draws.standard, 0)


def _module(package: str, api: Api) -> Any:
    return import_module(f"aios_conformance.conformance.{package}.{api}")


def rows_of(check: Check, found: Finding) -> tuple[str, ...]:
    return found.ids or check.ids


def _subjects(
    check: Check, seen: Iterable[Observation]
) -> list[Exchange | Observation]:
    if check.view is Observation:
        return [
            s
            for s in seen
            if not check.on
            or any(
                s.probe == name or (name.endswith(".") and s.probe.startswith(name))
                for name in check.on
            )
        ]
    return [e for s in seen for e in s.steps.values()]


def judged(
    api: Api, server: Server = honest, facts: Facts = BOTH
) -> Mapping[str, list[Finding]]:
    """Findings by row, over all probes and checks of an API; [] for mere evidence."""
    seen = played(api, server, facts)
    by_row: dict[str, list[Finding]] = {}
    for check in (*_module("checks", api).CHECKS, *AGREEMENT, *ACCEPTANCE):
        subjects = _subjects(check, seen)
        one_by_one = [[subject] for subject in subjects]
        for batch in [subjects] if check.view is Record else one_by_one:
            if not check.witness and _is_evidence(check, batch, facts):
                by_row |= {row: by_row.get(row, []) for row in check.ids}
            for note in notes(check, *batch, facts=facts):
                if isinstance(note, Finding):
                    for row in rows_of(check, note):
                        by_row.setdefault(row, []).append(note)
                elif isinstance(note, Witness):
                    by_row |= {row: by_row.get(row, []) for row in note.ids}
    return by_row


def _is_evidence(
    check: Check, batch: list[Exchange | Observation], facts: Facts
) -> bool:
    subject: Any = batch[0]
    if check.view is Record:
        subject = Record(tuple(e for e in batch if isinstance(e, Exchange)), facts)
    elif isinstance(subject, Exchange):
        subject = check.view.of(subject, facts)  # type: ignore[attr-defined]
    return subject is not None and (check.when is None or check.when(subject))


def tripped(api: Api, server: Server, facts: Facts = BOTH) -> set[str]:
    """The rows with findings."""
    return {row for row, found in judged(api, server, facts).items() if found}


def silent(api: Api, server: Server, facts: Facts = BOTH) -> set[str]:
    """The rows of what was accepted and ignored."""
    found = judged(api, server, facts)
    return {row for row, each in found.items() if any(n.kind == "silent" for n in each)}
