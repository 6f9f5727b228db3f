"""Every citation resolves: by its pin everywhere, by the text where it is at hand."""

import hashlib
import os
from pathlib import Path

import pytest
import yaml

from aios_conformance import spec
from aios_conformance.spec._references import each_line, parse_reference
from aios_conformance.spec._sources import find_documents, pin_line, split_lines
from aios_conformance.spec.pin import cited_references, main, pinned, read_documents

DOCUMENTS = os.environ.get("AIOS_SOURCES_DIR")

TEXT = b"first\n\n  third \nfourth\n"
ROW = {"id": "000", "title": "A page", "address": None}


def test_there_are_five_documents() -> None:
    assert list(spec.sources()) == ["000", "001", "002", "003", "004"]


def test_every_cited_line_is_pinned() -> None:
    """Each reference has a pinned line; a range may hold blank lines besides."""
    for reference in set(cited_references()):
        document, lines = parse_reference(reference)
        source = spec.sources()[document]
        assert lines[-1] <= source.lines, reference
        assert any(line in source.line_hashes for line in lines), reference


def test_no_line_is_pinned_without_a_citation() -> None:
    cited = set(each_line(cited_references()))
    pins = {
        (source.id, line)
        for source in spec.sources().values()
        for line in source.line_hashes
    }
    assert pins <= cited


def test_the_pins_are_those_of_the_documents() -> None:
    """Against the text itself if AIOS_SOURCES_DIR names it, else by form alone."""
    for source in spec.sources().values():
        assert len(source.sha256) == 64
        assert all(len(pin) == 16 for pin in source.line_hashes.values())
    if DOCUMENTS:
        texts = find_documents(Path(DOCUMENTS), spec.sources().values())
        for source in spec.sources().values():
            lines = texts[source.id]
            assert len(lines) == source.lines
            for number, pin in source.line_hashes.items():
                assert pin_line(lines[number - 1]) == pin, f"{source.id}:{number}"


@pytest.mark.parametrize(
    ("reference", "lines"),
    [("000:57", ("000", range(57, 58))), ("001:3-5", ("001", range(3, 6)))],
)
def test_a_reference_names_a_document_and_lines(
    reference: str, lines: tuple[str, range]
) -> None:
    assert parse_reference(reference) == lines


@pytest.mark.parametrize(
    "reference", ["", "57", "000", "000:0", "000:9-7", "00:1", "000:1-", "000:1 "]
)
def test_a_malformed_reference_is_an_error(reference: str) -> None:
    with pytest.raises(spec.SpecError, match="000:234-239"):
        parse_reference(reference)


def test_lines_end_at_line_feeds_only() -> None:
    assert split_lines("a\u2028b\r\nc\n".encode()) == ("a\u2028b\r", "c")
    assert split_lines(b"a\n\nb") == ("a", "", "b")


def test_pinning_computes_hash_count_and_pins() -> None:
    (row,) = pinned([ROW], {"000": TEXT}, ["000:1-3", "000:4"])
    assert row == {
        **ROW,
        "sha256": hashlib.sha256(TEXT).hexdigest(),
        "lines": 4,
        "line_hashes": {
            1: pin_line("first"),
            3: pin_line("third"),
            4: pin_line("fourth"),
        },
    }


@pytest.mark.parametrize(
    ("reference", "message"),
    [("000:2", "is blank"), ("000:5", "no such line"), ("001:1", "no such line")],
)
def test_pinning_refuses_a_citation_of_nothing(reference: str, message: str) -> None:
    with pytest.raises(spec.SpecError, match=message):
        pinned([ROW], {"000": TEXT}, [reference])


def test_documents_to_pin_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "000_page.txt").write_bytes(TEXT)
    assert read_documents(tmp_path, ["000"]) == {"000": TEXT}
    with pytest.raises(spec.SpecError, match="begins with 001, it holds 0"):
        read_documents(tmp_path, ["001"])


@pytest.mark.parametrize("arguments", [[], ["no such directory"]])
def test_the_command_says_what_it_lacks(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(spec.__file__).with_name("sources.yaml").read_bytes()
    assert main(arguments) == 2
    assert capsys.readouterr().err
    assert Path(spec.__file__).with_name("sources.yaml").read_bytes() == before


def test_the_command_rewrites_the_pins_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "000_page.txt").write_bytes(TEXT)
    pins = tmp_path / "sources.yaml"
    pins.write_text(yaml.safe_dump({"sources": [ROW]}), encoding="utf-8")
    monkeypatch.setattr(spec.pin, "HERE", tmp_path)
    monkeypatch.setattr(spec.pin, "cited_references", lambda: ["000:3"])
    assert main([str(tmp_path / "documents")]) == 0
    assert yaml.safe_load(pins.read_text(encoding="utf-8")) == {
        "sources": pinned([ROW], {"000": TEXT}, ["000:3"])
    }


def source_of(text: bytes) -> spec.Source:
    return spec.Source(
        id="000",
        title="A page",
        address=None,
        sha256=hashlib.sha256(text).hexdigest(),
        lines=4,
        line_hashes={},
    )


def test_documents_are_recognised_by_content(tmp_path: Path) -> None:
    (tmp_path / "any name").write_bytes(TEXT)
    (tmp_path / "other").write_bytes(b"other")
    found = find_documents(tmp_path, [source_of(TEXT)])
    assert found == {"000": ("first", "", "  third ", "fourth")}


def test_a_changed_document_is_named(tmp_path: Path) -> None:
    (tmp_path / "000.txt").write_bytes(TEXT + b"more")
    with pytest.raises(spec.SpecError, match=r"document 000 \(A page\)"):
        find_documents(tmp_path, [source_of(TEXT)])


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(spec.SpecError, match="absent"):
        find_documents(tmp_path / "absent", [])


def test_cited_lines_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page").write_bytes(TEXT)
    monkeypatch.setattr(spec._sources, "sources", lambda: {"000": source_of(TEXT)})
    assert spec.source_lines(["000:4", "000:1-2"], tmp_path) == (
        spec.SourceLine("000", 4, "fourth"),
        spec.SourceLine("000", 1, "first"),
    )


@pytest.mark.parametrize("reference", ["000:838", "009:1"])
def test_lines_beyond_the_documents_are_errors(reference: str, tmp_path: Path) -> None:
    with pytest.raises(spec.SpecError, match=reference[:3]):
        spec.source_lines([reference], tmp_path)


def test_places_lead_to_the_lines_in_words() -> None:
    found = spec.locators(spec.requirement("RERANK-REQ-013"))
    assert [(each.words, each.references) for each in found] == [
        (
            spec.BELOW.join(("Rerank", "Body Parameters", "top_n", "Boundary value")),
            ("000:57", "001:43"),
        ),
        (spec.BELOW.join(("Rerank", "Example")), ("000:75", "001:60")),
    ]
    for dialect in spec.DIALECTS:
        for row in spec.requirements(dialect):
            assert all(each.words for each in spec.locators(row)), row.id
