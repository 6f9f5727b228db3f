"""The catalogue is whole, well-formed, and changes only as a reviewed diff."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from aios_conformance import spec

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
PATH_ITEM_METHODS = {"get", "post"}


def count(prefixes: str) -> list[int]:
    levels = Counter(
        row.level for row in ROWS.values() if row.id.split("-")[0] in prefixes.split()
    )
    return [levels[level] for level in spec.Level]


def operations_of(dialect: str) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, item in spec.openapi(dialect)["paths"].items()
        for method in PATH_ITEM_METHODS & item.keys()
    }


def test_ids_and_levels_are_the_reviewed_ones() -> None:
    """Adding a row adds a line; a line is never changed into another or removed."""
    golden = (Path(__file__).parent / "ids.txt").read_text(encoding="utf-8")
    stated = {f"{row.id} {row.level}" for row in ROWS.values()}
    assert stated == set(golden.splitlines())


@pytest.mark.parametrize(
    ("prefixes", "levels"),
    [
        ("COMMON", [23, 10, 6]),
        ("RERANK", [36, 14, 7]),
        ("SCORE", [39, 10, 3]),
        ("CHAT", [71, 31, 10]),
        ("COMP", [53, 25, 6]),
        ("EMB", [34, 6, 5]),
        ("INF", [32, 16, 3]),
        ("AIGNE", [17, 11, 2]),
        ("AHM", [27, 9, 5]),
        ("META", [43, 77, 0]),
    ],
)
def test_no_row_is_lost(prefixes: str, levels: list[int]) -> None:
    assert count(prefixes) == levels


def test_aios_rows_and_dialect_rows_add_up() -> None:
    assert sum(count("COMMON RERANK SCORE CHAT COMP EMB")) == 389
    assert sum(count("INF AIGNE AHM")) == 122
    assert sum(count("META")) == 120


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
def test_operations_exist_in_the_document_of_the_dialect(dialect: str) -> None:
    offered = operations_of(dialect)
    for row in spec.requirements(dialect):
        assert row.operations, row.id
        assert set(row.operations) <= offered, row.id


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_every_operation_has_requirements(dialect: str) -> None:
    judged = {
        operation
        for row in spec.requirements(dialect)
        if row.excluded is None
        for operation in row.operations
    }
    assert judged == operations_of(dialect)


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_the_document_names_known_requirements_only(dialect: str) -> None:
    known = {row.id for row in spec.requirements(dialect)}
    document = spec.openapi(dialect)
    assert set(stated(document, "x-requirements", "x-promises")) <= known


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_the_document_names_known_capabilities_only(dialect: str) -> None:
    assert set(stated(spec.openapi(dialect), "x-needs")) <= CAPABILITIES


def stated(node: object, *members: str) -> list[str]:
    """All words that the parts of an OpenAPI document list under these members."""
    if isinstance(node, list):
        return [each for child in node for each in stated(child, *members)]
    if not isinstance(node, dict):
        return []
    own: list[str] = []
    for value in (node[member] for member in members if member in node):
        own += [value] if isinstance(value, str) else value
    return own + [each for child in node.values() for each in stated(child, *members)]
