"""Whatever arrives, the server answers, and never with its own fault."""

import json
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aios_conformance import spec
from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.options import read_options

PATHS = [path for path, item in spec.openapi()["paths"].items() if "post" in item]
SETTINGS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CLIENT_STATUSES = {200, 400, 404, 422}

numbers = st.one_of(
    st.integers(-3, 300),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=True, allow_infinity=True),
)
words = st.one_of(
    st.sampled_from(["", "chat", "vectors", "pairs", "thinker", "user", "function"]),
    st.text(max_size=8),
    st.text(st.characters(categories=["Cs", "Cc", "So"]), max_size=3),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=6,
)

CHAT: dict[str, Any] = {
    "model": "chat",
    "messages": [{"role": "user", "content": "hey"}],
    "max_tokens": 4,
    "n": 2,
    "stop": ["x"],
    "stream": False,
    "stream_options": {"include_usage": True},
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"97": 1},
    "seed": 1,
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "parameters": {"type": "object", "properties": {"a": {}}},
            },
        }
    ],
    "tool_choice": "auto",
    "response_format": {"type": "text"},
}
COMPLETION: dict[str, Any] = {
    "model": "chat",
    "prompt": ["a", "b"],
    "max_completion_tokens": 3,
    "echo": True,
    "logprobs": 1,
    "n": 1,
    "stop": "q",
    "stream": True,
}
VALID: dict[str, dict[str, Any]] = {
    "/rerank": {"model": "pairs", "query": "a", "documents": ["a", "b"], "top_n": 1},
    "/score": {"model": "pairs", "text_1": ["a"], "text_2": ["a", "b"]},
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETION,
    "/v1/embeddings": {"model": "vectors", "input": ["a"], "encoding_format": "float"},
}


def encoded(value: Any) -> bytes:
    """JSON with everything that Python's encoder lets through: NaN, half pairs."""
    return json.dumps(value).encode()


@pytest.fixture(params=["scripted", "mock"])
def post(
    request: Any, scripted: Any, running: Any, end: Any
) -> Iterator[Callable[[str, bytes], None]]:
    """Post to the front with an engine that obeys, and to the mock as it is."""
    with ExitStack() as stack:
        if request.param == "scripted":
            client = scripted(b"a", b"b", b"x", b"y", end)
        else:
            names = (
                "chat=chat",
                "thinker=reasoning",
                "vectors=embedding",
                "pairs=rerank",
            )
            argv = [word for name in names for word in ("--model", name)]
            app = mock_application(read_options(argv, {}))
            client = stack.enter_context(running(app))
        yield partial(_send, client)


def _send(client: Any, path: str, raw: bytes) -> None:
    reply = client.post(path, raw)
    assert reply.status in CLIENT_STATUSES, (reply.status, reply.body)
    if reply.status != 200:
        error = reply.json()["error"]
        assert isinstance(error["message"], str)
    elif reply.headers["content-type"] == "application/json":
        assert isinstance(reply.json(), dict)
    else:
        assert not any("error" in chunk for chunk in reply.chunks())


@SETTINGS
@given(path=st.sampled_from(PATHS), raw=st.binary(max_size=60))
def test_any_bytes(post: Callable[[str, bytes], None], path: str, raw: bytes) -> None:
    post(path, raw)


@SETTINGS
@given(path=st.sampled_from(PATHS), value=values)
def test_any_json(post: Callable[[str, bytes], None], path: str, value: Any) -> None:
    post(path, encoded(value))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a value, the members that a schema may know included."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    found = [path] if path else []
    for key, item in inner:
        found += places(item, (*path, key))
    return found


def mutated(value: Any, path: tuple[Any, ...], replacement: Any, how: str) -> Any:
    head, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[head] = mutated(copy[head], tuple(rest), replacement, how)
    elif how == "remove":
        del copy[head]
    elif how == "wrap":
        copy[head] = [copy[head]]
    else:
        copy[head] = replacement
    return copy


@settings(SETTINGS, max_examples=300)
@given(data=st.data())
def test_mutated_bodies(post: Callable[[str, bytes], None], data: Any) -> None:
    path = data.draw(st.sampled_from(sorted(VALID)))
    body = VALID[path]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(body)))
        how = data.draw(st.sampled_from(["replace", "replace", "remove", "wrap"]))
        body = mutated(body, place, data.draw(values), how)
        if not isinstance(body, dict) or not body:
            break
    post(path, encoded(body))


@settings(SETTINGS, max_examples=100)
@given(path=st.sampled_from(sorted(VALID)), data=st.data())
def test_damaged_bytes(
    post: Callable[[str, bytes], None], path: str, data: Any
) -> None:
    raw = bytearray(encoded(VALID[path]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] = data.draw(
            st.one_of(st.integers(0, 255), st.sampled_from(string.printable.encode()))
        )
    post(path, bytes(raw))


def test_the_unchanged_bodies_are_valid(scripted: Any) -> None:
    client = scripted(b"a")
    for path, body in VALID.items():
        assert client.post(path, body).status == 200
