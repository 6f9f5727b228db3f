"""`conformance.run(…)`: the judge from Python, with the options of the command."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from miniatures import MODEL, listening, total_off_by_one

from aios_conformance import conformance
from aios_conformance.conformance.options.table import ONLY, OPTIONS
from aios_conformance.conformance.terms.events import ExchangeDone, RunEvent


@pytest.fixture(scope="module")
def wrong() -> Iterator[str]:
    with listening(total_off_by_one) as url:
        yield url


def test_a_run_returns_what_the_reports_say(wrong: str, tmp_path: Path) -> None:
    heard: list[RunEvent] = []
    result = conformance.run(
        wrong,
        listener=heard.append,
        preset="smoke",
        apis=["embeddings"],
        model={"embeddings": MODEL},
        header={"X-Tenant": "blue"},
        max_requests=100,
        report_dir=tmp_path,
    )
    written = json.loads(result.paths["report.json"].read_bytes())
    assert result.exit_code == 1
    assert result.claim == "none"
    assert result.counts == written["summary"]
    assert "COMMON-RES-010" in [each.requirement.id for each in result.failed]
    assert any("/usage/total_tokens" in found.pointer for found in result.findings)
    assert result.paths["junit.xml"] == tmp_path / "junit.xml"
    assert (result.complete, result.cut_short) == (True, None)
    sent = sum(isinstance(each, ExchangeDone) for each in heard)
    assert sent == written["usage"]["requests"]
    with pytest.raises(FrozenInstanceError):
        result.claim = "full"  # type: ignore[misc]


def test_what_was_known_is_not_red(wrong: str, tmp_path: Path) -> None:
    """And a file of options is read; all that in a notebook's event loop."""

    async def noted(**more: Any) -> conformance.Result:
        return conformance.run(wrong, config=tmp_path / "aios.toml", **more)

    (tmp_path / "aios.toml").write_text('preset = "smoke"\napis = "embeddings"\n')
    only = ["COMMON-RES-010"]
    first = asyncio.run(noted(report_dir=tmp_path / "a", only=only))
    known = tmp_path / "a"
    again = asyncio.run(noted(report_dir=tmp_path / "b", only=only, baseline=known))
    assert (first.exit_code, again.exit_code) == (1, 0)
    assert again.counts == first.counts


def test_all_options_of_the_command_are_there() -> None:
    """But `--plan`, which sends nothing."""
    names = {option.name for option in (*OPTIONS, ONLY)} - {"plan"}
    assert conformance.Options.__annotations__.keys() == names


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"presett": "smoke"}, "unknown option presett: did you mean preset?"),
        ({"preset": "smok"}, "--preset smok: valid are smoke, standard, deep"),
        ({"apis": ["rerank", "scroe"]}, "--apis scroe: valid are"),
        ({"max_requests": 0}, "--max-requests 0: must be at least 1"),
        ({"model": {"embedding": "x"}}, "did you mean embeddings?"),
        ({"only": "RERANK-SEM-6"}, "--only RERANK-SEM-6: no requirement"),
        ({"waivers": Path("nowhere")}, "--waivers nowhere: no such file"),
    ],
)
def test_a_bad_option_is_told(options: Any, said: str) -> None:
    with pytest.raises(conformance.OptionError) as caught:
        conformance.run("mock", **options)
    assert said in str(caught.value)


def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(conformance.TargetError, match="does not answer"):
        conformance.run("http://127.0.0.1:9", preset="smoke", report_dir=tmp_path)
    with pytest.raises(conformance.OptionError, match="not a URL"):
        conformance.run("")
