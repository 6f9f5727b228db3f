"""The fixture as a project's own tests use it."""

import os
from pathlib import Path

import pytest

from aios_conformance.mockserver.options import read_options
from aios_conformance.serving.options import OptionError

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
pytest_plugins = ["aios_conformance.mockserver.pytest_plugin"]

@pytest.fixture(scope="session")
def aios_mock_options():
    return ["--model", "mine=chat"]
"""
TESTS = """
import os
import pytest
from openai import OpenAI, RateLimitError

def ask(text, **options):
    client = OpenAI(**options)
    messages = [{"role": "user", "content": text}]
    answer = client.chat.completions.create(model="mine", messages=messages)
    return answer.choices[0].message.content

def test_a_scripted_answer(aios_mock):
    assert os.environ["OPENAI_BASE_URL"] == aios_mock.base_url
    aios_mock.say("It rains.", text="weather")
    assert ask("The weather?") == "It rains."
    assert len(aios_mock.requests) == 1

@pytest.mark.parametrize("number", range(4))
def test_every_test_begins_anew(aios_mock, number):
    assert aios_mock.requests == []
    assert ask("The weather?") != "It rains."

def test_a_client_retries(aios_mock):
    aios_mock.fail(503, times=2)
    assert ask("hello")
    assert [entry["status"] for entry in aios_mock.requests] == [503, 503, 200]

def test_a_client_gives_up(aios_mock):
    aios_mock.faults("429=1")
    with pytest.raises(RateLimitError):
        ask("hello", max_retries=0)

def test_environment(request):
    assert "OPENAI_BASE_URL" not in os.environ
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_the_fixture_serves_scripts_resets_and_counts(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    options = ["-n", str(workers)] if workers else []
    options += ["-p", "no:schemathesis"]  # two seconds, and nothing to do with it
    result = pytester.runpytest_subprocess("-q", *options)
    result.assert_outcomes(passed=8)
    assert "OPENAI_BASE_URL" not in os.environ


def test_options_of_behaviour_come_from_all_three_places(tmp_path: Path) -> None:
    file = tmp_path / "mock.yaml"
    file.write_text(
        "ttft_ms: 100\nitl_ms: 5\nfault: ['429=0.2', 'cut@3=0.1']\njournal: 7\n"
        "strict: true\n"
    )
    options = read_options(
        ["--config", str(file), "--ttft-ms", "1"], {"AIOS_MOCK_ITL_MS": "2"}
    )
    assert (options.pacing.ttft_ms, options.pacing.itl_ms) == (1.0, 2.0)
    assert [str(one.fault) for one in options.faults] == ["429", "cut@3"]
    assert (options.journal, options.strict) == (7, True)
    env = {"AIOS_MOCK_FAULT": "500=0.5,stall=0.5", "AIOS_MOCK_CONTROL": "false"}
    options = read_options([], env)
    assert [one.rate for one in options.faults] == [0.5, 0.5]
    assert options.control is False


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--record", "http://x"], "--record needs --replay"),
        (["--fault", "429=0.6", "--fault", "500=0.6"], "at most"),
    ],
)
def test_options_that_do_not_fit_are_refused(argv: list[str], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        read_options(argv, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TTFT_MS", "-1"),
        ("ITL_MS", "x"),
        ("JITTER", "2"),
        ("FAULT", "boom"),
        ("JOURNAL", "-1"),
        ("RECORD", "ftp://x"),
        ("REPLAY_SPEED", "nan"),
    ],
)
def test_values_that_cannot_be_are_named(name: str, value: str) -> None:
    with pytest.raises(OptionError, match=f"AIOS_MOCK_{name}"):
        read_options([], {f"AIOS_MOCK_{name}": value})
