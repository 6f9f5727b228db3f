"""What every path does with requests of any kind, good and bad."""

import gzip
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from aios_conformance.serving.engine import Overloaded

RERANK = {"model": "pairs", "query": "abc", "documents": ["x", "ab", "ba", "abx"]}


def test_an_unknown_model_is_not_found(scripted: Any) -> None:
    reply = scripted().post("/rerank", {**RERANK, "model": "nope"})
    assert reply.status == 404
    assert reply.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"query": "a", "documents": []}, "model", "is required"),
        ({**RERANK, "query": 5}, "query", "must be a string, got 5"),
        ({**RERANK, "documents": ["a", 5]}, "documents[1]", "must be a string, got 5"),
        ({**RERANK, "top_n": 2.5}, "top_n", "must be an integer, got 2.5"),
        ({**RERANK, "truncate_prompt_tokens": 0}, "truncate_prompt_tokens", "than 0"),
    ],
)
def test_a_breach_of_the_schema_is_named_by_its_place(
    scripted: Any, body: Any, param: str, says: str
) -> None:
    reply = scripted().post("/v1/rerank", body)
    assert reply.status == 422
    error = reply.json()["error"]
    assert error["param"] == param
    assert says in error["message"]
    assert error["message"].startswith("/")


def test_a_long_value_is_not_repeated(scripted: Any) -> None:
    reply = scripted().post("/v1/rerank", {**RERANK, "top_n": "x" * 100_000})
    assert reply.status == 422
    assert len(reply.body) < 400


BROKEN = [
    b"",
    b"{",
    b"null",
    b"5",
    b"true",
    b'"text"',
    b"[]",
    b"[{}]",
    b'{"model": NaN}',
    b'{"model": Infinity}',
    b'{"a": 1e999}',
    b'{"a": "\xff"}',
    b'{"a": "\\ud800"}',
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "{}".encode("utf-16"),
]


@pytest.mark.parametrize("path", ["/score", "/v1/chat/completions", "/v1/completions"])
def test_what_is_no_json_object_is_a_bad_request(scripted: Any, path: str) -> None:
    client = scripted()
    for raw in BROKEN:
        reply = client.post(path, raw)
        assert reply.status == 400, raw[:20]
        assert reply.json()["error"]["code"] == "json_invalid"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", "é"],
)
def test_another_content_type_is_a_bad_request(
    scripted: Any, content_type: str
) -> None:
    reply = scripted().post("/rerank", RERANK, **{"Content-Type": content_type})
    assert reply.status == 400
    assert reply.json()["error"]["code"] == "content_type"


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"]
)
def test_the_content_type_may_be_spelled_freely(
    scripted: Any, content_type: str
) -> None:
    reply = scripted().post("/rerank", RERANK, **{"Content-Type": content_type})
    assert reply.status == 200


def test_compressed_bodies(scripted: Any) -> None:
    client = scripted(body_limit=10_000)
    packed = gzip.compress(json.dumps(RERANK).encode())
    gzipped = {"Content-Encoding": "gzip"}
    assert client.post("/rerank", packed, **gzipped).status == 200
    assert client.post("/rerank", packed[:-9], **gzipped).status == 400
    assert client.post("/rerank", b"no gzip", **gzipped).status == 400
    bomb = gzip.compress(b" " * 5_000_000)
    assert client.post("/rerank", bomb, **gzipped).status == 413


def test_the_last_of_two_equal_keys_counts(scripted: Any) -> None:
    raw = b'{"model":5,"query":"a","documents":["a"],"model":"pairs"}'
    assert scripted().post("/rerank", raw).status == 200


def test_a_body_beyond_the_limit(scripted: Any) -> None:
    client = scripted(body_limit=1000)
    reply = client.post("/rerank", {**RERANK, "query": "x" * 2000})
    assert reply.status == 413
    assert "1000 bytes" in reply.json()["error"]["message"]


def test_unknown_paths_and_methods(scripted: Any) -> None:
    client = scripted()
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        reply = client.send(method, "/v1/rerank")
        assert (reply.status, reply.headers["allow"]) == (405, "POST"), method
        if method != "HEAD":
            assert reply.json()["error"]["code"] == "method_not_allowed"
    for path in ("/", "/v1/embedding", "/rerank/", "/v2/score", "/%ff", "/%00?x=1"):
        reply = client.send("POST", path, b"{}")
        assert reply.status == 404, path
        assert reply.json()["error"]["code"] == "path_not_found"


def test_the_key_is_checked_when_there_is_one(scripted: Any) -> None:
    client = scripted(api_key="sécret")
    right = "Bearer " + "sécret"
    cases = {
        "": 401,
        "Bearer": 401,
        "Bearer x": 401,
        "Basic " + right[7:]: 401,
        right: 200,
        "bearer " + right[7:]: 200,
    }
    for header, status in cases.items():
        raw = header.encode().decode("latin-1")
        reply = client.post("/rerank", RERANK, Authorization=raw)
        assert reply.status == status, header
        assert client.get("/v1/models", Authorization=raw).status == status
    refused = client.post("/rerank", b"no json")
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert client.get("/health").status == 200
    assert client.get("/openapi.json").status == 200


def test_without_a_key_any_authorization_is_welcome(scripted: Any) -> None:
    client = scripted()
    assert client.post("/rerank", RERANK, Authorization="Bearer x").status == 200
    assert client.post("/rerank", RERANK).status == 200


def test_own_paths(scripted: Any) -> None:
    client = scripted()
    assert client.get("/health").json() == {"status": "ok"}
    models = client.get("/v1/models").json()
    assert models["object"] == "list"
    assert [one["id"] for one in models["data"]] == [
        "chat",
        "thinker",
        "plain",
        "vectors",
        "nested",
        "pairs",
    ]
    assert models["data"][0]["created"] == 7
    document = client.get("/openapi.json").json()
    assert "/v2/rerank" in document["paths"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_full_queue_says_when_to_come_back(
    scripted: Any, make_engine: Any, stream: bool
) -> None:
    engine = make_engine(lambda *_: [], failure=Overloaded(7))
    body = {"model": "chat", "prompt": "a", "stream": stream}
    reply = scripted(engine=engine).post("/v1/completions", body)
    assert (reply.status, reply.headers["retry-after"]) == (503, "7")
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("stream", [False, True])
def test_our_own_fault_is_a_500_without_details(
    scripted: Any, make_engine: Any, stream: bool
) -> None:
    engine = make_engine(lambda *_: [], failure=ZeroDivisionError("secret"))
    body = {"model": "chat", "prompt": "a", "stream": stream}
    reply = scripted(engine=engine).post("/v1/completions", body)
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert reply.json()["error"]["code"] == "internal"


@pytest.mark.parametrize("failure", [Overloaded(1), ZeroDivisionError()])
def test_a_stream_that_breaks_off_says_so(
    scripted: Any, make_engine: Any, failure: Exception
) -> None:
    def script(*_: Any) -> Any:
        yield b"a"
        raise failure

    body = {"model": "chat", "prompt": "a", "stream": True}
    reply = scripted(engine=make_engine(script)).post("/v1/completions", body)
    first, last = reply.chunks()
    assert first["choices"][0]["text"] == "a"
    assert set(last["error"]) == {"message", "type", "param", "code"}


def test_ids_are_never_repeated(scripted: Any) -> None:
    client = scripted()
    ids = {client.post("/rerank", RERANK).json()["id"] for _ in range(30)}
    assert len(ids) == 30


def test_one_connection_serves_many_requests_after_refusals(scripted: Any) -> None:
    client = scripted()
    where = urlsplit(client.url)
    good = json.dumps(RERANK).encode()

    def request(raw: bytes) -> bytes:
        head = f"POST /rerank HTTP/1.1\r\nHost: x\r\nContent-Length: {len(raw)}\r\n"
        return head.encode() + b"Content-Type: application/json\r\n\r\n" + raw

    with socket.create_connection((where.hostname, where.port), timeout=10) as wire:
        wire.sendall(request(b"{") + request(good) + request(b"[]") + request(good))
        received = b""
        while received.count(b"HTTP/1.1") < 4:
            received += wire.recv(65536)
    lines = received.replace(b"HTTP/1.1", b"\r\nHTTP/1.1").split(b"\r\n")
    statuses = [line.split()[1] for line in lines if line.startswith(b"HTTP/1.1")]
    assert statuses == [b"400", b"200", b"400", b"200"]


def test_what_is_no_http_is_a_bad_request(scripted: Any) -> None:
    client = scripted()
    where = urlsplit(client.url)
    for raw in (
        b"\x00\xff\r\n\r\n",
        b"POST /rerank HTTP/9.9\r\n\r\n",
        b"POST /rerank HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
        b"POST /rerank HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection((where.hostname, where.port), timeout=9) as wire:
            wire.sendall(raw)
            assert wire.recv(65536).split()[1] == b"400", raw
    assert client.get("/health").status == 200


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/embedding", "POST /v1/embeddings"),
        ("/v1/responses", "POST /v1/chat/completions"),
        ("/v1/rerank/", "POST /v1/rerank"),
        ("/V1/Completions", "POST /v1/completions"),
        ("/v1/chat", "POST /v1/chat/completions"),
        ("/openai/deployments/mine/embeddings", "POST /v1/embeddings"),
        ("/model", "GET /v1/models"),
    ],
)
def test_a_path_that_nearly_exists_is_told_the_right_one(
    scripted: Any, path: str, meant: str
) -> None:
    reply = scripted().post(path, {})
    assert reply.status == 404
    assert f"; did you mean {meant}?" in reply.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/v1/chat/completions"])
def test_a_wrong_base_url_is_told_the_right_one(scripted: Any, path: str) -> None:
    message = scripted().post(path, {}).json()["error"]["message"]
    assert message.endswith("The base URL that clients want ends in /v1, once")


@pytest.mark.parametrize("path", ["/", "/v1", "/nowhere", "/a" * 4_000])
def test_a_path_like_no_other_is_shown_where_all_are(scripted: Any, path: str) -> None:
    message = scripted().get(path).json()["error"]["message"]
    assert message.endswith("; GET /openapi.json lists those that are served")
    assert len(message) < 300


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("THINKER", "did you mean thinker? "),
        ("some/one/thinker", "did you mean thinker? "),
        ("thinkre", "did you mean thinker? "),
        ("gpt", ""),
        ("x" * 1_000_000, ""),
    ],
)
def test_a_model_that_is_not_served_is_told_the_nearest(
    scripted: Any, name: str, meant: str
) -> None:
    reply = scripted().post("/rerank", {**RERANK, "model": name})
    assert reply.status == 404
    message = reply.json()["error"]["message"]
    assert message.endswith(
        f"is not served; {meant}GET /v1/models lists those that are"
    )
    assert len(message) < 400
