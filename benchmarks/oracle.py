"""Engines against `model.generate` in float32: greedy text and log probabilities.

Each server is asked for the same completions, one at a time and whole, then eight at
once and streamed. Where a text differs from the oracle's, the gap between the logits of
the two tokens at the first difference says whether rounding can explain it.

    python benchmarks/oracle.py FOLDER transformers=http://127.0.0.1:8001 vllm=URL
        [--model NAME] [--prompts 200] [--tokens 16]
"""

import argparse
import asyncio
import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

GAP = 1e-3
"""Two logits nearer than this may change places by rounding in float32."""
OPENINGS = (
    "The history of {} begins with",
    "Once upon a time there was a story about {}. It",
    "Question: what is {}?\nAnswer:",
    "def {}(x):\n    return",
    "Les avantages de {} sont",
    '{{"name": "{}", "value":',
    "1. {}\n2.",
    "Dear friend,\n\nI write to you about {}, because",
    "In 1905, {} were",
    "今天 {} 很",
)
SUBJECTS = (
    *("rivers", "bread", "clocks", "maps", "rain", "glass", "trains", "bees", "salt"),
    *("music", "ships", "snow", "gold", "tea", "letters", "horses", "light", "stones"),
    *("numbers", "dreams"),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the oracle says of a prompt: ids, and the logits of each place."""

    prompt: str
    ids: Sequence[int]
    logits: torch.Tensor  # [tokens, vocabulary], float32


@dataclass(frozen=True, slots=True)
class Said:
    """What a server says of a prompt: the text of each token, its log probability."""

    tokens: Sequence[str]
    logprobs: Sequence[float]


class Oracle:
    """The model by itself."""

    def __init__(self, folder: str) -> None:
        """Load it in float32."""
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def truth(self, prompt: str, tokens: int) -> Truth:
        """The greedy continuation of one prompt."""
        given = self.tokenizer(prompt, return_tensors="pt")
        made: Any = self.model.generate(
            **given,
            max_new_tokens=tokens,
            do_sample=False,
            return_dict_in_generate=True,
            output_logits=True,
        )
        ids = made.sequences[0, given["input_ids"].shape[1] :].tolist()
        return Truth(prompt, ids, torch.cat(made.logits))

    def compared(self, truth: Truth, said: Said) -> tuple[float | None, float]:
        """The gap of logits at the first difference, and how far log probabilities lie.

        No gap: they agree. An infinite one: the server's token is not likely.
        """
        logprobs = truth.logits.log_softmax(-1)
        far = 0.0
        for place, expected in enumerate(truth.ids):
            if place == len(said.tokens):
                ended = expected == self.tokenizer.eos_token_id
                return (None if ended else float("inf")), far
            if not self._is(expected, said.tokens[place]):
                best = truth.logits[place].topk(5)
                gaps = (
                    float(best.values[0] - value)
                    for value, other in zip(*best, strict=True)
                    if self._is(int(other), said.tokens[place])
                )
                return next(gaps, float("inf")), far
            there = float(logprobs[place, expected])
            far = max(far, abs(there - said.logprobs[place]))
        return None, far

    def _is(self, token: int, said: str) -> bool:
        """Whether a server's word for a token is it; parts of characters are bytes."""
        if token == self.tokenizer.eos_token_id:
            return said == ""
        text = self.tokenizer.decode([token])
        return said.startswith("bytes:") if "\ufffd" in text else text == said


async def asked(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> Said:
    """Send one completion, whole or streamed, and read its tokens."""
    tokens: list[str] = []
    logprobs: list[float] = []
    async with session.post(f"{url}/v1/completions", json=body) as answer:
        text = await answer.text()
        answer.raise_for_status()
    parts = [line.removeprefix("data: ") for line in text.splitlines()]
    for part in parts if body["stream"] else [text]:
        choices = json.loads(part)["choices"] if part.startswith("{") else []
        for found in (c["logprobs"] for c in choices if c.get("logprobs")):
            tokens += found["tokens"]
            logprobs += found["token_logprobs"]
    return Said(tokens, logprobs)


async def served(
    url: str, bodies: Sequence[dict[str, Any]], at_once: int
) -> list[Said]:
    """The answers to all bodies, so many at once."""
    turn = asyncio.Semaphore(at_once)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(600)) as session:

        async def one(body: dict[str, Any]) -> Said:
            async with turn:
                return await asked(session, url, body)

        return await asyncio.gather(*map(one, bodies))


def main() -> None:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", help="the model's folder")
    parser.add_argument("servers", nargs="+", metavar="NAME=URL")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=16)
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    oracle = Oracle(given.folder)
    pairs = itertools.islice(itertools.product(OPENINGS, SUBJECTS), given.prompts)
    prompts = [opening.format(subject) for opening, subject in pairs]
    truths = [oracle.truth(prompt, given.tokens) for prompt in prompts]
    print("| server | asked | agree | part within", GAP, end="")
    print(" | part beyond it | largest gap | log probabilities differ by |")
    print("|---|---|---|---|---|---|---|")
    for name, _, url in (text.partition("=") for text in given.servers):
        for at_once, stream in ((1, False), (8, True)):
            bodies = [
                {
                    "model": given.model,
                    "prompt": truth.prompt,
                    "max_tokens": given.tokens,
                    "temperature": 0,
                    "logprobs": 1,
                    "stream": stream,
                }
                for truth in truths
            ]
            answers = asyncio.run(served(url.rstrip("/"), bodies, at_once))
            pairs_found = [
                oracle.compared(truth, said)
                for truth, said in zip(truths, answers, strict=True)
            ]
            gaps = [gap for gap, _ in pairs_found if gap is not None]
            near = sum(gap <= GAP for gap in gaps)
            how = f"{at_once} at once, {'streamed' if stream else 'whole'}"
            print(
                f"| {name} | {how} | {len(truths) - len(gaps)} of {len(truths)}"
                f" | {near} | {len(gaps) - near} | {max(gaps, default=0):.1e}"
                f" | {max(far for _, far in pairs_found):.1e} |"
            )


if __name__ == "__main__":
    main()
