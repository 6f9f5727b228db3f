"""What parsing gave is kept, and never believed when it cannot be right."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aios_conformance.spec import _parsed
from aios_conformance.spec._parsed import kept


class _Parser:
    """Answers with a value, and counts how often."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.calls = 0

    def __call__(self, _: bytes) -> Any:
        self.calls += 1
        return self.value


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_parsed, "user_cache_path", lambda *_, **__: tmp_path / "c")
    return tmp_path / "c"


def test_a_text_is_parsed_once_and_another_text_anew() -> None:
    parse = _Parser({"a": [1, None, "é"]})
    assert [kept("x", b"1", parse) for _ in range(3)] == [parse.value] * 3
    assert parse.calls == 1
    kept("x", b"2", parse)
    assert parse.calls == 2


@pytest.mark.parametrize("value", [{200: "ok"}, date(2026, 1, 1), (1, 2)])
def test_what_json_says_differently_is_parsed_each_time(value: Any) -> None:
    parse = _Parser(value)
    assert [kept("x", b"1", parse) for _ in range(2)] == [value] * 2
    assert parse.calls == 2


def test_a_damaged_file_is_written_anew(folder: Path) -> None:
    parse = _Parser([1])
    kept("x", b"1", parse)
    (file,) = folder.rglob("*.json")
    file.write_bytes(b"[1")
    assert kept("x", b"1", parse) == kept("x", b"1", parse) == [1]
    assert parse.calls == 2


def test_without_a_folder_to_write_to_it_still_parses(folder: Path) -> None:
    folder.write_text("in the way")
    assert kept("x", b"1", _Parser([1])) == [1]
