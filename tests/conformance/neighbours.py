"""Calls of the neighbouring dialects, answered by hand."""

from typing import Any

from exchanges import exchange, findings, observation

from aios_conformance.conformance.probes.dialects_bodies import operation_of
from aios_conformance.conformance.terms.check import Check, Finding
from aios_conformance.conformance.terms.exchange import (
    Exchange,
    Facts,
    Json,
    Observation,
)

NEIGHBOURS = ("infinity", "aigne-hub", "aihubmix")
ONE, TWO = [0.5, 0.25, -0.5, 1.0], [-0.25, 0.5, 1.0, 0.125]
FACTS = {name: Facts(name) for name in NEIGHBOURS}


def reply(*vectors: Json, **over: Json) -> dict[str, Any]:
    """A right reply with these vectors."""
    data = [
        {"object": "embedding", "index": n, "embedding": v}
        for n, v in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "data": data, "model": "m", "usage": usage} | over


def call(
    dialect: str, given: Json, answer: Json, *, status: int = 200, **over: Any
) -> Exchange:
    """A call of a dialect; a mapping is the whole body, else it is the input."""
    body = given if isinstance(given, dict) else {"model": "m", "input": given}
    over.setdefault("operation", operation_of(dialect))
    return exchange("embeddings", body, answer, status=status, **over)


def seen(dialect: str, name: str, **steps: Exchange) -> Observation:
    return observation(f"{dialect}.{name}", None, FACTS[dialect], 0, **steps)


def tripped(check: Check, subject: Any, dialect: str) -> set[str]:
    """The rows that findings of a check fall on."""
    found = findings(check, subject, facts=FACTS[dialect])
    return {row for each in found for row in _rows(check, each)}


def _rows(check: Check, finding: Finding) -> tuple[str, ...]:
    return finding.ids or check.ids
