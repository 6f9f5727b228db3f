"""The control API obeys programs on this machine, and no page of anywhere."""

import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from asking import COMMAND
from plain_http import Client

from aios_conformance.mockserver.embedded import LocalMock, local_mock


@pytest.fixture(scope="module")
def mock() -> Iterator[LocalMock]:
    options = ("--allow-host", "Mock.test", "--cors-origin", "http://page.test")
    with local_mock(*options) as running:
        yield running


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:1", "localhost:8000", "[::1]:8000", "mock.test:80"]
)
def test_our_names_are_obeyed(mock: LocalMock, host: str) -> None:
    assert Client(mock.url).get("/_mock/rules", Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test", "127.0.0.1.evil.test", "10.0.0.1", "", "a:b:c", "[", "0"),
        *("[::1]evil.test", "[::1].evil.test", "127.0.0.1:80:x", "x@127.0.0.1"),
        *("127.0.0.1 evil.test", "evil.test/127.0.0.1", "127.0.0.1:x"),
    ],
)
def test_a_name_that_leads_here_is_not(mock: LocalMock, host: str) -> None:
    reply = Client(mock.url).get("/_mock/requests", Host=host)
    assert (reply.status, reply.json()["error"]["code"]) == (403, "host_not_allowed")
    assert Client(mock.url).get("/health", Host=host or "x").status == 200


@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "http://page.test"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_another_origin_are_not_obeyed(
    mock: LocalMock, header: dict[str, str]
) -> None:
    reply = Client(mock.url).send("PUT", "/_mock/faults", {"faults": []}, **header)
    assert (reply.status, reply.json()["error"]["code"]) == (403, "cross_origin")


def test_the_own_origin_is_obeyed(mock: LocalMock) -> None:
    fetched = {"Origin": mock.url, "Sec-Fetch-Site": "same-origin"}
    assert Client(mock.url).get("/_mock/rules", **fetched).status == 200


def test_a_key_is_wanted_for_control_too() -> None:
    with local_mock("--api-key", "right") as mock:
        client = Client(mock.url)
        assert client.get("/_mock/rules").status == 401
        assert client.get("/_mock/rules", Authorization="Bearer wrong").status == 401
        assert client.get("/_mock/rules", Authorization="Bearer right").status == 200


def test_only_the_pages_that_are_named_may_read(mock: LocalMock) -> None:
    client = Client(mock.url)
    asked = {"Access-Control-Request-Method": "POST"}
    allowed = client.send("OPTIONS", "/v1/rerank", Origin="http://page.test", **asked)
    assert allowed.status == 204
    assert allowed.headers["access-control-allow-origin"] == "http://page.test"
    assert allowed.headers["access-control-allow-methods"] == "POST"
    told = client.get("/v1/models", Origin="http://page.test").headers
    assert told["access-control-allow-origin"] == "http://page.test"
    for origin in ("http://evil.test", "null"):
        reply = client.send("OPTIONS", "/v1/rerank", Origin=origin, **asked)
        assert "access-control-allow-origin" not in reply.headers
    with local_mock() as plain:
        headers = Client(plain.url).get("/health", Origin="http://page.test").headers
        assert "access-control-allow-origin" not in headers


def test_a_list_ends_quietly_where_its_reader_does() -> None:
    with subprocess.Popen(
        [*COMMAND, "--list-defects"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_half_a_head_is_not_waited_for_and_the_end_of_input_ends_the_mock() -> None:
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--until-eof", "--request-timeout", "0.2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        where = urlsplit(process.stdout.readline().split()[-1])
        for head in (b"", b"GET /health HTTP/1.1\r\nHo"):
            address = (where.hostname, where.port)
            with socket.create_connection(address, timeout=30) as line:
                line.sendall(head)
                assert line.recv(4096).startswith(b"HTTP/1.1 408 ")
                assert line.recv(4096) == b""
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0
