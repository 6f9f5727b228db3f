"""A small catalogue of real requirements with toy probes and checks."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.checks import acceptance, shape
from aios_conformance.conformance.terms.catalogue import Catalogue, checks_in
from aios_conformance.conformance.terms.check import Check, Finding, Note, check
from aios_conformance.conformance.terms.exchange import Api, Exchange, Observation
from aios_conformance.conformance.terms.probe import (
    Params,
    Probe,
    Served,
    Step,
    probe,
    table,
)
from aios_conformance.conformance.terms.views import RerankAnswer
from aios_conformance.spec import requirements

RERANK = "POST /v1/rerank"


def body(served: Served, **more: object) -> dict[str, object]:
    return {
        "model": served.model("rerank"),
        "query": "a word",
        "documents": ["a word", "others"],
        **more,
    }


@probe("toy.count", "rerank", params=st.integers(1, 5), draws=(1, 3, 5))
def counted(n: Params, served: Served) -> Iterator[Step]:
    documents = [f"text {i}" for i in range(n)]
    yield Step("all", RERANK, body(served, documents=documents))


@probe("toy.later", "rerank", draws=(0, 1, 1))
def later(_: Params, served: Served) -> Iterator[Step]:
    def named(answers: Mapping[str, Exchange]) -> Any:
        first = answers["first"].response
        assert first is not None
        return body(served, query=first.json["id"])

    yield Step("first", RERANK, body(served))
    yield Step("second", RERANK, named)


@table("toy.refused", "rerank", [{"top_n": {}}, {"top_n": "few"}], smoke_rows=1)
def refused(change: Params, served: Served) -> Iterator[Step]:
    yield Step("valid", RERANK, body(served), shared=True)
    yield Step(
        "mutant",
        RERANK,
        body(served, **change),
        expect="refuse",
        serves=("RERANK-REQ-011",),
        breaks="/top_n is no number",
    )


@table("toy.paths", "rerank", [None])
def paths(_: Params, served: Served) -> Iterator[Step]:
    for path, row in (
        ("/rerank", "RERANK-REQ-001"),
        ("/v1/rerank", "RERANK-REQ-002"),
        ("/v2/rerank", "RERANK-REQ-003"),
    ):
        yield Step(path, f"POST {path}", body(served), serves=(row,))


@check("RERANK-SEM-006", when=lambda answer: len(answer.scores) > 1)
def scores_never_rise(answer: RerankAnswer) -> Iterator[Note]:
    """Results are ordered from most to least relevant."""
    scores = answer.scores
    for i in range(1, len(scores)):
        if scores[i] > scores[i - 1]:
            yield Finding(
                expected=f"at most {scores[i - 1]}",
                actual=scores[i],
                pointer=f"/results/{i}/relevance_score",
            )


@check("RERANK-SEM-004", on="toy.count", evidence=2)
def every_document_has_a_result(seen: Observation) -> Iterator[Note]:
    """As many results as documents."""
    sent = len(seen["all"].request.json["documents"])
    response = seen["all"].response
    found = len(response.json["results"]) if response else 0
    if found != sent:
        yield Finding(expected=f"{sent} results", actual=found, pointer="/results")


PROBES: tuple[Probe, ...] = (counted, later, refused, paths)
CHECKS: tuple[Check, ...] = (
    scores_never_rise,
    every_document_has_a_result,
    *checks_in(acceptance),
    *checks_in(shape),
)


def catalogue(
    probes: tuple[Probe, ...] = PROBES,
    checks: tuple[Check, ...] = CHECKS,
    api: Api = "rerank",
) -> Catalogue:
    """The rows of one API and the common ones, with these probes and checks.

    One observation is evidence enough.
    """
    chosen = (r for r in requirements() if r.api in (api, "common"))
    rows = {r.id: replace(r, evidence=1) for r in chosen}
    named = {p.name: p for p in probes}
    return Catalogue("aios", MappingProxyType(rows), MappingProxyType(named), checks)
