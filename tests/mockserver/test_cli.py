"""`aios-mock`: as a process where it serves, in ours where it ends by itself."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from asking import COMMAND, started
from plain_http import Client

from aios_conformance.mockserver.__main__ import main

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_it_serves_where_it_says_until_it_is_told_to_stop() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with started() as (process, url):
            assert url.startswith("http://127.0.0.1:")
            with urlopen(url + "/health") as reply:  # noqa: S310 - our own server
                assert reply.status == 200
            process.send_signal(number)
            output, errors = process.communicate(timeout=20)
            assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("how", ["</dev/null >&-", "</dev/null 2>&-", "<&- >&- 2>&-"])
def test_it_serves_whoever_listens_to_what_it_says(how: str) -> None:
    line = f'exec "$@" --port=0 --until-eof {how}'
    found = subprocess.run(["bash", "-c", line, "bash", *COMMAND], check=False)
    assert found.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
@pytest.mark.parametrize("words", ["--port=0", "--list-defects", "completion bash"])
def test_an_output_that_is_full_is_told(words: str) -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [*COMMAND, *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert found.returncode == 4
    assert found.stderr == "aios-mock: the output: No space left on device\n"


@pytest.mark.parametrize("word", ["--seed=--", "--rules=--", "--model=--"])
def test_an_option_without_its_value_is_a_wrong_one(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 4
    assert "expected one argument" in capsys.readouterr().err


def test_the_hint_can_be_pasted() -> None:
    with started() as (process, url):
        assert process.stdout is not None
        hint = next(line for line in process.stdout if line.startswith("try: "))
        assert hint.startswith(f"try: curl {url}/v1/chat/completions ")
        output = subprocess.run(
            ["bash", "-c", hint.removeprefix("try: ").replace("curl", "curl -s", 1)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert json.loads(output)["choices"][0]["message"]["content"]


def test_it_is_small_and_loads_nothing_for_tests_only() -> None:
    with started() as (process, url):
        with urlopen(url + "/v1/models") as reply:  # noqa: S310 - our own server
            assert reply.status == 200
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        (resident,) = [line for line in status.splitlines() if "VmRSS" in line]
        assert int(resident.split()[1]) < 80 * 1024
    code = (
        "import sys; from aios_conformance.mockserver import app, options;"
        "app.mock_application(options.read_options([], {}));"
        "print([name for name in ('torch', 'openapi_core', 'hypothesis', 'pytest')"
        " if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output == "[]\n"


def test_environment_and_file(tmp_path: Path) -> None:
    file = tmp_path / "mock.yaml"
    file.write_text("model: [mine=chat]\njournal: 1\n", encoding="utf-8")
    environ = {"AIOS_MOCK_JOURNAL": "0", "AIOS_API_KEY": "k"}
    with started("--config", str(file), **environ) as (_, url):
        client = Client(url)
        assert client.get("/v1/models").status == 401
        reply = client.get("/v1/models", Authorization="Bearer k")
        assert b'"mine"' in reply.body
        journal = client.get("/_mock/requests", Authorization="Bearer k").json()
        assert journal["requests"] == []


@pytest.mark.parametrize(
    ("argv", "environ", "says"),
    [
        (["--host", "256.1.1.1"], {}, "cannot listen on 256.1.1.1"),
        ([], {"AIOS_MOCK_PORT": "x"}, "$AIOS_MOCK_PORT: must be a whole number"),
        (["--config", "/missing.yaml"], {}, "/missing.yaml: cannot be read"),
        (["--port", "0", "--defect", "nope"], {}, "unknown defect 'nope'"),
    ],
)
def test_a_bad_option_is_told_in_one_line(
    command: Command, argv: list[str], environ: dict[str, str], says: str
) -> None:
    result = command(*argv, **environ)
    assert result.returncode == 4
    assert result.stderr.startswith("aios-mock: ")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--port", "x"], "must be a whole number"),
        (["--model", "nokind"], "must be NAME=KIND"),
        (["--dialect", "klingon"], "unknown dialect"),
        (["--prot", "0"], "did you mean --port?"),
        (["serve"], "the commands are check, completion, drift, grade"),
        (["--replay", "no.jsonl"], "there is no tape no.jsonl; --record URL makes it"),
        (["--rules", "a", "--rules", "b"], "--rules: can be given once only"),
        (["--api-key", ""], "argument --api-key: is empty"),
        (["--cors-origin", "localhost"], "must be like http://localhost:3000"),
    ],
)
def test_a_bad_command_line_is_told(
    command: Command, argv: list[str], says: str
) -> None:
    result = command(*argv)
    assert says in result.stderr
    assert result.returncode == 4
    assert result.stderr.count("\n") == 1


def test_a_port_in_use_is_told(command: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = command("--port", str(port))
    assert result.returncode == 4
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr


def test_defects_are_listed(command: Command) -> None:
    listed = json.loads(command("--list-defects", "--json").stdout)
    assert isinstance(listed, list)
    plain = command("--list-defects").stdout
    assert plain.count("\n") >= len(listed)
