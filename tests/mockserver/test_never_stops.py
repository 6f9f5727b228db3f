"""No request stops the mock: others are answered while it works, whatever it is asked.

How long the event loop is held up is measured in processor time, which does not
depend on what else the machine does.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any

import pytest
from asking import CHAT, PATH, saying
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_http import Client

from aios_conformance.mockserver.embedded import LocalMock, local_mock

HELD_UP = 1.5  # seconds; before, each held it up for longer, most of them for ever
ENCODER = "sds/bge-m3"


@contextmanager
def watched(mock: LocalMock) -> Iterator[None]:
    """Fail if the loop of the mock was held up meanwhile."""
    worst, over = 0.0, False

    async def beat() -> None:
        nonlocal worst
        last = process_time()
        while not over:
            await asyncio.sleep(0.005)
            now = process_time()
            worst, last = max(worst, now - last), now

    beating = asyncio.run_coroutine_threadsafe(beat(), mock._loop)
    try:
        yield
    finally:
        over = True
        beating.result(60)
    assert worst < HELD_UP


def chat(**more: Any) -> dict[str, Any]:
    return saying("call the weather", **{"max_tokens": 50, **more})


def tool(schema: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "weather", "parameters": schema}}


def asked(schema: Any) -> Iterator[dict[str, Any]]:
    """Each way to send a schema."""
    wanted = {"name": "x", "schema": schema}
    yield chat(response_format={"type": "json_schema", "json_schema": wanted})
    yield chat(tools=[tool(schema)])
    yield chat(tools=[tool(schema)], tool_choice="required")


def member(**schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}, "required": ["x"]}


def repeated(levels: int, inner: str, repeat: str) -> str:
    for _ in range(levels):
        inner = f"({inner}){repeat}"
    return inner


def doubled(levels: int) -> dict[str, Any]:
    defs: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)
    }
    defs[f"d{levels}"] = {"type": "object"}
    return {"$defs": defs, "$ref": "#/$defs/d0"}


MONSTERS: dict[str, Any] = {
    "repeats of nothing": member(type="string", pattern=repeated(10, "", "*")),
    "repeats of a letter": member(type="string", pattern=repeated(10, "a", "*")),
    "counted repeats": member(type="string", pattern=repeated(6, r"\w", "{5}")),
    "repeats looked back at": member(
        type="string", pattern="^(a*)*(a*)*(a*)*\\1\\2\\3b$", minLength=3_000
    ),
    "repeats that may be none": member(
        type="string", pattern="^(a{0,99}){0,99}a{4000}$", minLength=4_000
    ),
    "letters that may be none": member(
        type="string", pattern=f"^{'a?' * 5_000}{'a' * 5_000}$"
    ),
    "branches": member(type="string", pattern="|".join(["a*b"] * 9_000)),
    "doubled references": doubled(30),
    "fewer of them": doubled(12),
    "a reference to itself": {"allOf": [{"$ref": "#"}] * 2},
    "no value but endless": {
        "type": "object",
        "properties": {name: {"$ref": "#"} for name in "abcd"},
        "required": list("abcd"),
    },
    "a list": member(enum=list(range(200_000))),
    "a long text": member(enum=["x" * 1_000_000]),
    "a list of objects": member(enum=[{"a": n} for n in range(20_000)]),
    "members": {"type": "object", "properties": {f"p{n}": {} for n in range(20_000)}},
    "long": member(type="string", minLength=10**9),
    "arrays of arrays": member(
        type="array",
        minItems=999,
        items={"type": "array", "minItems": 999, "items": {"type": "integer"}},
    ),
    "different items": member(
        type="array", minItems=900, uniqueItems=True, items={"type": "integer"}
    ),
    "members without names": {
        "type": "object",
        "properties": {"a": {"enum": ["b"]}},
        "minProperties": 1_000,
    },
    "names": {
        "type": "object",
        "minProperties": 1_000,
        "propertyNames": {"pattern": "^[ab]$"},
    },
    "choices of choices": {
        "type": "object",
        "maxProperties": 3,
        "allOf": [
            {"anyOf": [{"required": [f"p{n}{m}"]} for m in range(6)]} for n in range(12)
        ],
    },
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_schema_is_obeyed_or_refused_while_others_are_served(
    mock: LocalMock, name: str
) -> None:
    for body in asked(MONSTERS[name]):
        with watched(mock):
            reply = Client(mock.url).post(PATH, body)
        assert reply.status in (200, 400, 422), reply.body


REPEATS = st.sampled_from(["*", "+", "?", "{0,20}", "{9}", "{99,}"])
PATTERNS = st.recursive(
    st.sampled_from(["", "a", "[a-z]", r"\w", "[^a]", ".", "é"]),
    lambda inner: st.one_of(
        st.tuples(inner, REPEATS).map(lambda both: f"({both[0]}){both[1]}"),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: f"({'|'.join(some)})"),
        st.lists(inner, min_size=2, max_size=4).map("".join),
    ),
    max_leaves=12,
)
SIZES = st.sampled_from([0, 1, 3, 60, 1_000, 10**6, 1e300])
SCHEMAS = st.recursive(
    st.one_of(
        st.sampled_from([{"$ref": "#"}, {"$ref": "#/$defs/d"}, {"not": {}}, True, {}]),
        st.builds(lambda p, n: {"pattern": p, "minLength": n}, PATTERNS, SIZES),
        st.builds(lambda n: {"enum": list(range(n))}, st.integers(0, 300)),
        st.builds(lambda a, b: {"minimum": a, "multipleOf": b}, SIZES, SIZES),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda how, some, times: {how: some * times},
            st.sampled_from(["allOf", "anyOf", "oneOf"]),
            st.lists(inner, min_size=1, max_size=3),
            st.sampled_from([1, 2, 9]),
        ),
        st.builds(
            lambda item, n, unique: {
                "type": "array",
                "items": item,
                "minItems": n,
                "uniqueItems": unique,
            },
            *(inner, SIZES, st.booleans()),
        ),
        st.builds(
            lambda some, n: {
                "type": "object",
                "properties": some,
                "required": list(some),
                "minProperties": n,
            },
            *(st.dictionaries(st.sampled_from("abcd"), inner, max_size=3), SIZES),
        ),
        st.builds(lambda a, b: {"if": a, "then": b, "else": a}, inner, inner),
    ),
    max_leaves=8,
)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(SCHEMAS, SCHEMAS)
def test_any_schema_is(mock: LocalMock, schema: Any, definition: Any) -> None:
    schema = {"allOf": [schema], "$defs": {"d": definition}}
    for body in asked(schema):
        with watched(mock):
            reply = Client(mock.url).post(PATH, body)
        assert reply.status in (200, 400, 422), reply.body


WORDS = [f"{n:032x}" * 99 for n in range(99)]


def biased(count: int) -> dict[str, int]:
    return dict.fromkeys(map(str, range(count)), 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": ENCODER, "input": "word " * 800_000}),
        ("/v1/embeddings", {"model": ENCODER, "input": [1] * 400_000}),
        ("/v1/embeddings", {"model": ENCODER, "input": [{"a": "x"}] * 4_000}),
        ("/v1/embeddings", {"model": ENCODER, "input": WORDS}),
        ("/v1/embeddings", {"model": ENCODER, "input": [f"{n}" for n in range(2_048)]}),
        ("/v1/score", {"model": ENCODER, "text_1": "x", "text_2": ["y"] * 100_000}),
        (
            "/v1/rerank",
            {
                "model": ENCODER,
                "query": "word " * 50_000,
                "documents": [f"{n}" for n in range(50)],
                "truncate_prompt_tokens": 8_000,
            },
        ),
        ("/v1/completions", {"model": CHAT, "prompt": ["x"] * 8, "n": 128}),
        ("/v1/completions", {"model": CHAT, "prompt": [1] * 9_000, "echo": True}),
        (PATH, chat(stop=["x" * 99] * 9_000)),
        (PATH, chat(stop=["a" * 60_000])),
        (PATH, chat(logit_bias=biased(99_999))),
        (PATH, chat(logit_bias=biased(2_300))),
        (PATH, chat(logit_bias={"9" * 5_000: 1})),
        (PATH, chat(logit_bias={f"{n}": -100 for n in range(4_000)})),
        (
            PATH,
            chat(logit_bias={f"no id {n}": "no number" for n in range(4_000)}),
        ),
        (PATH, chat(n=128, stream=True)),
        (PATH, chat(tools=[tool({})] * 20_000)),
        (PATH, chat(messages=[{"role": 1}] * 4_000)),
        (PATH, chat(unknown={"a": [{"b": 1}] * 90_000})),
    ],
)
def test_what_is_large_is_too(mock: LocalMock, path: str, body: Any) -> None:
    with watched(mock):
        reply = Client(mock.url).post(path, body)
    assert reply.status in (200, 400, 422), reply.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/health", "/metrics", "/openapi.json", "/x/health"])
def test_no_method_at_any_path_is_an_error_of_ours(
    mock: LocalMock, method: str, path: str
) -> None:
    reply = Client(mock.url).send(method, path)
    assert reply.status in (404, 405)
    assert reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        ("(a+)+$", "a" * 40 + "b"),
        ("(.*)*x", "b" * 9_000),
        ("((((a*)*)*)*)*c", "a" * 60),
    ],
)
def test_a_rule_reads_a_text_once(mock: LocalMock, regex: str, text: str) -> None:
    mock.say("found", regex=regex)
    with watched(mock):
        said = [{"role": "user", "content": text}]
        Client(mock.url).post(PATH, chat(messages=said))


@pytest.mark.parametrize(
    "expression",
    [
        "[@,@] | [@,@] | [@,@] | [@,@] | [][][][]",
        "messages[*].[@,@,@,@] | [].[@,@,@,@] | []",
        "messages[?contains(to_string(@), 'zz')]",
        "to_string([to_string(@)])",
        "sort_by(messages, &to_string(@))",
    ],
)
def test_a_rule_looks_into_the_largest_bodies(mock: LocalMock, expression: str) -> None:
    mock.rule({"text": "{{ length(to_string(body)) }}"}, jmespath=expression)
    said = [{"role": "user", "content": '"' * 400}] * 4_000
    with watched(mock):
        Client(mock.url).post(PATH, chat(messages=said))


def test_a_text_that_opens_holes_and_closes_none_is_read_once(mock: LocalMock) -> None:
    with watched(mock):
        mock.rule({"text": "{{" * 500_000})


def test_rules_beyond_the_limit_are_refused(mock: LocalMock) -> None:
    rules = [
        {"match": {"regex": f"x{n}"}, "respond": {"text": "x"}} for n in range(5_000)
    ]
    with watched(mock):
        reply = Client(mock.url).send("PUT", "/_mock/rules", {"rules": rules})
    assert reply.json()["error"]["code"] == "too_many_entries"
    wanted = [{"match": {"regex": "(?=a)"}, "respond": {"text": "x"}}]
    reply = Client(mock.url).send("PUT", "/_mock/rules", {"rules": wanted})
    assert reply.status == 400
    assert "RE2" in reply.json()["error"]["message"]


STRANGE = [{"role": "user", "content": "", **{f"rol{n}": n for n in range(40)}}]


@pytest.fixture(scope="module")
def vllm() -> Iterator[LocalMock]:
    with local_mock("--profile", "vllm") as running:
        yield running


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/tokenize", {"prompt": "a word " * 50_000, "return_token_strs": True}, 200),
        ("/tokenize", {"prompt": "a word " * 2_000_000}, 400),
        ("/detokenize", {"tokens": [100] * 131_072}, 200),
        ("/detokenize", {"tokens": [100] * 2_000_000}, 400),
        (PATH, chat(messages=STRANGE * 4_000), 200),
        (PATH, chat(**{f"tempratur{n}": n for n in range(4_000)}), 200),
        (PATH, chat(guided_regex="(a{50}){50}"), 200),
        (PATH, chat(guided_choice=["a" * 1_000] * 4_000), 200),
        ("/" + "chat/completion" * 500, {}, 404),
    ],
)
def test_nothing_of_a_profile_holds_it_up(
    vllm: LocalMock, path: str, body: Any, status: int
) -> None:
    with watched(vllm):
        assert Client(vllm.url).post(path, body).status == status


def test_a_long_text_that_a_rule_says_is_not_copied_for_each_token() -> None:
    with local_mock() as mock:
        mock.say("x y " * 200_000)
        with watched(mock):
            reply = Client(mock.url).post(PATH, chat(max_tokens=100_000))
    assert reply.status in (200, 400, 422)
