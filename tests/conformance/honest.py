"""A small server that keeps most promises, in little code, without the mock."""

import base64
import json
import math
import re
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import jsonschema_rs
from listening import Asked, Said, refuse, say

from aios_conformance.spec import openapi

MODEL = "miniature"
DIMENSIONS = 16
_serial = count(1)


def honest(asked: Asked) -> Said:
    """Keep most promises, in little code."""
    if (asked.method, asked.path) == ("GET", "/v1/models"):
        return say({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
    if asked.path not in openapi()["paths"]:
        return refuse(404, f"no such path: {asked.path}")
    if asked.method != "POST":
        return refuse(405, "only POST")
    body = asked.json
    if body is None:
        return refuse(400, "the body is not JSON")
    for error in _validator(asked.path).iter_errors(body):
        pointer = "/" + "/".join(map(str, error.instance_path))
        return refuse(422, f"{pointer}: {error.message}")
    if body["model"] != MODEL:
        return refuse(404, f"/model: no such model: {body['model']}")
    return _ANSWERS[asked.path.rpartition("/")[2]](body)


@cache
def _validator(path: str) -> jsonschema_rs.Draft202012Validator:
    document = openapi()
    request = document["paths"][path]["post"]["requestBody"]
    name = request["$ref"].rpartition("/")[2]
    schema = document["components"]["requestBodies"][name]["content"]
    rooted = {
        **schema["application/json"]["schema"],
        "components": document["components"],
    }
    return jsonschema_rs.Draft202012Validator(rooted)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Hashed words, each a point; the same text is always the same vector."""
    sums = [1e-3] * dimensions
    for word, times in Counter(words(text)).items():
        seed = zlib.crc32(word.encode())
        for axis in range(dimensions):
            sums[axis] += times * (((seed >> axis) & 1) * 2 - 1)
    norm = math.sqrt(sum(x * x for x in sums))
    return [x / norm for x in sums]


def likeness(left: str, right: str) -> float:
    cosine = sum(a * b for a, b in zip(vector(left), vector(right), strict=True))
    return round((cosine + 1) / 2, 9)


def _embeddings(body: Any) -> Said:
    given = body["input"]
    texts = given if isinstance(given, list) else [given]
    if texts and isinstance(texts[0], int):
        texts = [texts]
    data = []
    for index, text in enumerate(texts):
        numbers = vector(text if isinstance(text, str) else str(text))
        packed = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        is_float = body.get("encoding_format", "float") == "float"
        data.append(
            {
                "object": "embedding",
                "index": index,
                "embedding": numbers if is_float else packed,
            }
        )
    return say(_listed(body, data, sum(len(words(str(text))) + 1 for text in texts)))


def _listed(body: Any, data: list[Any], tokens: int) -> Any:
    return {
        "id": f"answer-{next(_serial)}",
        "object": "list",
        "created": int(time.time()),
        "model": body["model"],
        "data": data,
        "usage": _usage(tokens, 0),
    }


def _usage(prompt: int, completion: int) -> Any:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": None,
    }


def _score(body: Any) -> Said:
    left, right = (
        side if isinstance(side, list) else [side]
        for side in (body["text_1"], body["text_2"])
    )
    if len(left) == 1:
        left = left * len(right)
    if len(left) != len(right):
        return refuse(422, "text_1 and text_2 do not pair up")
    data = [
        {"index": i, "object": "score", "score": likeness(a, b)}
        for i, (a, b) in enumerate(zip(left, right, strict=True))
    ]
    tokens = sum(
        len(words(a)) + len(words(b)) for a, b in zip(left, right, strict=True)
    )
    return say(_listed(body, data, tokens))


def _rerank(body: Any) -> Said:
    scored: list[dict[str, Any]] = [
        {
            "index": index,
            "document": {"text": text},
            "relevance_score": likeness(body["query"], text),
        }
        for index, text in enumerate(body["documents"])
    ]
    ranked = sorted(scored, key=lambda r: -r["relevance_score"])
    kept = ranked[: body.get("top_n") or len(ranked)]
    tokens = sum(len(words(text)) for text in body["documents"])
    return say(
        {
            "id": f"rerank-{next(_serial)}",
            "model": body["model"],
            "usage": {"total_tokens": tokens},
            "results": kept,
        }
    )


def _limit(body: Any, default: int) -> int:
    given = body.get("max_completion_tokens") or body.get("max_tokens")
    return min(given or default, default)


def _tokens(text: str, seed: int, limit: int) -> list[str]:
    source = words(text) or ["nothing"]
    return [" " + source[(seed + step) % len(source)] for step in range(limit)]


def _chat(body: Any) -> Said:
    last = body["messages"][-1].get("content") or ""
    text = last if isinstance(last, str) else json.dumps(last)
    prompt = sum(len(words(json.dumps(m))) for m in body["messages"])

    def choice(index: int, text: str | None, delta: str | None, end: Any) -> Any:
        inner = (
            {"delta": {"role": "assistant", "content": delta}}
            if text is None
            else {"message": {"role": "assistant", "content": text, "tool_calls": []}}
        )
        stop = {"finish_reason": end, "stop_reason": None, "logprobs": None}
        return {"index": index, **inner, **stop}

    return _generated(body, [text], prompt, "chat.completion", choice)


def _completions(body: Any) -> Said:
    prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]

    def choice(index: int, text: str | None, delta: str | None, end: Any) -> Any:
        stop = {"finish_reason": end, "stop_reason": None, "logprobs": None}
        return {"index": index, "text": delta if text is None else text, **stop}

    prompt = sum(len(words(str(p))) for p in prompts)
    return _generated(body, list(map(str, prompts)), prompt, "text_completion", choice)


def _generated(
    body: Any,
    prompts: list[str],
    prompt_tokens: int,
    kind: str,
    choice: Callable[[int, str | None, str | None, Any], Any],
) -> Said:
    limit = _limit(body, 16)
    runs = [_tokens(p, n, limit) for p in prompts for n in range(body.get("n") or 1)]
    usage = _usage(prompt_tokens, sum(map(len, runs)))
    head = {
        "id": f"cmpl-{next(_serial)}",
        "object": kind,
        "created": int(time.time()),
        "model": body["model"],
    }
    if not body.get("stream"):
        whole = [choice(i, "".join(r), None, "length") for i, r in enumerate(runs)]
        rest = {"usage": usage, "prompt_logprobs": None}
        return say({**head, "choices": whole, **rest})
    head["object"] = "chat.completion.chunk" if kind.startswith("chat") else kind
    chunks = [
        {**head, "choices": [choice(i, None, token, end)]}
        for i, run in enumerate(runs)
        for token, end in [*((t, None) for t in run[:-1]), (run[-1], "length")]
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": usage})
    events = [json.dumps(chunk) for chunk in chunks] + ["[DONE]"]
    stream = "".join(f"data: {event}\n\n" for event in events)
    return Said(200, stream.encode(), "text/event-stream")


_ANSWERS: dict[str, Callable[[Any], Said]] = {
    "embeddings": _embeddings,
    "score": _score,
    "rerank": _rerank,
    "completions": lambda body: (_chat if "messages" in body else _completions)(body),
}
