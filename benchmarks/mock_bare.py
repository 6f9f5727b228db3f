"""A bare server to compare the mock with: aiohttp and orjson, nothing else.

It parses the request and builds a reply of the mock's shape, without validation, model
or journal. `python benchmarks/mock_bare.py` serves it on a free port until killed.
"""

import asyncio
import hashlib
import math
import struct
import sys
import time
import uuid

import orjson
from aiohttp import web
from mock_load import loop_factory

SENTENCE = "The quiet library near the river keeps every letter of the old village."
EVENTS = 20  # of a stream, the [DONE] mark not counted


async def bare_chat(request: web.Request) -> web.StreamResponse:
    """Parse, build, write; one write for each event of a stream."""
    body = orjson.loads(await request.read())
    identity, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
    if not body.get("stream"):
        answer = {
            "id": identity,
            "object": "chat.completion",
            "created": created,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "reasoning_content": None,
                        "content": SENTENCE,
                        "tool_calls": [],
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                    "stop_reason": None,
                }
            ],
            "usage": {
                "prompt_tokens": 40,
                "total_tokens": 54,
                "completion_tokens": 14,
                "prompt_tokens_details": None,
            },
            "prompt_logprobs": None,
        }
        return web.Response(body=orjson.dumps(answer), content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(EVENTS):
        chunk = {
            "id": identity,
            "object": "chat.completion.chunk",
            "created": created,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": " word"},
                    "logprobs": None,
                    "finish_reason": "stop" if number == EVENTS - 1 else None,
                    "stop_reason": None,
                }
            ],
        }
        await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def bare_embeddings(request: web.Request) -> web.Response:
    """Hash the text to a unit vector of 1024 values and write it as JSON."""
    body = orjson.loads(await request.read())
    digest = hashlib.shake_256(body["input"].encode()).digest(4096)
    values = [value / 2**31 for value in struct.unpack("<1024i", digest)]
    length = math.sqrt(sum(value * value for value in values))
    vector = [value / length for value in values]
    answer = {
        "id": f"embd-{uuid.uuid4().hex}",
        "object": "list",
        "created": int(time.time()),
        "model": body["model"],
        "data": [{"index": 0, "object": "embedding", "embedding": vector}],
        "usage": {
            "prompt_tokens": 9,
            "total_tokens": 9,
            "completion_tokens": 0,
            "prompt_tokens_details": None,
        },
    }
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


async def health(request: web.Request) -> web.Response:
    """Answer as the mock does."""
    del request
    return web.Response(text="ok")


def main() -> None:
    """Serve until killed."""

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/health", health)
        app.router.add_post("/v1/chat/completions", bare_chat)
        app.router.add_post("/v1/embeddings", bare_embeddings)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sys.stdout.write(f"listening on http://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())


if __name__ == "__main__":
    main()
