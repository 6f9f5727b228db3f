"""The engine behind the HTTP front: every path, every answer held to the contract."""

import base64
import http.client
import json
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from reference_engines import Build, Tiny

from aios_conformance import spec
from aios_conformance.reference_impl.transformers_engine.decode import DecodeLane
from aios_conformance.serving.app import application
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.contract import Contract

USER = [{"role": "user", "content": "Hello there"}]
PARAMETERS = {
    "type": "object",
    "properties": {"word": {"type": "string"}, "times": {"type": "integer"}},
    "required": ["word", "times"],
    "additionalProperties": False,
}
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": PARAMETERS,
    },
}


def served(build: Build, dialect: str = "aios", **limits: int) -> Any:
    engine = build(**limits)
    contract = Contract(spec.openapi(dialect))
    front = Front(engine, contract, by_name(engine), self_check=True, plain=True)
    return application(front)


@pytest.fixture
def client(build: Build, running: Callable[..., Any]) -> Iterator[Any]:
    with running(served(build)) as one:
        yield one


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "text", "messages": USER, "max_tokens": 24, **more}


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0},
        {"seed": 5},
        {"seed": 5, "n": 3},
        {"seed": 6, "logprobs": True, "top_logprobs": 2},
        {"seed": 7, "stop": ["e", "Ġ"]},
    ],
)
def test_a_streamed_answer_is_the_whole_one(
    client: Any, settings: dict[str, Any]
) -> None:
    whole = client.post("/v1/chat/completions", chat(**settings)).json()
    streamed = client.post(
        "/v1/chat/completions",
        chat(stream=True, stream_options={"include_usage": True}, **settings),
    ).chunks()
    texts = [""] * settings.get("n", 1)
    finish: list[str | None] = [None] * len(texts)
    for chunk in streamed:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["delta"].get("content") or ""
            finish[choice["index"]] = choice["finish_reason"] or finish[choice["index"]]
    assert texts == [c["message"]["content"] or "" for c in whole["choices"]]
    assert finish == [c["finish_reason"] for c in whole["choices"]]
    assert streamed[-1]["usage"] == whole["usage"]
    assert len(set(texts)) == len(texts)


def test_a_stream_begins_before_the_text_is_complete(client: Any) -> None:
    chunks = client.post("/v1/chat/completions", chat(stream=True, seed=1)).chunks()
    assert len(chunks) > 5


def test_completions_with_echo_and_log_probabilities(client: Any, tiny: Tiny) -> None:
    body = {"model": "text", "prompt": ["the a", "x"], "max_tokens": 4, "seed": 1}
    answer = client.post("/v1/completions", body | {"echo": True, "logprobs": 2}).json()
    prompts = [tiny.text.vocabulary.encode(p) for p in ("the a", "x")]
    assert answer["usage"]["prompt_tokens"] == sum(map(len, prompts))
    for choice, prompt in zip(answer["choices"], ("the a", "x"), strict=True):
        assert choice["text"].startswith(prompt)
        logprobs = choice["logprobs"]
        assert logprobs["token_logprobs"][0] is None
        assert all(p <= 0 for p in logprobs["token_logprobs"][1:])


@pytest.mark.parametrize("prompt", ["the<|im_end|> a", "<|endoftext|>x", ""])
def test_an_echo_shows_special_tokens_as_the_prompt_spells_them(
    client: Any, prompt: str
) -> None:
    body = {"model": "text", "prompt": prompt, "max_tokens": 0, "echo": True}
    (choice,) = client.post("/v1/completions", body | {"logprobs": 1}).json()["choices"]
    assert choice["text"] == "".join(choice["logprobs"]["tokens"]) == prompt
    assert choice["logprobs"]["token_logprobs"][:1] in ([None], [])


def test_a_prompt_may_be_token_ids(client: Any, tiny: Tiny) -> None:
    body = {"model": "text", "max_tokens": 6, "temperature": 0}
    ids = tiny.text.vocabulary.encode("Hello")
    by_ids = client.post("/v1/completions", body | {"prompt": ids}).json()
    by_text = client.post("/v1/completions", body | {"prompt": "Hello"}).json()
    assert by_ids["choices"][0]["text"] == by_text["choices"][0]["text"]


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "look_up"}}]
)
@pytest.mark.parametrize("seed", range(4))
def test_forced_calls_satisfy_their_schema(client: Any, choice: Any, seed: int) -> None:
    body = chat(tools=[TOOL], tool_choice=choice, max_tokens=100, seed=seed)
    (choice_,) = client.post("/v1/chat/completions", body).json()["choices"]
    assert choice_["finish_reason"] == "tool_calls"
    (call,) = choice_["message"]["tool_calls"]
    assert call["function"]["name"] == "look_up"
    arguments = json.loads(call["function"]["arguments"])
    jsonschema.validate(arguments, PARAMETERS)


NAMED: dict[str, Any] = {
    "type": "object",
    "properties": {"times": {"$ref": "#/$defs/times"}},
    "required": ["times"],
    "$defs": {"times": {"type": "integer"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize("name", ["My Title", "https://example.com/call", "call.json"])
def test_tools_may_have_schemas_of_one_name(client: Any, name: str) -> None:
    absolute = {**NAMED, "properties": {"times": {"$ref": f"{name}#/$defs/times"}}}
    schemas = [NAMED] if " " in name else [NAMED, absolute]
    functions: list[dict[str, Any]] = [
        {"name": f"f{i}", "parameters": {"$id": name, **schema}}
        for i, schema in enumerate(schemas)
    ]
    tools = [{"type": "function", "function": each} for each in functions]
    for function in functions:
        choice = {"type": "function", "function": {"name": function["name"]}}
        body = chat(tools=tools, tool_choice=choice, max_tokens=100, seed=1)
        (choice_,) = client.post("/v1/chat/completions", body).json()["choices"]
        (call,) = choice_["message"]["tool_calls"]
        assert isinstance(json.loads(call["function"]["arguments"])["times"], int)


@pytest.mark.parametrize("name", [{}, {"$id": "My Title"}])
def test_structured_output_satisfies_its_schema(
    client: Any, name: dict[str, str]
) -> None:
    named = {"name": "x", "schema": PARAMETERS | name}
    format_ = {"type": "json_schema", "json_schema": named}
    answer = client.post(
        "/v1/chat/completions", chat(response_format=format_, max_tokens=90, seed=2)
    ).json()
    jsonschema.validate(
        json.loads(answer["choices"][0]["message"]["content"]), PARAMETERS
    )
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_embeddings_as_numbers_and_as_base64(client: Any) -> None:
    body = {"model": "vectors", "input": ["the cat", "a dog"]}
    floats = client.post("/v1/embeddings", body).json()
    packed = client.post("/v1/embeddings", body | {"encoding_format": "base64"}).json()
    for one, other in zip(floats["data"], packed["data"], strict=True):
        raw = base64.b64decode(other["embedding"])
        assert struct.unpack(f"<{len(raw) // 4}f", raw) == pytest.approx(
            one["embedding"], abs=1e-6
        )
    assert floats["usage"]["prompt_tokens"] == 8


@pytest.mark.parametrize("model", ["vectors", "pairs", "another"])
@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_rerank_orders_by_score(client: Any, model: str, path: str) -> None:
    documents = ["the cat", "a dog sat", "paris is the capital of france"]
    body = {"model": model, "query": "the cat", "documents": documents}
    results = client.post(path, body).json()["results"]
    scores = [r["relevance_score"] for r in results]
    assert scores == sorted(scores, reverse=True)
    assert sorted(r["index"] for r in results) == [0, 1, 2]
    if model != "pairs":
        assert results[0]["index"] == 0
        assert scores[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("path", ["/score", "/v1/score"])
def test_scores_of_pairs(client: Any, path: str) -> None:
    body = {"model": "pairs", "text_1": "the cat", "text_2": ["a dog", "the mat"]}
    data = client.post(path, body).json()["data"]
    assert [0 <= d["score"] <= 1 for d in data] == [True, True]


def test_too_long_a_prompt_is_the_clients_fault(client: Any) -> None:
    body = chat(messages=[{"role": "user", "content": "x" * 2000}])
    answer = client.post("/v1/chat/completions", body)
    assert answer.status == 400
    assert "1024" in answer.body.decode()


def test_beyond_the_queue_the_client_is_told_when_to_retry(
    build: Build, running: Callable[..., Any]
) -> None:
    with running(served(build, batch=1, queue=1)) as client:
        barrier = threading.Barrier(8)

        def ask(seed: int) -> Any:
            barrier.wait()
            return client.post("/v1/chat/completions", chat(seed=seed, max_tokens=150))

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(8)))
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {200, 503}
    for answer in answers:
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) >= 1


def test_one_request_of_many_choices_leaves_room_for_another(
    build: Build, running: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []
    submit = DecodeLane.submit

    def watched(lane: DecodeLane, request: Any) -> None:
        submit(lane, request)
        waited.append(lane.waiting + lane.active)

    monkeypatch.setattr(DecodeLane, "submit", watched)
    with running(served(build, batch=2, queue=4)) as client:
        body = chat(n=20, max_tokens=3)
        assert client.post("/v1/chat/completions", body).status == 200
    assert len(waited) == 20
    assert max(waited) <= 2 + 2  # a step may be under way: its rows have just ended


def test_a_client_that_leaves_frees_its_slot(
    build: Build, running: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    decode = DecodeLane._decode

    def counted(lane: DecodeLane) -> Any:
        steps.append(lane.active)
        return decode(lane)

    monkeypatch.setattr(DecodeLane, "_decode", counted)
    with running(served(build, batch=1)) as client:
        where = urlsplit(client.url)
        leaving = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        body = json.dumps(chat(stream=True, max_tokens=900, logit_bias={"2": -100}))
        headers = {"Content-Type": "application/json"}
        leaving.request("POST", "/v1/chat/completions", body, headers)
        assert leaving.getresponse().read(10)
        leaving.close()
        answer = client.post("/v1/chat/completions", chat(max_tokens=2))
    assert answer.status == 200
    assert len(steps) < 900


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("infinity", "/v1/embeddings"),
        ("aigne-hub", "/api/embeddings"),
        ("aihubmix", "/v1/embeddings"),
    ],
)
def test_dialects_of_embeddings(
    build: Build, running: Callable[..., Any], dialect: str, path: str
) -> None:
    body = {"model": "vectors", "input": ["the cat", "a dog"]}
    with running(served(build, dialect)) as client:
        answer = client.post(path, body, Authorization="Bearer any")
    assert answer.status == 200
    assert [len(d["embedding"]) for d in answer.json()["data"]] == [32, 32]
