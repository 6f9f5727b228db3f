"""A small stand-in for a vLLM server: its routes, its shapes, and its bad days."""

# ruff: noqa: ARG002 - handlers have one signature

import asyncio
import base64
import json
import struct
import threading
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

END = 2  # of the tiny models' tokenizer


@dataclass
class StandIn:
    """Says `says` whatever the prompt; vectors and scores count tokens or letters."""

    kind: str = "text"  # or "vectors", "pairs"
    name: str = "llama"
    root: str = "llama"
    says: tuple[int, ...] = (40, 41, END)
    failures: int = 0  # requests that are answered with `status` before one is not
    status: int = 503
    breaks: bool = False  # the stream is cut after a token
    refuses: str = ""
    health: int = 200
    gate: threading.Event | None = None  # passed after the first token
    seen: list[Any] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    def app(self) -> web.Application:
        app = web.Application()
        routes = {"text": "/v1/completions", "vectors": "/v1/embeddings"}
        path = routes.get(self.kind, "/score")
        answers = {"text": self.complete, "vectors": self.embed, "pairs": self.score}
        app.router.add_post(path, self.guarded(answers[self.kind]))
        card = {"id": self.name, "root": self.root, "max_model_len": 1024}
        app.router.add_get("/v1/models", self.telling({"data": [card]}))
        app.router.add_get("/openapi.json", self.telling({"paths": {path: {}}}))
        app.router.add_get("/health", self.well)
        return app

    def telling(self, value: Any) -> Any:
        async def tell(request: web.Request) -> web.Response:
            return web.json_response(value)

        return tell

    async def well(self, request: web.Request) -> web.Response:
        return web.Response(status=self.health)

    def guarded(self, answer: Any) -> Any:
        async def handle(request: web.Request) -> Any:
            body = await request.json()
            self.seen.append(body)
            if self.failures:
                self.failures -= 1
                return web.json_response(
                    {"error": {"message": "no"}}, status=self.status
                )
            if self.refuses:
                error = {"message": self.refuses, "code": 400}
                return web.json_response({"error": error}, status=400)
            return await answer(request, body)

        return handle

    async def complete(self, request: web.Request, body: Any) -> web.StreamResponse:
        if not body.get("stream"):
            places = [{str(i): {"logprob": -0.5, "rank": 1}} for i in body["prompt"]]
            choice = {"index": 0, "prompt_logprobs": [None, *places[1:]]}
            return web.json_response({"choices": [choice]})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        says = self.says[: body["max_tokens"]]
        try:
            for place, token in enumerate(says):
                if place and self.gate is not None:
                    await asyncio.to_thread(self.gate.wait, 20)
                if place and self.breaks:
                    assert request.transport is not None
                    request.transport.abort()
                    return response
                last = place == len(says) - 1
                end = "stop" if token == END else "length"
                await self.event(response, token, body, end if last else None)
            await response.write(b"data: [DONE]\n\n")
        except (ConnectionResetError, asyncio.CancelledError):
            self.left.set()
            raise
        return response

    async def event(
        self, response: web.StreamResponse, token: int, body: Any, finish: str | None
    ) -> None:
        top = {f"token_id:{i}": -1.0 - i for i in range(body.get("logprobs") or 0)}
        known = {
            "tokens": [f"token_id:{token}"],
            "token_logprobs": [-0.25],
            "top_logprobs": [top],
        }
        choice = {
            "index": 0,
            "text": "",
            "token_ids": [token],
            "logprobs": None if body.get("logprobs") is None else known,
            "finish_reason": finish,
        }
        data = json.dumps({"choices": [choice]})
        await response.write(f"data: {data}\n\n".encode())

    async def embed(self, request: web.Request, body: Any) -> web.Response:
        data = [
            {"embedding": base64.b64encode(struct.pack("<2f", len(ids), 1)).decode()}
            for ids in body["input"]
        ]
        return web.json_response({"data": data})

    async def score(self, request: web.Request, body: Any) -> web.Response:
        pairs = zip(body["text_1"], body["text_2"], strict=True)
        return web.json_response({"data": [{"score": float(a == b)} for a, b in pairs]})
