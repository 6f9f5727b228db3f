"""The loader: right data per dialect, quick for servers, clear when asked amiss."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aios_conformance import spec
from aios_conformance.spec._catalogue import Reading, _record, _requirement, _rows
from aios_conformance.spec._files import read_yaml


@pytest.mark.parametrize(
    "load", [spec.openapi, spec.examples, spec.requirements, spec.requirements_sha256]
)
def test_an_unknown_dialect_names_the_valid_ones(
    load: Callable[[str], object],
) -> None:
    with pytest.raises(spec.SpecError, match="aios, infinity, aigne-hub, aihubmix"):
        load("openai")


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_a_dialect_has_its_own_rows_only(dialect: str) -> None:
    rows = spec.requirements(dialect)
    assert rows
    assert all(dialect in row.dialects for row in rows)
    assert len({row.id for row in rows}) == len(rows)


def test_rows_keep_the_order_of_the_files() -> None:
    ids = [row.id for row in spec.requirements()]
    assert ids[0] == "COMMON-REQ-001"
    assert ids[-1] == "META-120"
    assert ids.index("RERANK-ERR-003") < ids.index("SCORE-REQ-001")


def test_a_row_is_read_in_full() -> None:
    row = spec.requirement("META-050")
    assert row.level is spec.Level.SHOULD
    assert row.operations == ("POST /v1/chat/completions", "POST /v1/completions")
    assert row.sources == ("000:385", "000:583", "001:247", "001:477")
    assert (row.ruling, row.noisy, row.needs) == ("A-103", True, ("seed",))
    assert (row.evidence, row.statistical, row.excluded) == (1, False, None)


def test_a_row_without_a_ruling_has_none() -> None:
    assert spec.requirement("RERANK-REQ-001").ruling is None


def test_a_shared_row_has_the_operations_of_the_dialect() -> None:
    by_dialect = {
        dialect: row.operations
        for dialect in spec.DIALECTS
        for row in spec.requirements(dialect)
        if row.id == "META-114"
    }
    assert by_dialect == {
        "aigne-hub": ("POST /api/embeddings",),
        "aihubmix": ("POST /v1/embeddings",),
    }
    assert spec.requirement("META-114").operations == (
        "POST /api/embeddings",
        "POST /v1/embeddings",
    )


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("RERANK-SEM-06", "did you mean RERANK-SEM-006"), ("x", "look like RERANK")],
)
def test_an_unknown_requirement_names_its_neighbours(asked: str, hint: str) -> None:
    with pytest.raises(spec.SpecError, match=hint):
        spec.requirement(asked)


def test_the_fingerprint_tells_dialects_apart_and_repeats() -> None:
    prints = [spec.requirements_sha256(dialect) for dialect in spec.DIALECTS]
    assert len(set(prints)) == len(spec.DIALECTS)
    spec.requirements_sha256.cache_clear()
    assert [spec.requirements_sha256(dialect) for dialect in spec.DIALECTS] == prints


def test_an_id_that_is_stated_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    same = {"requirements": [{"id": "X-1"}]}
    monkeypatch.setattr(spec._catalogue, "read_once", lambda _: same)
    with pytest.raises(spec.SpecError, match="X-1 is stated twice"):
        _rows.__wrapped__()


def test_a_misspelt_member_is_refused() -> None:
    row = {"id": "X-1", "level": "MUST", "operations": [], "nosy": True}
    with pytest.raises(spec.SpecError, match="X-1: unknown member nosy; valid are id"):
        _requirement(row, ("aios",))


def test_a_missing_member_is_refused() -> None:
    with pytest.raises(spec.SpecError, match=r"Reading: .*meaning"):
        _record(Reading, {"name": "rank"})


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(spec.SpecError, match=r"absent\.yaml"):
        read_yaml(tmp_path / "absent.yaml")
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(spec.SpecError, match=r"bad\.yaml"):
        read_yaml(tmp_path / "bad.yaml")


def test_an_example_is_read_with_its_body() -> None:
    example = spec.examples()["GOLD-RERANK-REQ"]
    assert (example.operation, example.direction) == ("POST /rerank", "request")
    assert example.sources == ("000:64-77",)
    assert example.requirements == ("RERANK-EX-001", "RERANK-EX-003")
    assert (example.printed, example.repair) == ("valid", None)
    assert example.body["top_n"] == 2


def test_an_unusable_example_has_a_reason_instead_of_a_body() -> None:
    example = spec.examples()["GOLD-CHAT-REQ-OLD"]
    assert (example.printed, example.body) == ("unusable", None)
    assert example.repair == "the body is missing"


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_a_dialect_has_its_own_examples_only(dialect: str) -> None:
    known = {row.id for row in spec.requirements(dialect)}
    for identifier, example in spec.examples(dialect).items():
        assert (example.id, example.dialect) == (identifier, dialect)
        assert set(example.requirements) <= known


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_a_document_refers_to_itself_only(dialect: str) -> None:
    text = json.dumps(spec.openapi(dialect))
    assert text.count('"$ref": "') == text.count('"$ref": "#/')


def test_the_levels_page_holds_the_rule() -> None:
    page = Path(spec.__file__).with_name("levels.md").read_text(encoding="utf-8")
    assert page.endswith(spec.LEVEL_RULE)


def test_serving_a_document_does_not_load_the_catalogue() -> None:
    probe = (
        "from aios_conformance import spec; spec.openapi(); "
        "from spec._catalogue import _rows; print(_rows.cache_info().currsize)"
    )
    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert run.stdout == "0\n"
