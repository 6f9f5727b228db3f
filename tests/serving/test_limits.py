"""What is too much is refused by name, before it is done."""

import asyncio
import gzip
import json
import socket
import zlib
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any
from unittest.mock import AsyncMock, Mock
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.serving import bodies
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.limits import DEPTH, Limits
from aios_conformance.serving.schema_work import (
    ClientSchema,
    TooMuchWork,
    Work,
    compiling,
    pattern_size,
)

GONE = ConnectionResetError("Connection lost")
CHAT = "meta-llama/Llama-3.3-70B-Instruct"
LOOP: dict[str, Any] = {
    "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}] * 2}},
    "$ref": "#/$defs/a",
}


def doubling(levels: int, reference: str = "#/$defs/d{}") -> dict[str, Any]:
    """Each level holds the next one twice."""
    defs: dict[str, Any] = {
        f"d{n}": {"$anchor": f"a{n}", "allOf": [{"$ref": reference.format(n + 1)}] * 2}
        for n in range(levels)
    }
    defs[f"d{levels}"] = {"$anchor": f"a{levels}", "type": "object"}
    return {"$defs": defs, "$ref": reference.format(0)}


@pytest.mark.parametrize(
    "schema",
    [
        LOOP,
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}] * 2},
        doubling(30),
        doubling(30, "#a{}"),
        doubling(30, "#/%24defs/d{}"),
        {"$id": "http://x/y", **doubling(30, "http://x/y#/$defs/d{}")},
    ],
)
def test_a_schema_without_an_end_is_not_validated(schema: dict[str, Any]) -> None:
    with pytest.raises(TooMuchWork, match="more than 1000 steps to validate"):
        Work(schema).validating({}, 1_000)
    assert not ClientSchema(schema).accepts({})


def test_a_name_that_is_no_uri_names_nothing() -> None:
    """As frameworks have it, at the root and in what is put within another schema."""
    named = {"$id": "Output Format", "type": "integer", "default": {"$id": "a b"}}
    for schema in (named, {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": named}}):
        assert ClientSchema(schema).accepts(1)
        assert not ClientSchema(schema).accepts("a")
    absolute = {"$id": "http://x/y", "$ref": "http://x/y#/$defs/a", "$defs": {"a": {}}}
    assert ClientSchema(absolute).accepts(1)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": r"^\p{L}{1,1000}$"},
        {"properties": {"a": {"pattern": r"^\p{L}{1,1000}$"}}},
        {"patternProperties": {r"^\p{L}{1,1000}$": {}}},
    ],
)
def test_a_pattern_that_is_too_large_is_told_from_one_that_is_none(
    schema: dict[str, Any],
) -> None:
    with pytest.raises(TooMuchWork, match="too much memory with its repeats"):
        ClientSchema(schema)
    for wrong in ("^(a", "a{2,1}", "(?<n"):
        with pytest.raises(ValueError, match="is not a"):
            ClientSchema({"pattern": wrong})


def test_work_grows_with_the_value_not_with_what_it_does_not_have() -> None:
    tree = {"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}, "v": {"enum": [1]}}}
    work = Work(tree)
    assert work.validating({}, 100) == 1
    assert work.validating({"l": {"r": {"v": 1}}}, 100) == 6


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": list(range(1_000))},
        {"properties": {f"p{n}": {} for n in range(100)}},
        {"pattern": "(a{9}){99}"},
        {"patternProperties": {"[ab]{999}": {}}},
    ],
)
def test_a_large_schema_is_not_compiled(schema: dict[str, Any]) -> None:
    assert compiling(schema, 50_000)
    with pytest.raises(TooMuchWork, match="more than 800"):
        compiling(schema, 800)


@pytest.mark.parametrize(
    ("pattern", "size"),
    [("abc", 3), ("a{3,}", 3), ("(a|b){2,5}", 15), (r"\d\.", 21), ("[^]a]{", 23)],
)
def test_repeats_are_written_out(pattern: str, size: int) -> None:
    assert pattern_size(pattern, 1_000).parts == size


def checked(limits: Limits, body: Any) -> None:
    raw = json.dumps(body).encode()
    limits.parsed(raw)
    limits.held(raw, body)


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"input": ["x"] * 11}, "too_many_entries", "input"),
        ({"messages": [{"content": ["x"] * 11}]}, "too_many_entries", "messages"),
        ({"logit_bias": dict.fromkeys("abcdefghijk", 1)}, "too_many_entries", None),
        ({"a": nested(DEPTH + 1)}, "too_deep", "a"),
        ({"a": [["x"] * 9] * 9}, "too_many_values", None),
    ],
)
def test_what_is_too_large_is_named(body: Any, code: str, param: str | None) -> None:
    limits = Limits(max_entries=10, max_values=60 if "values" in code else 999)
    with pytest.raises(BadRequest) as caught:
        checked(limits, body)
    assert caught.value.code == code
    assert param is None or caught.value.param == param
    assert code == "too_deep" or "--max-" in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        {"input": list(range(3_000))},
        {"input": [list(range(100))] * 10},
        {"input": 'with "quotes", [brackets], {braces}, ' * 100},
        {"a": nested(DEPTH - 1)},
    ],
)
def test_ids_and_texts_are_not_counted(body: Any) -> None:
    checked(Limits(max_entries=10, max_values=1_100), body)


@pytest.fixture(scope="module")
def mock() -> Any:
    with local_mock("--max-generated", "3000") as running:
        yield running


def send(mock: LocalMock, path: str, raw: bytes, **headers: str) -> tuple[int, Any]:
    where = urlsplit(mock.url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(
        "POST", path, raw, {"Content-Type": "application/json", **fields}
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


def post(mock: LocalMock, path: str, body: Any) -> tuple[int, Any]:
    return send(mock, path, json.dumps(body).encode())


def test_prompts_times_n_and_tokens_have_limits(mock: LocalMock) -> None:
    body = {"model": CHAT, "prompt": ["x"] * 100, "n": 100}
    status, answer = post(mock, "/v1/completions", body)
    assert (status, answer["error"]["code"]) == (400, "too_many_entries")
    body = {
        "model": CHAT,
        "prompt": "x",
        "max_tokens": 9_000,
        "logit_bias": {"128009": -100},
    }
    status, answer = post(mock, "/v1/completions", body)
    assert (status, answer["error"]["code"]) == (400, "answer_too_large")
    assert "--max-generated" in answer["error"]["message"]


def test_a_thousand_mistakes_are_told_by_the_first(mock: LocalMock) -> None:
    body = {"model": "sds/bge-m3", "input": ["x"] * 500 + [1] * 3_000}
    status, answer = post(mock, "/v1/embeddings", body)
    assert (status, answer["error"]["param"]) == (422, "input")


@pytest.mark.parametrize("deep", [200, 900])
def test_what_is_nested_too_deeply_is_refused(mock: LocalMock, deep: int) -> None:
    for member in ("messages", "tools", "response_format", "unknown"):
        body = {"model": CHAT, "messages": [{"role": "user", "content": "x"}]}
        status, answer = post(
            mock, "/v1/chat/completions", body | {member: nested(deep)}
        )
        assert (status, answer["error"]["code"]) == (400, "too_deep")


def test_a_body_is_inflated_no_further_than_it_may_be(mock: LocalMock) -> None:
    small = gzip.compress(json.dumps({"model": "sds/bge-m3", "input": "x"}).encode())
    assert send(mock, "/v1/embeddings", small, Content_Encoding="gzip")[0] == 200
    bomb = gzip.compress(b" " * (64 << 20), 1)
    status, answer = send(mock, "/v1/embeddings", bomb, Content_Encoding="gzip")
    assert (status, answer["error"]["code"]) == (413, "body_too_large")
    status, answer = send(mock, "/v1/embeddings", small, Content_Encoding="zip")
    assert (status, answer["error"]["code"]) == (400, "content_encoding")


@pytest.mark.parametrize("lost", range(1, 12))
def test_a_compressed_body_that_is_cut_is_not_read(mock: LocalMock, lost: int) -> None:
    raw = json.dumps({"model": "sds/bge-m3", "input": "x"}).encode()
    cut = {"gzip": gzip.compress(raw)[:-lost], "deflate": zlib.compress(raw)[:-lost]}
    for coding, body in cut.items():
        status, answer = send(mock, "/v1/embeddings", body, Content_Encoding=coding)
        assert (status, answer["error"]["code"]) == (400, "body_unreadable")


def test_deflate_may_have_a_head_or_none_and_gzip_several_members(
    mock: LocalMock,
) -> None:
    raw = json.dumps({"model": "sds/bge-m3", "input": "x"}).encode()
    parts = gzip.compress(raw[:9]) + gzip.compress(raw[9:])
    headless = zlib.compress(raw)[2:-4]
    for coding, body in [
        ("deflate", zlib.compress(raw)),
        ("deflate", headless),
        ("gzip", parts),
    ]:
        assert send(mock, "/v1/embeddings", body, Content_Encoding=coding)[0] == 200
        more = body + b"more"
        assert send(mock, "/v1/embeddings", more, Content_Encoding=coding)[0] == 400


def uploading(mock: LocalMock, size: int, sent: int) -> socket.socket:
    where = urlsplit(mock.url)
    line = socket.create_connection((where.hostname, where.port), timeout=30)
    head = (
        "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    )
    line.sendall(head.encode() + b" " * sent)
    return line


def test_a_body_that_says_it_is_too_large_is_not_waited_for() -> None:
    with local_mock() as running, uploading(running, 17 << 20, 0) as line:
        assert line.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_large_bodies_are_read_a_few_at_a_time_and_small_ones_at_once() -> None:
    half = 300_000
    body = json.dumps({"model": "sds/bge-m3", "input": "x"}).encode()
    with local_mock() as running, ExitStack() as lines:
        slow = [uploading(running, 2 * half, half) for _ in range(70)]
        for line in slow:
            lines.enter_context(line)
        assert send(running, "/v1/embeddings", body)[0] == 200
        for line in slow:
            line.sendall(b" " * (half - len(body)) + body)
        for line in slow:
            assert line.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_what_a_client_expects_is_no_error(mock: LocalMock) -> None:
    body = json.dumps({"model": "sds/bge-m3", "input": "x"}).encode()
    for expected in ("100-continue", "magic", "\xff"):
        assert send(mock, "/v1/embeddings", body, Expect=expected)[0] == 200


def test_many_vectors_are_those_of_each_alone(mock: LocalMock) -> None:
    body = {"model": "sds/bge-m3", "input": [f'"data":[] {n}' for n in range(1_100)]}
    status, many = post(mock, "/v1/embeddings", body)
    assert status == 200
    assert [entry["index"] for entry in many["data"]] == list(range(1_100))
    _, last = post(mock, "/v1/embeddings", body | {"input": body["input"][-1]})
    assert many["data"][-1]["embedding"] == last["data"][0]["embedding"]
    assert many.keys() == last.keys()


def test_who_leaves_in_the_middle_of_a_body_is_no_fault_of_ours() -> None:
    lost = Mock(is_eof=lambda: False, readany=AsyncMock(side_effect=[b"{", GONE]))

    async def left() -> None:
        app = web.Application()
        app[bodies.REQUEST_TIMEOUT], app[bodies.ROOM] = 60.0, bodies.new_room()
        with pytest.raises(BadRequest, match="Connection lost"):
            await bodies.body(make_mocked_request("POST", "/", app=app, payload=lost))

    asyncio.run(left())


def test_half_a_body_is_not_waited_for() -> None:
    with local_mock("--request-timeout", "0.2") as hasty:
        where = urlsplit(hasty.url)
        with socket.create_connection((where.hostname, where.port), 30) as line:
            line.sendall(
                b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                b"Content-Type: application/json\r\n\r\n{"
            )
            assert line.recv(4096).startswith(b"HTTP/1.1 408 ")


CHAT_BODY = json.dumps(
    {"model": CHAT, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
)
STREAM_BODY = CHAT_BODY[:-1] + ', "stream": true}'


def end_of_sending(mock: LocalMock, request: str) -> bytes:
    """All that is answered to a client that ends its side after the request."""
    where = urlsplit(mock.url)
    with socket.create_connection((where.hostname, where.port), 30) as line:
        line.sendall(request.encode())
        line.shutdown(socket.SHUT_WR)
        said = b""
        while piece := line.recv(65_536):
            said += piece
    return said


def posted(body: str, version: str = "1.1", more: str = "") -> str:
    return (
        f"POST /v1/chat/completions HTTP/{version}\r\nHost: 127.0.0.1\r\n{more}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


@pytest.mark.parametrize(
    ("request_", "ending"),
    [
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b'{"status": "ok"}'),
        ("GET /health HTTP/1.0\r\n\r\n", b'{"status": "ok"}'),
        (posted(CHAT_BODY), b"}"),
        (posted(CHAT_BODY, "1.0"), b"}"),
        (posted(CHAT_BODY, more="Connection: close\r\n"), b"}"),
        (posted(STREAM_BODY), b"data: [DONE]\n\n\r\n0\r\n\r\n"),
    ],
)
def test_who_has_ended_his_side_is_answered(
    request_: str, ending: bytes, mock: LocalMock
) -> None:
    said = end_of_sending(mock, request_)
    assert said.split(b" ")[1] == b"200"
    assert said.endswith(ending)


@pytest.mark.parametrize("request_", ["", "GET /hea", posted(CHAT_BODY)[:-1]])
def test_who_ends_in_the_middle_of_a_request_is_let_go(
    request_: str, mock: LocalMock
) -> None:
    assert end_of_sending(mock, request_) == b""


def test_who_leaves_before_his_answer_is_soon_missed() -> None:
    with local_mock("--ttft-ms", "60000") as slow:
        where = urlsplit(slow.url)
        with socket.create_connection((where.hostname, where.port), 30) as line:
            line.sendall(posted(STREAM_BODY).encode())
            line.shutdown(socket.SHUT_WR)
            line.settimeout(10)
            assert line.recv(4_096) == b""
