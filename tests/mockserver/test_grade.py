"""`aios-mock grade` tells good clients from bad ones."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from xml.etree.ElementTree import parse

import pytest
from plain_http import Client

from aios_conformance.mockserver.clients.rounds import rounds
from aios_conformance.mockserver.embedded import local_mock

CLIENT = """
import json, os, sys, time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TRIES, HEEDS, NOTICES = map(int, sys.argv[1:])
messages = [{"role": "user", "content": "hi"}]
body = {"model": "meta-llama/Llama-3.3-70B-Instruct", "messages": messages}
headers = {
    "Content-Type": "application/json",
    "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"],
}

def ask(**more):
    data = json.dumps(body | more).encode()
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    for attempt in range(TRIES):
        try:
            with urlopen(Request(url, data, headers), timeout=0.2) as answer:
                return answer.read()
        except HTTPError as error:
            error.read()
            if HEEDS and error.code not in (429, 503):
                raise
            time.sleep(HEEDS * float(error.headers.get("Retry-After", 0)))
        except (OSError, HTTPException):
            time.sleep(HEEDS * 0.11)
    sys.exit(3)

ask()
read = ask(stream=True)
if NOTICES and b"[DONE]" not in read:
    read = NOTICES > 1 and sys.exit(5) or ask(stream=True)
print("done")
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> str:
    script = tmp_path_factory.mktemp("client") / "client.py"
    script.write_text(CLIENT)
    return str(script)


Grade = Callable[..., CompletedProcess[str]]


@pytest.fixture
def grade(command: Callable[..., CompletedProcess[str]]) -> Grade:
    return partial(command, "grade")


def test_a_good_client_survives_every_round(
    grade: Grade, client: str, tmp_path: Path
) -> None:
    file = tmp_path / "verdict.xml"
    command = [sys.executable, client, "3", "1", "1"]
    result = grade("--junit", str(file), "--", *command)
    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith("verdict: ")
    assert "FAIL" not in result.stdout
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == [
        "done",  # the output of the good round
        *(each.name for each in rounds(15)),
    ]
    (suite,) = parse(file).getroot()  # noqa: S314 - our own
    assert suite.attrib["failures"] == "0"
    names = ("a-good-day-works", "what-passes-is-survived", "refusals-are-final")
    for name in names:
        assert suite.find(f"testcase[@name='{name}']/system-out") is not None


def test_an_error_that_ends_the_command_is_a_stream_that_was_noticed(
    grade: Grade, client: str
) -> None:
    command = [sys.executable, client, "1", "1", "2"]
    rounds = ("--round", "truncate", "--round", "cut", "--round", "error")
    result = grade(*rounds, "--fail-on", "warn", "--", *command)
    assert "broke off (truncate@3) and an error came of it" in result.stdout
    assert result.returncode == 0, result.stdout


def test_a_bad_client_is_told_what_it_did(grade: Grade, client: str) -> None:
    command = [sys.executable, client, "3", "0", "0"]
    result = grade("--json", "--", *command)
    assert result.returncode == 1
    verdict = json.loads(result.stdout)
    failed = {r["name"] for r in verdict["rules"] if r["verdict"] == "fail"}
    assert failed == {
        "errors-reach-the-caller",  # half a stream was taken for whole
        "refusals-are-final",
        "retry-after-is-heeded",
        "attempts-back-off",
    }
    (final,) = [r for r in verdict["rules"] if r["name"] == "refusals-are-final"]
    assert {seen["round"] for seen in final["seen"]} == {"400", "401", "404", "422"}


def test_a_round_can_be_chosen_and_what_gives_up_is_warned(
    grade: Grade, client: str
) -> None:
    command = [sys.executable, client, "1", "1", "1"]
    result = grade("--round", "503", "--fail-on", "warn", "--", *command)
    assert result.returncode == 1
    assert "WARN  what-passes-is-survived" in result.stdout
    assert "it ended with exit code 3 where the first request gets 503" in result.stdout


def test_options_of_the_mock_are_those_of_the_mock(grade: Grade, client: str) -> None:
    command = [sys.executable, client, "2", "0", "1"]
    result = grade("--fault", "429=1", "--api-key", "secret", "--", *command)
    assert result.returncode == 1
    assert "yours: the mock plays what your options say" in result.stderr
    assert "(yours: #1, #2)" in result.stdout
    assert "refused with 401" not in result.stdout


def test_what_waits_for_ever_is_ended(grade: Grade, client: str) -> None:
    waiting = (
        "import os; from urllib.request import Request, urlopen;"
        "urlopen(Request(os.environ['AIOS_BASE_URL'] + '/chat/completions', b'{"
        '"model": "meta-llama/Llama-3.3-70B-Instruct", "stream": true, "messages": '
        '[{"role": "user", "content": "hi"}]'
        "}', {'Content-Type': 'application/json'})).read()"
    )
    command = [sys.executable, "-c", waiting]
    result = grade("--round", "stall", "--patience", "0.6", "--", *command)
    assert result.returncode == 0
    assert "WARN  silence-is-not-waited-out" in result.stdout
    assert "and still waits (stall: #1)" in result.stdout


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["--", "true"], 1, "it sent nothing to the mock"),
        ([], 4, "grade needs a command"),
        (["--round", "fire", "--", "true"], 4, "no round 'fire'; there are good,"),
        (["--", "no-such-command"], 4, "cannot run 'no-such-command'"),
        (["--junit", "/nowhere/x.xml", "--", "true"], 4, "cannot write /nowhere/x.xml"),
        (["--fualt", "429", "--", "true"], 4, "unrecognized arguments: --fualt"),
        (["--list-rounds"], 0, "dribble: answers come a few bytes at a time"),
    ],
)
def test_what_cannot_be_graded_is_told(
    grade: Grade, argv: list[str], code: int, says: str
) -> None:
    result = grade(*argv)
    assert result.returncode == code
    assert says in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_resilience_can_be_asserted() -> None:
    body = {"model": "sds/bge-m3", "input": "hi"}
    with local_mock() as mock:
        with pytest.raises(AssertionError, match="from 0 exchanges"):
            mock.assert_resilient()
        Client(mock.url).post("/v1/embeddings", body)
        mock.assert_resilient()
        mock.fail(429)
        for _ in range(2):
            Client(mock.url).post("/v1/embeddings", body)
        with pytest.raises(AssertionError, match="FAIL  retry-after-is-heeded"):
            mock.assert_resilient()
        mock.assert_resilient(ignore=["retry-after-is-heeded"])
        with pytest.raises(ValueError, match="nearest is 'retry-after-is-heeded'"):
            mock.assert_resilient(ignore=["retry-after"])
