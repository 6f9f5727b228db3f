"""Whole answers and chunks as the documents lay them out, to be spoilt by a test."""

import copy
from typing import Any

from aios_conformance.conformance.terms.exchange import Api, Json

_HEAD = {"id": "answer-1", "created": 1000, "model": "m"}
_USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 2,
    "total_tokens": 7,
    "prompt_tokens_details": None,
}
_INPUT_USAGE = _USAGE | {"completion_tokens": 0, "total_tokens": 5}
_END = {"logprobs": None, "finish_reason": "stop", "stop_reason": None}
_MESSAGE = {"role": "assistant", "content": "Blue, then.", "tool_calls": []}

SENT: dict[Api, Any] = {
    "rerank": {"model": "m", "query": "q", "documents": ["one", "two"]},
    "score": {"model": "m", "text_1": "one", "text_2": "two"},
    "chat": {"model": "m", "messages": [{"role": "user", "content": "A colour?"}]},
    "completions": {"model": "m", "prompt": "The sky is"},
    "embeddings": {"model": "m", "input": "one"},
}
_GOOD: dict[Api, Any] = {
    "rerank": {
        "id": "answer-1",
        "model": "m",
        "usage": {"total_tokens": 5},
        "results": [
            {"index": 1, "document": {"text": "two"}, "relevance_score": 0.9},
            {"index": 0, "document": {"text": "one"}, "relevance_score": 0.1},
        ],
    },
    "score": _HEAD
    | {
        "object": "list",
        "data": [{"index": 0, "object": "score", "score": 0.5}],
        "usage": _INPUT_USAGE,
    },
    "chat": _HEAD
    | {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": _MESSAGE, **_END}],
        "usage": _USAGE,
    },
    "completions": _HEAD
    | {
        "object": "text_completion",
        "choices": [{"index": 0, "text": " blue", "prompt_logprobs": None, **_END}],
        "usage": _USAGE,
    },
    "embeddings": _HEAD
    | {
        "object": "list",
        "data": [{"index": 0, "object": "embedding", "embedding": [0.25, -0.5]}],
        "usage": _INPUT_USAGE,
    },
}


def good(api: Api) -> Any:
    """A right answer to the body in SENT, to be changed at will."""
    return copy.deepcopy(_GOOD[api])


def spoilt(api: Api, pointer: str, *value: Json) -> Any:
    """A right answer with one member replaced; without a value it is left out."""
    answer = good(api)
    place: Any = answer
    *way, last = (int(p) if p.isdigit() else p for p in pointer.split("/"))
    for part in way:
        place = place[part]
    if value:
        place[last] = value[0]
    else:
        del place[last]
    return answer


def chunk(*choices: Json, **members: Json) -> Any:
    """A chunk of a streamed chat with these choices."""
    head = _HEAD | {"object": "chat.completion.chunk"}
    return head | {"choices": list(choices)} | members


def says(text: str | None = None, end: str | None = None, index: int = 0) -> Any:
    """A choice that brings text, or the end, or only a role."""
    delta: dict[str, Any] = {} if text is None else {"content": text}
    if text is None and end is None:
        delta["role"] = "assistant"
    return {"index": index, "delta": delta, "finish_reason": end}


def streamed(*texts: str) -> list[Any]:
    """The chunks of a right stream that brings these texts."""
    return [
        chunk(says()),
        *(chunk(says(text)) for text in texts),
        chunk(says(end="stop")),
    ]
