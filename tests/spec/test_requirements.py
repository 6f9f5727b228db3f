"""The catalogue is whole, well-formed, and changes only as a reviewed diff."""

from collections.abc import Callable
from pathlib import Path

import pytest
from openapi_walk import nodes

from aios_conformance import spec
from aios_conformance.spec._nodes import each_operation

ROWS = {row.id: row for dialect in spec.DIALECTS for row in spec.requirements(dialect)}
AREAS = {"common", "rerank", "score", "chat", "completions", "embeddings", "models"}
CAPABILITIES = {
    "api_key",
    "base64",
    "cross_encoder",
    "dimensions",
    "echo",
    "embedding_model",
    "logprobs",
    "n",
    "real_model",
    "seed",
    "stop",
    "streaming",
    "token_input",
    "tools",
}


def test_ids_and_levels_are_the_reviewed_ones() -> None:
    """Adding a row adds a line; a line is never changed into another or removed."""
    golden = (Path(__file__).parent / "ids.txt").read_text(encoding="utf-8")
    stated = {f"{row.id} {row.level}" for row in ROWS.values()}
    assert stated == set(golden.splitlines())


def broken_by(rule: Callable[[spec.Requirement], bool]) -> list[str]:
    return [row.id for row in ROWS.values() if not rule(row)]


def test_a_row_states_an_obligation_in_few_words() -> None:
    assert not broken_by(lambda row: 2 <= len(row.statement.split()) <= 30)
    assert not broken_by(lambda row: row.statement.endswith("."))


def test_a_row_names_known_areas_dialects_and_capabilities() -> None:
    assert not broken_by(lambda row: row.api in AREAS)
    assert not broken_by(lambda row: bool(row.dialects))
    assert not broken_by(lambda row: set(row.dialects) <= set(spec.DIALECTS))
    assert not broken_by(lambda row: set(row.needs) <= CAPABILITIES)


def test_a_row_has_sources_and_known_rulings() -> None:
    assert not broken_by(lambda row: bool(row.sources))
    assert not broken_by(lambda row: len(set(row.sources)) == len(row.sources))
    assert not broken_by(lambda row: row.rulings == tuple(dict.fromkeys(row.rulings)))
    assert not broken_by(lambda row: spec.rulings().keys() >= set(row.rulings))


def test_a_row_asks_for_evidence_or_says_why_it_is_excluded() -> None:
    assert not broken_by(lambda row: row.evidence >= 1)
    assert not broken_by(lambda row: row.excluded is None or row.excluded.endswith("."))


def test_only_a_must_row_has_a_soft_clause() -> None:
    assert not broken_by(lambda row: not row.soft or row.level is spec.Level.MUST)


def test_a_statistical_row_is_no_must() -> None:
    assert not broken_by(
        lambda row: not row.statistical or row.level is not spec.Level.MUST
    )


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_every_operation_has_requirements(dialect: str) -> None:
    judged = {
        operation
        for row in spec.requirements(dialect)
        if row.excluded is None
        for operation in row.operations
    }
    assert judged == {name for name, _ in each_operation(spec.openapi(dialect))}


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_the_document_names_known_capabilities_only(dialect: str) -> None:
    every = nodes(spec.openapi(dialect))
    named = {node["x-needs"] for node in every if "x-needs" in node}
    assert named <= CAPABILITIES
