"""Whatever reaches an embedding dialect, it answers within its document."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from aios_conformance import spec
from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.options import read_options

PATH = {
    "infinity": "/v1/embeddings",
    "aigne-hub": "/api/embeddings",
    "aihubmix": "/v1/embeddings",
}
MODELS = ("text-embedding-3-large", "text-embedding-3-small", "text-embedding-ada-002")
STATUSES = {200, 400, 401, 404, 422}
SETTINGS = settings(max_examples=120, deadline=None, derandomize=True, database=None)

words = st.one_of(
    st.sampled_from(["", "float", "base64", "a b"]),
    st.text(max_size=8),
    st.text(st.characters(categories=["Cs", "Cc"]), max_size=3),
)
numbers = st.one_of(
    st.integers(-3, 300),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=True, allow_infinity=True),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=2)
    ),
    max_leaves=6,
)
inputs = st.one_of(
    words,
    st.lists(words, max_size=3),
    st.lists(st.integers(-1, 70_000), max_size=4),
    st.lists(st.lists(st.integers(0, 255), max_size=3), max_size=3),
    values,
)
bodies = st.fixed_dictionaries(
    {"model": st.one_of(st.sampled_from(MODELS), values), "input": inputs},
    optional={
        "encoding_format": st.one_of(st.sampled_from(["float", "base64"]), values),
        "dimensions": st.one_of(st.integers(1, 9), values),
        "user": st.one_of(st.just("user-1234"), values),
        "x_other": values,
    },
)
keys = st.one_of(
    st.just("Bearer any"),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
)


@pytest.fixture(scope="module")
def clients(running: Any) -> Iterator[Mapping[str, Any]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                running(
                    mock_application(
                        read_options(["--dialect", name, "--self-check"], {})
                    )
                )
            )
            for name in PATH
        }


@pytest.fixture(scope="module")
def oracles() -> Mapping[str, OpenAPI]:
    return {name: OpenAPI.from_dict(spec.openapi(name)) for name in PATH}


def judged(oracle: OpenAPI, path: str, raw: bytes, reply: Any) -> None:
    """Let openapi-core look at a whole exchange; raises what it finds."""
    request = MockRequest(
        "http://localhost",
        "post",
        path,
        headers={"Authorization": "Bearer any"},
        data=raw,
        content_type="application/json",
    )
    answer = MockResponse(
        reply.body,
        status_code=reply.status,
        content_type=reply.headers["content-type"],
    )
    oracle.validate_response(request, answer)
    if reply.status == 200:
        oracle.validate_request(request)


@pytest.mark.parametrize("dialect", PATH)
@SETTINGS
@given(body=bodies)
def test_any_body(
    clients: Mapping[str, Any],
    oracles: Mapping[str, OpenAPI],
    dialect: str,
    body: Mapping[str, Any],
) -> None:
    raw, path = json.dumps(body).encode(), PATH[dialect]
    reply = clients[dialect].post(path, raw, Authorization="Bearer any")
    assert reply.status in STATUSES, (reply.status, reply.body)
    judged(oracles[dialect], path, raw, reply)


@pytest.mark.parametrize("dialect", PATH)
@SETTINGS
@given(raw=st.binary(max_size=60), key=keys)
def test_any_bytes_and_any_key(
    clients: Mapping[str, Any], dialect: str, raw: bytes, key: str
) -> None:
    reply = clients[dialect].post(PATH[dialect], raw, Authorization=key)
    assert reply.status in STATUSES, (reply.status, reply.body)
    assert isinstance(reply.json()["error"]["message"], str)


def test_the_list_satisfies_the_document(
    clients: Mapping[str, Any], oracles: Mapping[str, OpenAPI]
) -> None:
    reply = clients["infinity"].get("/v1/models")
    oracles["infinity"].validate_response(
        MockRequest("http://localhost", "get", "/v1/models"),
        MockResponse(
            reply.body,
            headers={
                "Content-Length": reply.headers["content-length"],
                "Date": reply.headers["date"],
            },
            content_type=reply.headers["content-type"],
        ),
    )
