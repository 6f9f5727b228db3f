"""The command: options, errors, and a whole life of the process."""

import http.client
import io
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import aios_conformance.reference_impl.__main__ as command
from aios_conformance.reference_impl import libraries
from aios_conformance.reference_impl.errors import Missing
from aios_conformance.reference_impl.options import (
    ModelOption,
    cache_folder,
    read_options,
)
from aios_conformance.reference_impl.packaged import DEFAULTS, Package


def test_the_process_serves_and_stops(folder: Path, tmp_path: Path) -> None:
    arguments = ["--port", "0", "--cache-dir", str(tmp_path), "--device", "cpu"]
    for job, name in (("chat", "llama"), ("embeddings", "bert"), ("rerank", "pairs")):
        arguments += ["--model", f"{job}={folder / name}"]
    with started(*arguments) as (process, port):
        try:
            assert _asked(port, "GET", "/health") == {"status": "ok"}
            names = [m["id"] for m in _asked(port, "GET", "/v1/models")["data"]]
            assert names == ["llama", "bert", "pairs"]
            body = {"model": "llama", "prompt": "a", "max_tokens": 3}
            answer = _asked(port, "POST", "/v1/completions", body)
            assert answer["usage"]["completion_tokens"] <= 3
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "llama: chat, completions on cpu in float32" in errors


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process once it listens, and its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "aios_conformance.reference_impl", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), process.stderr
        yield process, int(line.rsplit(":", 1)[1])


def test_several_dialects_stand_side_by_side(folder: Path, tmp_path: Path) -> None:
    """Each where its paths are free, and under its name; one model serves all."""
    words = ["--port", "0", "--cache-dir", str(tmp_path), "--device", "cpu"]
    words += ["--model", f"embeddings={folder / 'bert'}"]
    for name in ("infinity", "aigne-hub", "aihubmix"):
        words += ["--dialect", name]
    body = {"model": "bert", "input": "a text"}
    with started(*words) as (process, port):
        try:
            said = [process.stdout.readline() for _ in range(6)]  # type: ignore[union-attr]
            listed = _asked(port, "GET", "/v1/models")["data"]
            assert listed[0]["capabilities"] == ["embed"]
            plain = _asked(port, "POST", "/v1/embeddings", body)
            for path in ("/api/embeddings", "/aihubmix/v1/embeddings"):
                keyed = _asked(port, "POST", path, body, {"Authorization": "Bearer k"})
                assert keyed["data"] == plain["data"]
                with pytest.raises(AssertionError, match="key"):
                    _asked(port, "POST", path, body)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    assert f"aihubmix: http://127.0.0.1:{port}/aihubmix\n" in said
    assert "aigne-hub: no --api-key is set, so any bearer key is accepted\n" in said


def _asked(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    raw = None if body is None else json.dumps(body)
    kind = {"Content-Type": "application/json"}
    try:
        connection.request(method, path, raw, kind | (headers or {}))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "chat=./nowhere"], ["./nowhere", "no such file"]),
        (["--config", "/nowhere.yaml"], ["/nowhere.yaml"]),
        (["--no-pull"], ["--no-pull", "aios-reference pull"]),
    ],
)
def test_errors_are_one_clear_message(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: list[str],
) -> None:
    assert command.main([*arguments, "--port=0", "--cache-dir", str(tmp_path)]) == 4
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    for word in words:
        assert word in errors


def test_an_address_in_use_is_told_before_models_are_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command.main(["--port", str(port), "--no-pull"]) == 4
    errors = capsys.readouterr().err
    assert errors.startswith(f"aios-reference: cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--model", "paint=x"], "JOB one of chat, completions"),
        (["--model", "chat"], "JOB=PATH_OR_ID"),
        (["--alias", "x"], "ALIAS=NAME"),
        (["--device", "tpu"], "auto, cuda or cpu"),
        (["--dtype", "int4"], "auto, bfloat16, float32 or int8"),
        (["--dialect", "klingon"], "aios, infinity, aigne-hub, aihubmix"),
    ],
)
def test_bad_values_name_the_valid_ones(
    capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert command.main(arguments) == 4
    assert word in capsys.readouterr().err


def test_the_environment_and_the_command_line() -> None:
    environ = {
        "AIOS_CACHE_DIR": "/kept",
        "AIOS_REFERENCE_MODEL": "chat=a,embeddings=default",
        "AIOS_REFERENCE_DEVICE": "cuda",
    }
    options = read_options(["--device", "cpu"], environ)
    assert options.cache == Path("/kept")
    assert options.models == (
        ModelOption("chat", "a"),
        ModelOption("embeddings", "default"),
    )
    assert options.device == "cpu"
    assert options.address.port == 8001


def test_by_default_the_packaged_models_are_served() -> None:
    options = read_options([], {})
    assert [w.job for w in options.models] == ["chat", "embeddings"]
    assert command._packages(options) == list(DEFAULTS.values())
    assert options.cache == cache_folder()


def test_a_dialect_of_embeddings_needs_no_chat_model() -> None:
    options = read_options(["--dialect", "infinity", "--dialect", "infinity"], {})
    assert options.dialects == ("infinity",)
    assert [w.job for w in options.models] == ["embeddings"]


@pytest.mark.skipif(sys.platform != "linux", reason="each platform has its folder")
@pytest.mark.parametrize(
    ("home", "expected"),
    [("/x", "/x/aios-reference"), ("", "~/.cache/aios-reference")],
)
def test_the_cache_is_where_the_platform_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, home: str, expected: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert cache_folder() == Path(expected).expanduser()


class Terminal(io.StringIO):
    """A terminal on which somebody types one line."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "fetched"), [("\n", 2), ("y\n", 2), ("n\n", 0)])
def test_a_person_is_asked_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, fetched: int
) -> None:
    asked = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", asked)
    pulled: list[Package] = []
    monkeypatch.setattr(command, "pull", lambda p, *_: pulled.append(p))
    options = read_options(["--cache-dir", str(tmp_path)], {})
    if fetched:
        command._pull_defaults(options)
    else:
        with pytest.raises(Missing, match="not fetched"):
            command._pull_defaults(options)
    assert len(pulled) == fetched
    assert "176 MB" in asked.getvalue()
    assert str(tmp_path) in asked.getvalue()


def test_pull_fetches_every_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pulled: list[tuple[Package, Path]] = []
    monkeypatch.setattr(command, "pull", lambda p, c, _: pulled.append((p, c)))
    assert command.main(["pull", "--cache-dir", str(tmp_path)]) == 0
    assert pulled == [(package, tmp_path) for package in DEFAULTS.values()]


def test_missing_libraries_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        libraries, "find_spec", lambda name: None if name == "torch" else 1
    )
    assert command.main(["pull"]) == 4
    assert "aios-conformance[reference]" in capsys.readouterr().err


def test_help_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "import aios_conformance.reference_impl.__main__ as command\n"
        "assert command.main(['--no-pull', '--cache-dir', '/nowhere/at/all']) == 4\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)


def test_the_doctor_says_what_would_be_used(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["doctor", "--device", "cpu", "--cache-dir", str(tmp_path)]
    words += ["--model", f"chat={folder / 'llama'}", "--threads", "1"]
    assert command.main(words) == 0
    said = capsys.readouterr().out
    for word in (
        "transformers",
        "torch ",
        "cpu",
        "float32",
        "GiB free",
        "llama: causal",
    ):
        assert word in said
    assert "threads" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "chat=./nowhere"], "no such file"),
        (["--no-pull"], "aios-reference pull"),
        (["--engine", "vllm", "--upstream", "http://127.0.0.1:9"], "no vLLM answers"),
    ],
)
def test_the_doctor_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert command.main(["doctor", "--cache-dir", str(tmp_path), *words]) == 4
    lines = capsys.readouterr().out.splitlines()
    missing = [line for line in lines if line.startswith("!!")]
    assert missing
    assert all(said in line for line in missing)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--engine", "tgi"], "transformers or vllm|transformers, vllm"),
        (["--upstream", "http://a"], "--upstream is for --engine vllm only"),
        (["--engine-arg", "a=1"], "--engine-arg is for --engine vllm only"),
        (["--engine", "vllm", "--engine-arg", "a"], "KEY=VALUE"),
        (["--engine", "vllm", "--engine-arg", "paint:a=1"], "JOB one of chat"),
        (["--engine", "vllm", "--upstream", "gpu-1"], "must be a URL"),
        (["--engine", "vllm", "--upstream", "http://[::1"], "got 'http://[::1'"),
        (
            ["--engine", "vllm", "--upstream", "http://a", "--engine-arg", "a=1"],
            "give it to the upstream itself",
        ),
        (
            ["--engine", "vllm", "--upstream", "http://a", "--threads", "2"],
            "--threads has no effect before an upstream",
        ),
    ],
)
def test_options_of_engines_are_checked(
    capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert command.main(arguments) == 4
    errors = capsys.readouterr().err
    assert any(each in errors for each in word.split("|"))
