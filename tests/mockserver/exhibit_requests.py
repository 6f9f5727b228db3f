"""Requests that show the museum's exhibits, and what is read of their answers."""

import json
from collections.abc import Sequence
from typing import Any

from plain_http import Reply

Body = dict[str, Any]
Request = tuple[str, Any]


def emb(given: Any, **more: Any) -> Request:
    return "/v1/embeddings", {"model": "sds/bge-m3", "input": given, **more}


def rerank(documents: Sequence[str], **more: Any) -> Request:
    body = {"model": "sds/bge-reranker-v2-m3", "query": "Seoul", "documents": documents}
    return "/v1/rerank", {**body, **more}


def score(left: Any, right: Any, **more: Any) -> Request:
    body = {"model": "sds/bge-reranker-v2-m3", "text_1": left, "text_2": right}
    return "/v1/score", {**body, **more}


def chat(said: Any = "Tell me of the sea.", **more: Any) -> Request:
    messages = said if isinstance(said, list) else [{"role": "user", "content": said}]
    body = {"model": "meta-llama/Llama-3.3-70B-Instruct", "messages": messages}
    return "/v1/chat/completions", {**body, "temperature": 0, "max_tokens": 20, **more}


def comp(prompt: Any = "The river", **more: Any) -> Request:
    body = {"model": "meta-llama/Llama-3.3-70B-Instruct", "prompt": prompt}
    return "/v1/completions", {**body, "temperature": 0, "max_tokens": 12, **more}


def streamed(request: Request) -> Request:
    return request[0], {**request[1], "stream": True}


def counted(request: Request) -> Request:
    path, body = streamed(request)
    return path, {**body, "stream_options": {"include_usage": True}}


def data(reply: Reply) -> list[Any]:
    found: list[Any] = reply.json()["data"]
    return found


def vectors(reply: Reply) -> list[Any]:
    return [item["embedding"] for item in data(reply)]


def texts(reply: Reply) -> list[str]:
    """The text of every choice of a whole answer."""
    choices = reply.json()["choices"]
    return [c["text"] if "text" in c else c["message"]["content"] for c in choices]


def calls(reply: Reply) -> list[Body]:
    found: list[Body] = reply.json()["choices"][0]["message"]["tool_calls"]
    return found


def pieces(reply: Reply) -> list[Body]:
    return [piece for chunk in reply.chunks() for piece in chunk["choices"]]


def told(reply: Reply, index: int = 0) -> str:
    """The text of a streamed choice."""
    mine = [piece for piece in pieces(reply) if piece["index"] == index]
    said = [p["text"] if "text" in p else p["delta"].get("content", "") for p in mine]
    return "".join(said)


def ends(reply: Reply) -> set[str]:
    return {piece["finish_reason"] for piece in pieces(reply)} - {None}


def positions(reply: Reply) -> list[Body]:
    found: list[Body] = reply.json()["choices"][0]["logprobs"]["content"]
    return found


def usage(reply: Reply) -> Body:
    found: Body = reply.chunks()[-1]["usage"]
    return found


def ranked(reply: Reply) -> list[int]:
    return [result["index"] for result in reply.json()["results"]]


def shown(reply: Reply) -> list[str]:
    return [result["document"]["text"] for result in reply.json()["results"]]


TOOL = {
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
NOW = {"type": "function", "function": {"name": "now"}}
TRAINS = {"type": "function", "function": {"name": "trains"}}
ASKED = "What is the weather in Seoul?"
CALL = [
    {"role": "user", "content": ASKED},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Seoul"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
]
MANY = [f"text {number}" for number in range(40)]
LONG = ["Busan lies in the south.", "word " * 200, "Seoul is a city by a river."]
FORCED = chat(ASKED, tools=[TOOL], tool_choice="required", max_tokens=200)
BIAS = {"1001": 100}
LIMITED = chat(logprobs=True, top_logprobs=3)
ECHOED = comp(echo=True, logprobs=2)
REFUSED = {"top_p": 2}
BOTH = chat("Call get_weather and trains.", tools=[TOOL, TRAINS], max_tokens=200)


WORDS = "word " * 30


SEEDED = {"temperature": 1, "seed": 5}


UNIT = {"enum": ["°C &amp; km/h"]}


WIND = {
    "type": "function",
    "function": {
        "name": "wind",
        "parameters": {
            "type": "object", "properties": {"unit": UNIT}, "required": ["unit"],
        },
    },
}  # fmt: skip


WINDY = chat(ASKED, tools=[WIND], tool_choice="required", max_tokens=60)


FOREIGN = comp("Zürich, Málaga und 東京: über", echo=True, logprobs=1)


def prompt_tokens(reply: Reply) -> Any:
    return reply.json()["usage"]["prompt_tokens"]


def completion_tokens(reply: Reply) -> Any:
    return reply.json()["usage"]["completion_tokens"]


def arguments(reply: Reply) -> str:
    """The arguments of the calls of a stream."""
    parts = (piece["delta"].get("tool_calls") for piece in pieces(reply))
    return "".join(c["function"]["arguments"] for p in parts for c in p or ())


def logprobs(reply: Reply) -> Any:
    return [choice["logprobs"] for choice in reply.json()["choices"]]


def longer(request: Request, **more: Any) -> Request:
    return request[0], request[1] | more


MARK = "<|endoftext|>"


DECOMPOSED = "Cafe\u0301"


def given(reply: Reply) -> Any:
    """The arguments of the first call of a whole answer."""
    return json.loads(calls(reply)[0]["function"]["arguments"])


def parts(reply: Reply) -> list[Body]:
    """The pieces of calls of a stream."""
    found = (piece["delta"].get("tool_calls") for piece in pieces(reply))
    return [part for each in found for part in each or ()]


def listed(reply: Reply) -> list[Any]:
    return [piece["logprobs"] for piece in pieces(reply)]


PROSE = "word " * 600


def lengths(reply: Reply) -> list[int]:
    return [len(vector) for vector in vectors(reply)]
