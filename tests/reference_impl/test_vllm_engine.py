"""vLLM in the process: `pytest -m vllm`, in an environment of tools/vllm_cpu.sh.

One server for all tests, since an engine takes a minute to start on two cores.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from plain_http import Client
from tiny import bert, cross_encoder, llama
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed"),
]

PROMPTS = ["the cat", "Hello there", '{"a": 1', "x", "to be or not to be"]
BROKEN = re.compile("\ufffd+")  # bytes that are no text, counted differently
CLOSE = 2e-3  # between log probabilities of vLLM and of transformers
WIDE = 128  # four heads of 32, the least that vLLM takes
SCHEMA = {
    "type": "object",
    "properties": {"word": {"$ref": "#/$defs/short"}},
    "required": ["word"],
    "additionalProperties": False,
    "$defs": {"short": {"type": "string", "maxLength": 5}},
}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vllm")
    llama(root / "text", hidden_size=WIDE)
    bert(root / "vectors", modules=True, pooling_mode_mean_tokens=True, width=WIDE)
    cross_encoder(root / "pairs", width=WIDE)
    return root


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[tuple[Client, subprocess.Popen[str]]]:
    words = [sys.executable, "-m", "aios_conformance.reference_impl", "--port", "0"]
    words += ["--engine", "vllm", "--engine-arg", "chat:max_num_seqs=8"]
    words += ["--device", "cpu", "--self-check"]
    for job, name in (("chat", "text"), ("embeddings", "vectors"), ("rerank", "pairs")):
        words += ["--model", f"{job}={models / name}"]
    settings = {"VLLM_HOST_IP": "127.0.0.1"}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, **settings}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()  # vLLM's own lines go to standard error
        assert line.startswith("listening on ")
        try:
            yield Client(line.split()[-1]), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


@pytest.fixture
def client(server: tuple[Client, subprocess.Popen[str]]) -> Client:
    return server[0]


def completed(client: Client, **more: Any) -> Any:
    answer = client.post("/v1/completions", {"model": "text", "temperature": 0} | more)
    assert answer.status == 200, answer.body
    return answer.json()


def chat(**more: Any) -> dict[str, Any]:
    message = {"role": "user", "content": "Hello there"}
    return {"model": "text", "messages": [message], "max_tokens": 12, **more}


@torch.no_grad()
def test_greedy_text_and_log_probabilities_are_those_of_transformers(
    client: Client, models: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(models / "text").eval()
    tokenizer = AutoTokenizer.from_pretrained(models / "text")
    body = {"max_tokens": 8, "logprobs": 3, "echo": True}
    answer = completed(client, prompt=PROMPTS, **body)
    for prompt, choice in zip(PROMPTS, answer["choices"], strict=True):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        whole = model.generate(ids, max_new_tokens=8, do_sample=False)
        logprobs = model(whole).logits[0].log_softmax(-1)
        expected = [
            float(logprobs[place, token])
            for place, token in enumerate(whole[0, 1:].tolist())
            if token > 2  # special tokens are not shown
        ]
        shown = choice["logprobs"]["token_logprobs"]
        assert shown[0] is None
        assert shown[1:] == pytest.approx(expected, abs=CLOSE)
        text = tokenizer.decode(whole[0], skip_special_tokens=True)
        assert BROKEN.sub("?", choice["text"]) == BROKEN.sub("?", text)


def test_a_streamed_answer_is_the_whole_one_and_seeds_repeat(client: Client) -> None:
    body = chat(seed=5, n=3, temperature=1.0)
    whole = client.post("/v1/chat/completions", body).json()
    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert len(set(texts)) == 3
    streamed = client.post("/v1/chat/completions", body | {"stream": True}).chunks()
    said = [""] * 3
    for chunk in streamed:
        for choice in chunk["choices"]:
            said[choice["index"]] += choice["delta"].get("content") or ""
    assert said == texts


def test_many_at_once_are_as_one_alone(client: Client) -> None:
    alone = [completed(client, prompt=p, max_tokens=16) for p in PROMPTS]
    with ThreadPoolExecutor(len(PROMPTS)) as pool:
        asked = lambda p: completed(client, prompt=p, max_tokens=16)  # noqa: E731
        together = list(pool.map(asked, PROMPTS))
    for one, other in zip(alone, together, strict=True):
        assert one["choices"][0]["text"] == other["choices"][0]["text"]


def test_stop_strings_biases_and_penalties(client: Client) -> None:
    plain = completed(client, prompt="the cat", max_tokens=16)["choices"][0]["text"]
    stop = plain[3:5]
    stopped = completed(client, prompt="the cat", max_tokens=16, stop=[stop])
    choice = stopped["choices"][0]
    assert choice["text"] == plain[: plain.index(stop)]
    assert choice["stop_reason"] == stop
    biased = completed(client, prompt="a", max_tokens=4, logit_bias={"60": 100})
    assert len(set(biased["choices"][0]["text"])) == 1
    calm = completed(
        client, prompt="a", max_tokens=4, logit_bias={"60": 12}, presence_penalty=2
    )
    assert calm["choices"][0]["text"]


@pytest.mark.parametrize("seed", range(3))
def test_schemas_and_forced_calls_hold(client: Client, seed: int) -> None:
    named = {"name": "x", "schema": SCHEMA}
    wanted = {"type": "json_schema", "json_schema": named}
    body = chat(max_tokens=60, seed=seed, response_format=wanted)
    said = client.post("/v1/chat/completions", body).json()["choices"][0]
    assert set(json.loads(said["message"]["content"])) == {"word"}
    body = chat(max_tokens=80, seed=seed, tools=[TOOL], tool_choice="required")
    called = client.post("/v1/chat/completions", body).json()["choices"][0]
    (call,) = called["message"]["tool_calls"]
    assert set(json.loads(call["function"]["arguments"])) == {"word"}


def test_a_schema_that_cannot_be_enforced_is_refused(client: Client) -> None:
    schema = {"type": "array", "uniqueItems": True}
    named = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = client.post("/v1/chat/completions", chat(response_format=named))
    assert answer.status == 400


@torch.no_grad()
def test_vectors_are_those_of_transformers(client: Client, models: Path) -> None:
    texts = ["the cat sat", "paris is the capital of france"]
    tokenizer = AutoTokenizer.from_pretrained(models / "vectors")
    model = AutoModel.from_pretrained(models / "vectors").eval()
    data = client.post("/v1/embeddings", {"model": "vectors", "input": texts}).json()
    for text, one in zip(texts, data["data"], strict=True):
        hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state
        mean = torch.nn.functional.normalize(hidden.mean(1))[0]
        assert one["embedding"] == pytest.approx(mean.tolist(), abs=1e-4)


@torch.no_grad()
def test_cross_encoders_read_pairs_jointly(client: Client, models: Path) -> None:
    texts = ["a dog", "the mat"]
    tokenizer = AutoTokenizer.from_pretrained(models / "pairs")
    model = AutoModelForSequenceClassification.from_pretrained(models / "pairs").eval()
    body = {"model": "pairs", "text_1": "the cat", "text_2": texts}
    data = client.post("/v1/score", body).json()["data"]
    for text, one in zip(texts, data, strict=True):
        inputs = tokenizer("the cat", text, return_tensors="pt")
        score = torch.sigmoid(model(**inputs).logits)[0, 0]
        assert one["score"] == pytest.approx(float(score), abs=1e-4)


def test_a_client_that_leaves_frees_its_place(client: Client) -> None:
    body = json.dumps(chat(stream=True, max_tokens=900, logit_bias={"2": -100}))
    kind = {"Content-Type": "application/json"}
    for _ in range(9):  # one more than run at once
        leaving = http.client.HTTPConnection(client.url.split("//")[1], timeout=60)
        leaving.request("POST", "/v1/chat/completions", body, kind)
        assert leaving.getresponse().read(10)
        leaving.close()
    assert client.post("/v1/chat/completions", chat(max_tokens=2)).status == 200


def test_zz_a_dead_engine_ends_the_server(
    server: tuple[Client, subprocess.Popen[str]],
) -> None:
    """The last one: it kills the engine that the others use."""
    client, process = server
    cores = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "EngineCore" in "".join(child.cmdline()) or "EngineCore" in child.name()
    ]
    assert cores
    cores[0].kill()
    assert process.wait(timeout=60) == 1
    del client
