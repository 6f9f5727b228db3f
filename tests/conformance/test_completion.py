"""Shell completion, by the protocol that shells speak: a line and a point in it."""

import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from argcomplete.finders import CompletionFinder

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.cli.command import parser
from aios_conformance.conformance.cli.completing import complete


class _Ended(Exception):  # noqa: N818  it stands for the end of the process
    pass


class _Quiet(CompletionFinder):
    def _init_debug_stream(self) -> None:
        """Else it takes the descriptor 9, which may be somebody's here."""


def _end(_: int = 0) -> None:
    raise _Ended


def completed(line: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What the command answers a shell whose cursor stands at the end of a line."""
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\v",
        "_ARGCOMPLETE_SHELL": "bash",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    answer = StringIO()
    with pytest.raises(_Ended):
        complete(parser(), _Quiet(), exit_method=_end, output_stream=answer)
    return {word.strip() for word in answer.getvalue().split("\v")}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ru", {"run"}),
        ("run m", {"mock"}),
        ("run mock --bas", {"--baseline"}),
        ("run mock --apis rerank,s", {"rerank,score"}),
        ("run mock --max-requests ", set()),
        ("run mock --max-req", {"--max-requests"}),
        ("explain temperature-r", {"temperature-range"}),
        ("run mock --dialect ai", {"aios", "aigne-hub", "aihubmix"}),
        ("run mock --fail-on should,u", {"should,unstable"}),
        ("run mock --requirements 2026", {"2026.1"}),
        ("run mock --config ", {"aios.toml", "runs/"}),
        ("judge ", {"runs/"}),
        ("explain RERANK-SEM-00", {f"RERANK-SEM-00{n}" for n in range(1, 10)}),
    ],
)
def test_what_may_follow_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: set[str]
) -> None:
    (tmp_path / "aios.toml").touch()
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    found = completed(f"aios-conformance {line}", monkeypatch)
    assert found - {""} == words


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_takes_what_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The line of the documentation, evaluated; then Tab, as bash calls it."""
    assert main(["completion", "bash"]) == 0
    (tmp_path / "code").write_text(capfd.readouterr().out)
    script = """
eval "$(cat code)"
complete -p aios-conformance
COMP_WORDS=(aios-conformance run mock --pre) COMP_CWORD=3 COMP_TYPE=9
COMP_LINE="${COMP_WORDS[*]}"
COMP_POINT=${#COMP_LINE}
_python_argcomplete aios-conformance --pre mock
printf '%s\\n' "${COMPREPLY[@]}"
"""
    place = tmp_path / "bin/aios-conformance"
    place.parent.mkdir()
    place.write_text(
        f'#!/bin/sh\nexec {sys.executable} -P -m aios_conformance.conformance "$@"\n'
    )
    place.chmod(0o755)
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{place.parent}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        text=True,
    )
    first, *replies = ended.stdout.splitlines()
    assert first.startswith("complete ")
    assert [reply.strip() for reply in replies] == ["--preset"]
