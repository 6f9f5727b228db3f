"""A vLLM elsewhere behind our front, played by a stand-in."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from stand_in import END, StandIn

from aios_conformance.reference_impl.app import load_engine, reference_application
from aios_conformance.reference_impl.errors import LoadError
from aios_conformance.reference_impl.options import read_options
from aios_conformance.reference_impl.vllm_engine import upstream

USER = [{"role": "user", "content": "Hello there"}]
CHAT = {"model": "llama", "messages": USER, "max_tokens": 8}
FOLDERS = {"text": ("chat", "llama"), "vectors": ("embeddings", "bert")}

Serve = Callable[..., Any]


@pytest.fixture
def serve(
    running: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """Serve stand-ins through our front, and return its client."""
    monkeypatch.setattr(upstream, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(upstream, "LOOK", 0.01)
    with ExitStack() as stack:

        def serve_(*stand_ins: StandIn) -> Any:
            words = ["--engine", "vllm", "--self-check", "--cache-dir", str(folder)]
            for one in stand_ins:
                job, name = FOLDERS.get(one.kind, ("rerank", "pairs"))
                words += ["--upstream", stack.enter_context(running(one.app())).url]
                words += ["--model", f"{job}={folder / name}"]
                one.root = str(folder / name)
            options = read_options(words, {})
            engine = load_engine(options, lambda _: None)
            return stack.enter_context(running(reference_application(options, engine)))

        yield serve_


def test_a_chat_is_what_the_upstream_says(serve: Serve) -> None:
    stand_in = StandIn()
    client = serve(stand_in)
    settings = {"seed": 7, "n": 2, "logit_bias": {"40": 1}, "logprobs": True}
    body = CHAT | settings | {"top_logprobs": 2}
    whole = client.post("/v1/chat/completions", body).json()
    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert texts[0]
    assert texts[0] == texts[1]
    assert [choice["finish_reason"] for choice in whole["choices"]] == ["stop"] * 2
    assert whole["usage"]["completion_tokens"] == 6
    token = whole["choices"][0]["logprobs"]["content"][0]
    assert token["logprob"] == -0.25
    assert [one["logprob"] for one in token["top_logprobs"]] == [-0.25, -1.0]
    first, second = stand_in.seen
    assert first["prompt"] == second["prompt"]
    assert all(isinstance(token_id, int) for token_id in first["prompt"])
    assert first["seed"] == 7
    assert second["seed"] not in (None, 7)
    assert first["logit_bias"] == {"40": 1.0}
    streamed = client.post("/v1/chat/completions", CHAT | {"stream": True}).chunks()
    said = "".join(
        choice["delta"].get("content") or ""
        for chunk in streamed
        for choice in chunk["choices"]
    )
    assert said == texts[0]


def test_a_stream_is_relayed_as_it_comes(serve: Serve) -> None:
    gate = threading.Event()
    client = serve(StandIn(gate=gate))
    where = urlsplit(client.url)
    connection = http.client.HTTPConnection(
        where.hostname or "", where.port, timeout=20
    )
    body = json.dumps(CHAT | {"stream": True})
    kind = {"Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, kind)
    answer = connection.getresponse()
    before = b""
    while b'"content":' not in before.partition(b'"content":""')[2]:
        before += answer.readline()
    assert b"[DONE]" not in before
    gate.set()
    assert answer.read().endswith(b"data: [DONE]\n\n")
    connection.close()


def test_a_client_that_leaves_ends_the_upstreams_work(serve: Serve) -> None:
    gate = threading.Event()
    stand_in = StandIn(says=(40,) * 50, gate=gate)
    client = serve(stand_in)
    where = urlsplit(client.url)
    leaving = http.client.HTTPConnection(where.netloc, timeout=20)
    body = json.dumps(CHAT | {"stream": True, "max_tokens": 50})
    kind = {"Content-Type": "application/json"}
    leaving.request("POST", "/v1/chat/completions", body, kind)
    assert leaving.getresponse().read(10)
    leaving.close()
    while not stand_in.left.is_set():
        gate.set()
        assert stand_in.left.wait(10)


@pytest.mark.parametrize("status", [502, 503, 429])
def test_what_fails_before_the_first_token_is_tried_again(
    serve: Serve, status: int
) -> None:
    stand_in = StandIn(failures=2, status=status)
    assert serve(stand_in).post("/v1/chat/completions", CHAT).status == 200
    assert len(stand_in.seen) == 3


def test_a_busy_upstream_is_told_as_busy(serve: Serve) -> None:
    answer = serve(StandIn(failures=9)).post("/v1/chat/completions", CHAT)
    assert answer.status == 503
    assert answer.headers["retry-after"]


def test_what_breaks_after_the_first_token_is_not_tried_again(serve: Serve) -> None:
    stand_in = StandIn(breaks=True)
    client = serve(stand_in)
    answer = client.post("/v1/chat/completions", CHAT)
    assert answer.status == 503
    assert answer.json()["error"]["code"] == "engine_unavailable"
    events = client.post("/v1/chat/completions", CHAT | {"stream": True}).events()
    assert "error" in json.loads([one for one in events if one != "[DONE]"][-1])
    assert len(stand_in.seen) == 2


def test_a_dead_upstream_is_503_with_the_reason_until_it_lives(serve: Serve) -> None:
    stand_in = StandIn()
    client = serve(stand_in)
    stand_in.health, stand_in.failures, stand_in.status = 500, 1, 500
    answer = client.post("/v1/chat/completions", CHAT)
    assert answer.status == 503
    assert "answered 500" in answer.json()["error"]["message"]
    health = until(lambda: client.get("/health"), lambda reply: reply.status == 503)
    assert "answered 500" in health.json()["reason"]
    stand_in.health = 200
    until(lambda: client.get("/health"), lambda reply: reply.status == 200)


def until(ask: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 20
    while not is_so(answer := ask()):
        assert time.monotonic() < end
    return answer


def test_what_vllm_refuses_is_refused_with_its_words(serve: Serve) -> None:
    answer = serve(StandIn(refuses="the grammar is too deep")).post(
        "/v1/chat/completions", CHAT
    )
    assert answer.status == 400
    assert "the grammar is too deep" in answer.json()["error"]["message"]


def test_echo_has_the_prompts_log_probabilities(serve: Serve) -> None:
    body = {"model": "llama", "prompt": "the a", "max_tokens": 1, "logprobs": 1}
    answer = serve(StandIn(says=(40,))).post("/v1/completions", body | {"echo": True})
    logprobs = answer.json()["choices"][0]["logprobs"]
    assert logprobs["token_logprobs"][0] is None
    assert set(logprobs["token_logprobs"][1:-1]) == {-0.5}
    assert answer.json()["choices"][0]["finish_reason"] == "length"


def test_vectors_and_scores(serve: Serve) -> None:
    vectors = StandIn(kind="vectors", name="bert")
    pairs = StandIn(kind="pairs", name="pairs")
    client = serve(vectors, pairs)
    body = {"model": "bert", "input": ["the cat", "a dog sat"]}
    data = client.post("/v1/embeddings", body).json()["data"]
    assert [one["embedding"] for one in data] == [[4.0, 1.0], [5.0, 1.0]]
    cut = client.post("/v1/embeddings", body | {"truncate_prompt_tokens": 3})
    assert [len(ids) for ids in vectors.seen[-1]["input"]] == [3, 3]
    assert cut.json()["usage"]["prompt_tokens"] == 6
    for model in ("bert", "pairs"):
        asked = {"model": model, "query": "the cat", "documents": ["x", "the cat"]}
        best = client.post("/rerank", asked).json()["results"][0]
        assert best["index"] == 1
        assert best["relevance_score"] == pytest.approx(1)
    scored = {"model": "pairs", "text_1": "a", "text_2": ["a", "b"]}
    client.post("/score", scored | {"truncate_prompt_tokens": 4})
    assert pairs.seen[-1]["truncate_prompt_tokens"] == 4
    assert pairs.seen[-1]["truncation_side"] == "right"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--upstream", "http://127.0.0.1:9"], "no vLLM answers there"),
        (["--upstream", "{url}", "--upstream", "{url}"], "need a load balancer"),
        (["--upstream", "{url}", "--model", "rerank={llama}"], "does not serve rerank"),
        (
            ["--upstream", "{url}", "--model", "chat={llama}", "--model", "score=x/y"],
            "they serve llama",
        ),
        (["--upstream", "{lost}"], "name a copy without the weights"),
    ],
)
def test_what_cannot_be_served_is_said_at_the_start(
    running: Any, folder: Path, words: list[str], said: str
) -> None:
    stand_in = StandIn(root=str(folder / "llama"))
    lost = StandIn(root="/models/on/another/machine")
    with running(stand_in.app()) as client, running(lost.app()) as other:
        names = {"url": client.url, "lost": other.url, "llama": folder / "llama"}
        given = ["--engine", "vllm", *(word.format(**names) for word in words)]
        with pytest.raises(LoadError, match=said):
            load_engine(read_options(given, {}), lambda _: None)


def test_a_folder_may_be_named_for_each_of_its_jobs(running: Any, folder: Path) -> None:
    with running(StandIn(root="/elsewhere").app()) as client:
        words = ["--engine", "vllm", "--upstream", client.url]
        for job in ("chat", "completions"):
            words += ["--model", f"{job}={folder / 'llama'}"]
        engine = load_engine(read_options(words, {}), lambda _: None)
        assert [model.name for model in engine.models] == ["llama"]


def test_the_end_is_no_text(serve: Serve) -> None:
    answer = serve(StandIn(says=(END,))).post("/v1/chat/completions", CHAT).json()
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["usage"]["completion_tokens"] == 1
