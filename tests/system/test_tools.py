"""What the Makefile offers to who works on this project."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str) -> Any:
    found = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


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
