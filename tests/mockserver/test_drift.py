"""Drift: where a test that passes on the mock would fail at a real server."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aios_conformance.mockserver.__main__ import main
from aios_conformance.mockserver.drift.comparison import AnswerPair, Kind, compare
from aios_conformance.mockserver.drift.exchanges import Answer, Request
from aios_conformance.mockserver.embedded import local_mock

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
JSON, STREAM = "application/json", "text/event-stream"


def drifted(
    capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[int, list[dict[str, Any]]]:
    code = main(["drift", "--json", *map(str, words)])
    return code, json.loads(capsys.readouterr().out)["findings"]


def found(
    there: Any,
    here: Any,
    *,
    statuses: tuple[int, int] = (200, 200),
    kinds: tuple[str, str] = (JSON, JSON),
) -> list[tuple[Kind, str]]:
    stream = STREAM in kinds
    request = Request("POST", "/v1/x", json.dumps({"stream": stream}).encode())
    bodies = [
        each if isinstance(each, bytes) else json.dumps(each).encode()
        for each in (there, here)
    ]
    answers = [Answer(*each) for each in zip(statuses, kinds, bodies, strict=True)]
    return [(one.kind, one.text) for one in compare([AnswerPair(request, *answers)])]


def events(*values: Any, done: bool = True) -> bytes:
    said = [json.dumps(value) for value in values] + ["[DONE]"] * done
    return "".join(f"data: {text}\n\n" for text in said).encode()


ERROR = {"error": {"message": "too long: 5", "code": "x"}}


@pytest.mark.parametrize(
    ("there", "here", "options", "kind", "says"),
    [
        ({}, {"a": {"b": 1}}, {}, Kind.ABSENT, "a is absent there"),
        ({}, {"a": None}, {}, Kind.ABSENT, "a is absent there (null on the mock)"),
        ({"a": None}, {"a": [1]}, {}, Kind.TYPE, "a is null there, array on the mock"),
        (
            {"a": "1"},
            {"a": 1.5},
            {},
            Kind.TYPE,
            "a is string there, number on the mock",
        ),
        (
            {"a": [{"b": 1}]},
            {"a": [{"b": 1, "c": 2}]},
            {},
            Kind.ABSENT,
            "a[].c is absent there",
        ),
        (
            {"object": "list"},
            {"object": "rerank"},
            {},
            Kind.TYPE,
            "`object` is list there, rerank on the mock",
        ),
        ({"a": 1, "b": 2}, {"a": 1}, {}, Kind.NOTE, "there, not on the mock: b"),
        (
            {"v": [0.5] * 64},
            {"v": [0.5] * 32},
            {},
            Kind.LIMIT,
            "vectors have 64 numbers there, 32 on the mock",
        ),
        (
            ERROR,
            {},
            {"statuses": (400, 200)},
            Kind.REFUSED,
            "400 there, 200 on the mock: too long: N",
        ),
        (
            {},
            ERROR,
            {"statuses": (200, 422)},
            Kind.NOTE,
            "taken there, 422 on the mock",
        ),
        ({}, {}, {"statuses": (500, 200)}, Kind.FAILS, "500 there, 200 on the mock"),
        (b"gone", {}, {"statuses": (0, 200)}, Kind.FAILS, "no answer: 'gone'"),
        (b"<html>", {}, {}, Kind.FAILS, "the answer is no JSON there"),
        ({}, {}, {"statuses": (429, 200)}, Kind.NOTE, "429 there: too much"),
        (
            ERROR,
            ERROR,
            {"statuses": (400, 422)},
            Kind.STATUS,
            "refused with 400 there, 422 on the mock",
        ),
        (
            {"detail": "x"},
            ERROR,
            {"statuses": (422, 422)},
            Kind.ERROR,
            "error is absent there",
        ),
        (b"no", ERROR, {"statuses": (404, 404)}, Kind.ERROR, "the refusal is no JSON"),
        (
            {},
            events({}),
            {"kinds": (JSON, STREAM)},
            Kind.STREAM,
            "a stream (mock) against a whole answer (there)",
        ),
        (
            events({"a": 1}, done=False),
            events({"a": 1}),
            {"kinds": (STREAM, STREAM)},
            Kind.STREAM,
            "the stream ends without [DONE] there",
        ),
        (
            events({"error": {}}),
            events({}),
            {"kinds": (STREAM, STREAM)},
            Kind.STREAM,
            "the stream holds an error there",
        ),
        (
            events({"a": 1}, {}),
            events({"a": 1}, {"b": 1}),
            {"kinds": (STREAM, STREAM)},
            Kind.ABSENT,
            "chunks: b is absent there",
        ),
    ],
)
def test_a_difference_is_told_by_its_kind(
    there: Any, here: Any, options: dict[str, Any], kind: Kind, says: str
) -> None:
    told = found(there, here, **options)
    assert any(one == kind and text.startswith(says) for one, text in told), told


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ({"a": 1}, {"a": 1.5}),
        ({"a": []}, {"a": [{"b": 1}]}),
        ({"a": 1}, {"a": 1}),
        (
            {"logprobs": {"top_logprobs": [{"x": -1.0}]}},
            {"logprobs": {"top_logprobs": [{"y": -2}]}},
        ),
    ],
)
def test_what_the_data_chose_is_no_difference(there: Any, here: Any) -> None:
    assert found(there, here) == []


def test_what_breaks_most_comes_first_and_is_told_once() -> None:
    request = [Request("POST", path, b"{}") for path in ("/a", "/b", "/b")]
    fine, bad = Answer(200, JSON, b"{}"), Answer(500, JSON, b"{}")
    less = Answer(200, JSON, b'{"a": 1}')
    pairs = [
        AnswerPair(request[0], fine, less),
        AnswerPair(request[1], fine, less),
        AnswerPair(request[2], bad, fine),
    ]
    first, second = compare(pairs)
    assert (first.kind, first.operations) == (Kind.FAILS, ("POST /b",))
    assert second.operations == ("POST /a", "POST /b")
    assert (second.count, second.of) == (2, 2)


def test_the_mock_does_not_drift_from_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with local_mock() as mock:
        assert drifted(capsys, mock.base_url) == (0, [])
        assert len(mock.requests) > 50
        assert main(["drift", mock.base_url]) == 0
        assert "should pass there" in capsys.readouterr().out


def test_a_server_is_asked_with_its_own_models(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--model", "mine=chat", "--api-key", "k", "--profile", "vllm"]
    with local_mock(*options) as mock:
        mock.rule({"status": 503}, body={"/logprobs": True})
        code, findings = drifted(
            capsys, mock.url, "--api-key", "k", "--use", "chat=mine"
        )
        assert code == 1
        kinds = [one["kind"] for one in findings]
        assert kinds == sorted(kinds, key=lambda kind: Kind[kind.upper()])
        assert findings[0]["kind"] == "fails"
        assert findings[0]["operations"] == ["POST /v1/chat/completions"]
        assert json.loads(findings[0]["request"])["model"] == "mine"
        assert {"status", "error", "note"} <= set(kinds)
        profiled = drifted(
            capsys,
            mock.url,
            "--api-key",
            "k",
            "--use",
            "chat=mine",
            "--profile",
            "vllm",
        )[1]
        assert {one["kind"] for one in profiled} == {"fails"}
        tape = tmp_path / "tape.jsonl"
        with local_mock("--replay", str(tape), "--record", mock.url) as recorder:
            assert main(["drift", recorder.url, "--api-key", "k"]) == 1
        capsys.readouterr()
        replayed = drifted(capsys, tape)
        assert replayed[0] == 1
        assert "status" in {one["kind"] for one in replayed[1]}
        assert drifted(capsys, mock.url, "--api-key", "k", "--requests", tape)[0] == 1
        assert main(["drift", mock.url]) == 4
        assert "refuses the key (401)" in capsys.readouterr().err


def test_an_api_that_no_model_serves_there_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with local_mock() as mock:
        mock.rule({"status": 404}, api="rerank")
        code, findings = drifted(capsys, mock.url)
        assert code == 1
        assert findings[0]["kind"] == "refused"
        assert findings[0]["operations"] == [
            "POST /rerank",
            "POST /v1/rerank",
            "POST /v2/rerank",
        ]
        mock.rule({"status": 404})
        assert main(["drift", mock.url]) == 4
        assert "answers there; name one with --use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["http://127.0.0.1:1"], "cannot be reached"),
        (["/nowhere"], "holds no recording"),
        (["x", "--use", "chatt=y"], "API=MODEL"),
        (["http://[::1"], "is no address"),
        (["x", "--requests", "y"], "--requests is what a URL is asked"),
        ([os.devnull], "holds no"),
    ],
)
def test_what_cannot_be_told_is_an_error(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drift", *words]) == 4
    assert says in capsys.readouterr().err


def test_a_recording_of_nothing_is_no_good_sign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / "exchanges.jsonl"
    for text in ("", '{"line": "header"}\n'):
        recording.write_text(text)
        assert main(["drift", str(recording)]) == 4
        assert "holds no answer" in capsys.readouterr().err


def test_a_recording_of_the_suite_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"model": "theirs", "input": "x"}
    answer = {"object": "list", "data": [{"embedding": [0.5] * 64}]}
    models = {"data": [{"id": "theirs", "max_model_len": 512}]}
    lines: list[Any] = [
        {"line": "header", "dialect": "aios", "has_key": True, "key_env": "KEY"},
        {"line": "plan"},
        {
            "line": "exchange",
            "request": {
                "operation": "POST /v1/embeddings",
                "headers": [
                    ["Content-Type", "application/json"],
                    ["Authorization", "Bearer $KEY"],
                ],
                "body": json.dumps(body),
            },
            "response": {
                "status": 200,
                "headers": [["content-type", "application/json"]],
                "body": json.dumps(answer),
            },
        },
    ]
    listing = {
        "line": "exchange",
        "request": {
            "operation": "GET /v1/models",
            "headers": [["Authorization", "Bearer $KEY"]],
            "body": "",
        },
        "response": {"status": 200, "headers": [], "body": json.dumps(models)},
    }
    lines.append(listing)
    file = tmp_path / "exchanges.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    code, findings = drifted(capsys, tmp_path)
    assert code == 1
    texts = [one["text"] for one in findings]
    assert "usage is absent there" in texts
    assert "theirs takes 512 tokens there, 8192 on the mock" in texts
    assert texts[0].endswith("; there are theirs")
    assert "vectors have 64 numbers there, 1024 on the mock" in texts
    file.write_text(json.dumps(lines[0]) + "\n{")
    assert main(["drift", str(tmp_path)]) == 4
