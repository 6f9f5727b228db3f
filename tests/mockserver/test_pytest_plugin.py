"""The fixture as a project's own tests use it."""

import json
import os
from pathlib import Path

import pytest

from aios_conformance.mockserver.embedded import local_mock
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
from openai import NotFoundError, OpenAI, RateLimitError

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

def statuses(aios_mock):
    return [entry["status"] for entry in aios_mock.requests]

def test_answers_in_turn(aios_mock):
    aios_mock.script(429, "one", {"text": "two"}, text="go")
    assert [ask("go", max_retries=1) for _ in range(3)] == ["one", "two", "two"]
    assert statuses(aios_mock) == [429, 200, 200, 200]

def test_a_stream_that_ends_too_early(aios_mock):
    aios_mock.truncate(2)
    stream = OpenAI().chat.completions.create(
        model="mine", messages=[{"role": "user", "content": "go"}], stream=True
    )
    assert len(list(stream)) == 2
    assert ask("go")

def test_a_dropped_connection(aios_mock):
    aios_mock.fault("drop")
    assert ask("go", max_retries=1)
    assert aios_mock.requests[0]["fault"] == "drop"

def test_a_quota(aios_mock):
    aios_mock.rate_limit(requests=1, seconds=0.05)
    assert ask("go", max_retries=0)
    assert ask("go", max_retries=3)
    with pytest.raises(RateLimitError):
        aios_mock.rate_limit(tokens=1)
        ask("go", max_retries=0)
    aios_mock.rate_limit()
    assert ask("go", max_retries=0)

@pytest.mark.aios_tape
@pytest.mark.parametrize("text", ["a/b"])
def test_a_tape_of_its_own(aios_mock, text, request):
    assert ask(text, max_retries=0) == "from the tape"
    with pytest.raises(NotFoundError, match="line 1 .*expected 'a/b', got 'c'"):
        ask("c")
    aios_mock.tape(request.path.parent / "none.jsonl", strict=False)
    assert ask(text) != "from the tape"

def test_environment(request):
    assert "OPENAI_BASE_URL" not in os.environ
"""

TAKE = {
    "method": "POST",
    "path": "/v1/chat/completions",
    "request": {"model": "mine", "messages": [{"role": "user", "content": "a/b"}]},
    "status": 200,
    "content_type": "application/json",
    "blocks": [[0, '{"choices": [{"message": {"content": "from the tape"}}]}']],
}


@pytest.mark.parametrize(
    ("words", "passed"), [([], 13), (["-n2", "-k", "anew or environment"], 5)]
)
def test_the_fixture_serves_scripts_resets_and_counts(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    passed: int,
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_client=TESTS)
    tape = pytester.path / "tapes" / "test_client"
    tape.mkdir(parents=True)
    (tape / "test_a_tape_of_its_own-a-b.jsonl").write_text(json.dumps(TAKE))
    # that plugin takes two seconds, and has nothing to do with it
    result = pytester.runpytest_subprocess("-q", *words, "-p", "no:schemathesis")
    result.assert_outcomes(passed=passed)
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


RECORDED = """
import os
import pytest
from openai import OpenAI

pytest_plugins = ["aios_conformance.mockserver.pytest_plugin"]

def ask(text):
    answer = OpenAI(max_retries=0).chat.completions.create(
        model="mine", messages=[{"role": "user", "content": text}]
    )
    return answer.choices[0].message.content

@pytest.mark.aios_tape("chat.jsonl")
def test_one(aios_mock):
    assert ask("hello") == "from the real one"

@pytest.mark.aios_tape
def test_two(aios_mock):
    assert ask("hello") == "from the real one"
"""


def test_tapes_are_recorded_once_and_played_from_then_on(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_client=RECORDED)
    options = ["-q", "-p", "no:schemathesis"]
    with local_mock("--model", "mine=chat", "--api-key", "real") as real:
        real.say("from the real one")
        monkeypatch.setenv("AIOS_MOCK_RECORD", real.url)
        monkeypatch.setenv("OPENAI_API_KEY", "real")
        pytester.runpytest_subprocess(*options).assert_outcomes(passed=2)
        assert len(real.requests) == 2
    tapes = ["chat.jsonl", "tapes/test_client/test_two.jsonl"]
    assert all((pytester.path / tape).is_file() for tape in tapes)
    monkeypatch.delenv("AIOS_MOCK_RECORD")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=2)
    (pytester.path / tapes[0]).unlink()
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*not on the tape*nothing on *chat.jsonl yet: record*"]
    )
