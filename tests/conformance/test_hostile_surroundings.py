"""Outputs that are closed or full, folders that hold no report: no fault of ours."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from raw import Writer, answer, saying

from aios_conformance import spec
from aios_conformance.conformance.cli.command import main
from aios_conformance.conformance.observing.recording import RecordingWriter

COMMAND = [sys.executable, "-m", "aios_conformance.conformance"]
FULL = Path("/dev/full")


def ended(how: str, *words: str) -> tuple[int, str]:
    """A command as a shell runs it; its exit code, and all that it says."""
    line = f'set -o pipefail; "$@" {how}'
    found = subprocess.run(
        ["bash", "-c", line, "bash", *COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return found.returncode, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("| head -1", 0),
        ("| true", 0),
        (">&-", 0),
        ("2>&-", 0),
        (">&- 2>&-", 0),
        ("<&-", 0),
        pytest.param(
            ">/dev/full", 4, marks=pytest.mark.skipif(not FULL.exists(), reason="Linux")
        ),
    ],
)
def test_who_does_not_read_makes_no_verdict(how: str, code: int) -> None:
    found, said = ended(how, "list")
    assert "Traceback" not in said
    assert found == code


COMPLETION = b"""{"id": "cmpl-1", "object": "text_completion",
 "created": 1, "model": "m",
 "choices": [{"index": 0, "text": "x", "logprobs": null, "finish_reason": "stop"}],
 "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}"""


async def hung_up_on(folder: Path, *, how: str) -> tuple[int, str]:
    """A run whose terminal goes away, or tells it to stop, while it is answered.

    Returns its exit code, and what it said to standard error.
    """
    asked = asyncio.Event()

    async def silent(_: Writer) -> None:
        asked.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    def begun() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # our own starter may ignore it
        if how == "closed":
            os.login_tty(os.dup(0))

    def read() -> None:
        with suppress(OSError):  # that of a terminal which nobody writes to any more
            os.read(master, 65_536)

    master, slave = pty.openpty()
    async with saying(answer(COMPLETION), answer(COMPLETION), silent) as target:
        words = ["--preset=smoke", "--apis=completions", "--model=m", "--concurrency=1"]
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *("run", target.url, f"--report-dir={folder}", *words),
            stdin=slave,
            stdout=slave,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=begun,
        )
        os.close(slave)
        loop = asyncio.get_running_loop()
        loop.add_reader(master, read)
        await asyncio.wait_for(asked.wait(), 300)
        if how == "closed":
            loop.remove_reader(master)
            os.close(master)
        else:
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGHUP)  # a shell's, after the system's
        _, said = await asyncio.wait_for(process.communicate(), 300)
        if how != "closed":
            loop.remove_reader(master)
            os.close(master)
    assert process.returncode is not None
    return process.returncode, said.decode()


def test_what_was_recorded_is_judged_when_the_terminal_is_gone(tmp_path: Path) -> None:
    for how in ("told", "closed"):
        folder = tmp_path / how
        code, said = asyncio.run(hung_up_on(folder, how=how))
        assert "Traceback" not in said
        assert code == 2, said
        report = json.loads((folder / "report.json").read_text())
        assert not report["complete"]
        assert report["usage"]["requests"] >= 2


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_who_is_stopped_while_it_is_loaded_is_no_error(
    name: str, tmp_path: Path
) -> None:
    """A module that interrupts stands for a hand that does."""
    module = tmp_path / "rich.py"
    module.write_text(f"import signal\nsignal.raise_signal(signal.{name})\n")
    found = subprocess.run(
        [*COMMAND, "list"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=60,
        preexec_fn=as_usual,
    )
    assert found.returncode == 2
    assert found.stderr == "aios-conformance: error: interrupted\n"


def as_usual() -> None:
    """Signals act as they do where nobody has them ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = f"mkdir {tmp_path}/x; cd {tmp_path}/x; rmdir {tmp_path}/x"
    found = subprocess.run(
        ["bash", "-c", f'{gone}; exec "$@"', "bash", *COMMAND, "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 4
    assert "is the current folder there?" in found.stderr
    assert "Traceback" not in found.stderr


def refused(folder: Path | str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["run", "http://127.0.0.1:1", f"--report-dir={folder}"]) == 4
    return capsys.readouterr().err


def test_a_folder_that_cannot_be_is_a_wrong_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "in", tmp_path / ("x" * 300), "/proc/none"):
        assert "--report-dir" in refused(folder, capsys)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_disk_that_is_full_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[Any] = []

    def full(writer: RecordingWriter, *_: object, **__: object) -> None:
        writers.append(writer)
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(RecordingWriter, "_write", full)
    assert "No space left" in refused(tmp_path, capsys)
    with pytest.raises(
        ValueError, match="closed file"
    ):  # the recording is not left open
        writers[0].header(None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "runs" / "run"
    run.mkdir(parents=True)
    for name in ("report.json", "exchanges.jsonl"):
        os.mkfifo(run / name)
    pipe = str(run / "report.json")
    for words in (
        ["report", str(run)],
        ["judge", str(run)],
        ["diff", pipe, pipe],
        ["run", "http://127.0.0.1:1", f"--config={pipe}"],
        ["run", "http://127.0.0.1:1", f"--baseline={pipe}"],
    ):
        assert main(words) == 4
        assert "is no plain file" in capsys.readouterr().err
    assert main(["site", str(run.parent), str(tmp_path / "site")]) == 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none")
@pytest.mark.parametrize("name", ["dialect", "openapi", "requirements", "models"])
def test_a_pipe_in_the_folder_of_a_dialect_is_not_waited_for(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "acme"
    assert main(["new-dialect", str(folder), "--from", "infinity"]) == 0
    (folder / f"{name}.yaml").unlink()
    os.mkfifo(folder / f"{name}.yaml")
    assert main(["lint", str(folder)]) == 4
    assert main(["plan", "mock", f"--dialect={folder}"]) == 4
    assert main(["new-dialect", str(tmp_path / "b"), "--from", str(folder)]) == 4
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{}", "[]", "a", "paths: 1", "paths: {/a: 1}"])
def test_a_document_that_is_none_is_told(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "acme"
    assert main(["new-dialect", str(folder), "--from", "infinity"]) == 0
    (folder / "openapi.yaml").write_text(text)
    assert main(["lint", str(folder)]) == 1
    assert "openapi.yaml:1" in capsys.readouterr().out
    assert main(["plan", "mock", f"--dialect={folder}"]) == 4
    assert "acme" not in spec.known_dialects()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5_000,
        "a = " + "[" * 5_000,
        "a = " + "9" * 5_000,
        "apis = 0x" + "f" * 5_000,
        "{a: " * 5_000,
        "- 2026-99-99",
        "\x00",
        "&a [*a]",
        "5",
        "\xff",
    ],
)
def test_a_file_of_nonsense_is_a_wrong_option(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(text.encode("latin-1"))
    for flag in ("--waivers", "--config", "--baseline", "--dialect"):
        words = ["run", "http://127.0.0.1:1", f"{flag}={file}"]
        assert main([*words, f"--report-dir={tmp_path}/made"]) == 4
        assert "Traceback" not in capsys.readouterr().err
    for command in ("judge", "report", "annotate", "lint", "site"):
        more = [f"{tmp_path}/site"] if command == "site" else []
        assert main([command, str(file), *more]) in (0, 2, 4)
        assert "Traceback" not in capsys.readouterr().err
