"""What the mock is asked where nobody recorded anything: each promise, shortly."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aios_conformance import spec
from aios_conformance.mockserver.drift.exchanges import Request

_NOBODY: Final = "no-such-model"
_FEW: Final = {"max_tokens": 8}
_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
_SCHEMA: Final = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": _TOOL["function"]["parameters"]},  # type: ignore[index]
}
_ASKED: Final = [{"role": "user", "content": "What is the weather in Seoul?"}]
_CALLED: Final = [
    *_ASKED,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Seoul"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Rain, 12 degrees"},
]
_GENERATED: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"temperature": 0, "seed": 1},
    {"n": 2},
    {"stop": ["."]},
    {"stream": True},
    {"stream": True, "stream_options": {"include_usage": True}},
)
_OF_API: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "chat": (
        {"logprobs": True, "top_logprobs": 2},
        {"tools": [_TOOL], "messages": _ASKED, "max_tokens": 64},
        {"tools": [_TOOL], "messages": _CALLED, "max_tokens": 64},
        {"tools": [_TOOL], "tool_choice": "required", "max_tokens": 64},
        {"tools": [_TOOL], "tool_choice": "required", "stream": True, "max_tokens": 64},
        {"response_format": _SCHEMA, "max_tokens": 64},
    ),
    "completions": ({"logprobs": 2}, {"echo": True}),
    "embeddings": (
        {"input": ["The sky is blue.", "Grass is green."]},
        {"encoding_format": "base64"},
    ),
    "rerank": ({"top_n": 1},),
    "score": ({"text_2": ["The sky is blue.", "Grass is green."]},),
}


def requests(dialect: str, models: Mapping[str, str]) -> Iterator[Request]:
    """Yield requests for each API that has a model, made to be answered or refused."""
    yield Request("GET", "/v1/models", b"")
    for api in spec.apis(dialect).values():
        name = str(api.name)
        if name not in models:
            continue
        body = {"model": models[name], **api.smallest}
        few = _FEW if api.generates else {}
        first = _GENERATED if api.generates else ({},)
        changes = (*first, *_OF_API.get(name, ()))
        for operation in api.operations:
            main = operation == api.operation
            for change in changes if main else ({},):
                yield _post(operation, {**body, **few, **change})
        yield _post(api.operation, {**body, "model": _NOBODY})
        yield _post(api.operation, {**body, "model": 5})
        for member in api.required:
            yield _post(
                api.operation, {key: body[key] for key in body if key != member}
            )
        yield Request("POST", _path(api.operation), b'{"model": ')
        yield Request("GET", _path(api.operation), b"")


def smallest(dialect: str, api: str, model: str) -> Request:
    """Return the smallest request of an API to a model."""
    about = next(one for one in spec.apis(dialect).values() if one.name == api)
    few = {"max_tokens": 1} if about.generates else {}
    return _post(about.operation, {"model": model, **about.smallest, **few})


def _post(operation: str, body: Mapping[str, Any]) -> Request:
    return Request("POST", _path(operation), json.dumps(body).encode())


def _path(operation: str) -> str:
    return operation.partition(" ")[2]
