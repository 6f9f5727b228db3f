"""What the Makefile offers to who works on this project."""

import sys
import tomllib
from pathlib import Path

import pytest
from installed import ROOT, tool


@pytest.mark.parametrize(
    "api", ["rerank", "score", "embeddings", "chat", "completions"]
)
def test_a_new_row_has_a_place_in_six_files(api: str) -> None:
    fill = {"id": "NEW-RES-999", "api": api, "topic": "new-res-999"}
    fill["name"] = "new_res_999"
    written = tool("row").stubs(fill)
    assert len(written) == 6
    for path, text in written.items():
        assert len(text) > len(path.read_text())
        assert "NEW-RES-999" in text
        if path.suffix == ".py":
            compile(text, path, "exec")


def test_a_row_that_exists_is_not_begun_again() -> None:
    fill = {"id": "SCORE-REQ-001", "api": "score", "name": "x"}
    with pytest.raises(ValueError, match="stands in"):
        tool("row").stubs(fill)


def test_a_change_is_noticed() -> None:
    stamps = tool("watch").stamps()
    assert ROOT / "conformance/checks/score.py" in stamps
    assert ROOT / "spec/openapi.yaml" in stamps


def test_the_clients_that_are_tried_are_listed() -> None:
    listed = (ROOT / "mockserver/README.md").read_text()
    clients = tomllib.loads((ROOT / "tests/clients/clients.toml").read_text())
    for client in clients.values():
        assert (ROOT / "tests/clients" / client["tests"]).exists()
        for package in client["packages"]:
            name, _, version = package.replace("==", "@").rpartition("@")
            assert name == "pytest" or f"| `{name}` {version} |" in listed


def test_interpreters_for_a_release_are_found_where_they_are() -> None:
    release, (major, minor) = tool("release"), sys.version_info[:2]
    assert release.interpreter(f"{major}.{minor}") == Path(sys.executable)
    assert release.interpreter("3.99") is None


def test_coverage_looks_where_the_links_of_the_package_lead() -> None:
    """Named as the package it found nothing: files are known by their real places."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]
    measured = {(ROOT / name).resolve() for name in settings["run"]["source_dirs"]}
    parts = (ROOT / "aios_conformance").iterdir()
    assert measured == {part.resolve() for part in parts if part.is_symlink()}
