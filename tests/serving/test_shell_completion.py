"""Tab in bash, for the commands that serve: the printed code, evaluated and used."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

MODULES = {"aios-mock": "mockserver", "aios-reference": "reference_impl"}


def run(command: str, *words: str) -> subprocess.CompletedProcess[str]:
    module = f"aios_conformance.{MODULES[command]}"
    return subprocess.run(
        [sys.executable, "-P", "-m", module, *words],
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def code(command: str) -> str:
    """What is to be evaluated in bash."""
    return run(command, "completion", "bash").stdout


def completed(folder: Path, line: str) -> set[str]:
    """What bash offers when its cursor stands at the end of a line."""
    command, *_ = words = line.split(" ")
    place = folder / command
    place.write_text(
        f"#!/bin/sh\nexec {sys.executable} -P -m aios_conformance.{MODULES[command]}"
        ' "$@"\n'
    )
    place.chmod(0o755)
    script = f"""
set -e
{code(command)}
complete -p {command} > /dev/null
COMP_WORDS=({line}) COMP_CWORD={len(words) - 1} COMP_TYPE=9 COMP_LINE='{line}'
COMP_POINT=${{#COMP_LINE}}
_python_argcomplete {command} '{words[-1]}' '{words[-2]}'
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    return {word.strip() for word in ended.stdout.splitlines()} - {""}


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("aios-mock --work", {"--workers"}),
        ("aios-mock gr", {"grade"}),
        ("aios-mock --profile v", {"vllm"}),
        ("aios-mock --unknown re", {"refuse"}),
        ("aios-mock --speed h", {"h100-8b", "h100-70b"}),
        ("aios-mock --fault cut", {"cut", "cut-utf8"}),
        ("aios-mock --defect rerank_unsorted_", {"rerank_unsorted_beyond_three"}),
        ("aios-mock --rules ru", {"rules.yaml"}),
        ("aios-mock --workers ", set()),
        ("aios-mock grade --ju", {"--junit"}),
        ("aios-mock grade --fail-on w", {"warn"}),
        ("aios-mock grade --round tr", {"truncate"}),
        ("aios-mock grade --fault cut-", {"cut-utf8"}),
        ("aios-mock drift --profile v", {"vllm"}),
        ("aios-mock drift --req", {"--requests", "--request-timeout"}),
        ("aios-mock check ru", {"rules.yaml"}),
        ("aios-reference do", {"doctor"}),
        ("aios-reference --device cu", {"cuda"}),
        ("aios-reference --dialect aig", {"aigne-hub"}),
    ],
)
def test_bash_offers_what_may_stand_there(
    tmp_path: Path, line: str, offered: set[str]
) -> None:
    (tmp_path / "rules.yaml").touch()
    assert completed(tmp_path, line) == offered


def test_an_unknown_shell_is_refused() -> None:
    for command in MODULES:
        ended = run(command, "completion", "ksh")
        assert ended.returncode == 4
        assert "invalid choice: 'ksh'" in ended.stderr
