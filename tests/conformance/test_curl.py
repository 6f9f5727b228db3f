"""Curl lines, pasted into a real shell."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from miniatures import Asked, Said, listening, say

from aios_conformance.conformance.reporting.python_call import openai_program
from aios_conformance.conformance.terms.curl import (
    LONGEST_LINE,
    curl_line,
    httpie_line,
    named_variables,
)
from aios_conformance.conformance.terms.exchange import Request
from aios_conformance.conformance.terms.visible import visible

BODIES = [
    b'{"query": "plain"}',
    b"""{"query": "it's $HOME `date` \\"quoted\\" !x"}""",
    '{"query": "é漢😀"}'.encode(),
    b'{"query": "line\nfeed"}',
    b"@file",
    b"not json",
    b"\xff\x00\x01%s\\n'",
    b'{"BODY": "\nBODY\n"}',
    b'\n{"query": "respelt"}\r',
    json.dumps({"query": "x" * LONGEST_LINE}).encode(),
]


def pasted(line: str, tmp_path: Path, **env: str) -> tuple[list[str], bytes]:
    """Arguments and body that curl gets when the line is pasted into a shell."""
    fake = tmp_path / line.rpartition(" | ")[2].partition(" ")[0]  # curl, http
    fake.write_text(
        "#!/bin/sh\n"
        f'for a in "$@"; do printf \'%s\\0\' "$a"; done > {tmp_path}/args\n'
        f"cat > {tmp_path}/stdin\n"
    )
    fake.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    shell = shutil.which("bash")
    assert shell
    subprocess.run(
        [shell, "-c", line],
        check=True,
        env={"PATH": path, **env},
        stdin=subprocess.DEVNULL,
    )
    raw = (tmp_path / "args").read_bytes().split(b"\0")[:-1]
    args = [arg.decode(errors="surrogateescape") for arg in raw]
    if args and args[0] == "--stream" and "--raw" not in args:
        return args, (tmp_path / "stdin").read_bytes()
    for flag in ("-d", "--data-raw", "--data-binary", "--raw"):
        if flag in args:
            data = args[args.index(flag) + 1]
            is_piped = flag == "--data-binary" and data == "@-"
            body = (
                (tmp_path / "stdin").read_bytes()
                if is_piped
                else data.encode(errors="surrogateescape")
            )
            return args, body
    return args, b""


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_httpie_sends_the_same(body: bytes, tmp_path: Path) -> None:
    sent = (("Authorization", "Bearer $LLM_KEY"), ("X-Price", "5$ 'a'"))
    request = Request("POST /v1/rerank", body, sent)
    line = httpie_line("http://h:1", request, named_variables(request))
    args, arrived = pasted(line, tmp_path, LLM_KEY="s3cret")
    assert arrived.removesuffix(b"\n") == body.removesuffix(b"\n")
    assert args[1:5] == [
        "POST",
        "http://h:1/v1/rerank",
        "Authorization:Bearer s3cret",
        "X-Price:5$ 'a'",
    ]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (
            "POST /v1/chat/completions",
            {"model": "m", "messages": [{"role": "user", "content": "it's é"}], "n": 2},
        ),
        ("POST /v1/chat/completions", {"messages": [], "stream": True, "x": None}),
        ("POST /v1/completions", {"model": "m", "prompt": "a", "stream": True}),
        ("POST /v1/embeddings", {"model": "m", "input": ["a\n'b'"]}),
        ("POST /v2/rerank", {"model": "m", "query": 1.5, "documents": [True]}),
    ],
)
def test_the_program_sends_the_same(
    operation: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_KEY", "s3cret")
    heard: list[Asked] = []

    def behave(asked: Asked) -> Said:
        heard.append(asked)
        return say({"choices": []})

    sent = (("Authorization", "Bearer $LLM_KEY"), ("X-Own", "$AIOS_X"), ("Accept", "x"))
    monkeypatch.setenv("AIOS_X", "own")
    with listening(behave) as url:
        request = Request(operation, json.dumps(body).encode(), sent)
        program = openai_program(url, request)
        assert "s3cret" not in program
        exec(compile(program, "program", "exec"), {})  # noqa: S102  it is ours
    (asked,) = heard
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert (asked.json, asked.path) == (body, operation.split()[1])
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["x-own"] == "own"


@pytest.mark.parametrize("body", [b"no JSON", b"[1]", b""])
def test_the_client_sends_objects_alone(body: bytes) -> None:
    assert openai_program("http://h", Request("POST /v1/rerank", body)) == ""


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_body_arrives_as_it_was_sent(body: bytes, tmp_path: Path) -> None:
    line = curl_line("http://h:1/p", Request("POST /v1/rerank", body))
    args, arrived = pasted(visible(line), tmp_path)  # as a page shows it
    assert arrived.removesuffix(b"\n") == body
    assert "http://h:1/p/v1/rerank" in args


def test_the_shell_fills_in_the_key(tmp_path: Path) -> None:
    headers = (
        ("Authorization", "Bearer $AIOS_API_KEY"),
        ("X-Price", "$5 or $HOME"),
    )
    line = curl_line("http://h", Request("POST /v1/score", b"{}", headers))
    args, _ = pasted(line, tmp_path, AIOS_API_KEY="se cret", HOME="/root")
    assert "Authorization: Bearer se cret" in args
    assert "X-Price: $5 or $HOME" in args


def test_a_key_of_another_name_is_filled_in_too(tmp_path: Path) -> None:
    headers = (("Authorization", "Bearer $MY_KEY"),)
    request = Request("POST /v1/score", b"{}", headers)
    line = curl_line("http://h", request, ("MY_KEY",))
    args, _ = pasted(line, tmp_path, MY_KEY="k")
    assert "Authorization: Bearer k" in args


def test_what_curl_does_by_itself_is_left_out() -> None:
    headers = (
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", "aios-conformance"),
    )
    line = curl_line("http://h", Request("GET /v1/models", b"", headers))
    assert line == "curl -sS -X GET http://h/v1/models"


def test_other_methods_and_headers_are_told() -> None:
    line = curl_line(
        "http://h",
        Request("POST /x", b"{}", (("Accept", "application/json"),)),
    )
    assert line == "curl -sS http://h/x -H 'Accept: application/json' -d '{}'"
