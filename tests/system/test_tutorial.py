"""The tutorial's commands do what the tutorial says that they do."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from installed import ROOT

PAGE = (ROOT / "docs/tutorial.md").read_text("utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PORT = "8017"


def session(block: str) -> tuple[str, str]:
    """What is typed in a block, here documents included, and what is printed."""
    typed, printed, end = [], [], ""
    for line in block.splitlines():
        if end or line.startswith("$ "):
            typed.append(line if end else line.removeprefix("$ "))
            begun = re.search(r"<<'(\w+)'", line)
            end = begun[1] if begun else "" if line == end else end
        else:
            printed.append(line)
    return "\n".join(typed), "\n".join(printed)


def matches(expected: str, seen: str) -> bool:
    """All is as expected, where `…` stands for anything; a line of it for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + " *\n"
        for line in expected.splitlines()
    )
    return re.fullmatch(pattern, seen) is not None


@contextmanager
def started(command: str, folder: Path) -> Iterator[str]:
    """A server, with the first line that it prints."""
    with subprocess.Popen(
        command.split(), cwd=folder, env=environ(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.terminate()


def environ() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "120"}


def test_the_tutorial_runs_as_printed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    assert len(BLOCKS) > 8
    with ExitStack() as servers:
        for block in BLOCKS:
            typed, expected = session(block.replace(PORT, port))
            if typed.startswith("aios-mock"):
                servers.close()
                first = servers.enter_context(started(typed, tmp_path))
                assert first == expected.partition("\n")[0] + "\n"
                continue
            ended = subprocess.run(
                ["bash", "-c", typed],
                cwd=tmp_path,
                env=environ(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            seen = ended.stdout if ended.stdout.endswith("\n") else ended.stdout + "\n"
            assert matches(expected, seen), f"{typed}\n{seen}"
