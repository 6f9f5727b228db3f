"""A vLLM elsewhere, over HTTP: one model of a deployment of any size.

Used are routes that every vLLM serves: /v1/completions with token ids in and out,
/v1/embeddings with token ids, /score with texts, /v1/models and /health. What balances,
replicates and restarts is the deployment's business.
"""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from aios_conformance.reference_impl.tokenizing.texts import TokenizedPair
from aios_conformance.reference_impl.vllm_engine.runner import (
    Drawn,
    Likely,
    TokenPiece,
    finished,
    grammar,
    parameters,
)
from aios_conformance.serving.engine import (
    EngineError,
    Overloaded,
    Sampling,
    Unwell,
)

CONNECT = 5.0  # seconds for a connection
SILENCE = 600.0  # seconds without a byte after which the upstream counts as dead
PAUSES: Final = (0.1, 0.4, 1.0)  # seconds before another try
BUSY: Final = (429, 503)
AGAIN: Final = (*BUSY, 502, 504)  # statuses after which to try again
LOOK = 2.0  # seconds between two looks at the upstream's health
LINE = 2**20  # bytes of an event
ID = "token_id:"  # what stands before an id in log probabilities


class _FailedError(Exception):
    """A try failed, and another one may not; the text says why."""

    def __init__(self, reason: str, *, busy: bool = False) -> None:
        super().__init__(reason)
        self.error = Overloaded() if busy else Unwell(reason)


class Upstream:
    """One base URL, and how well it is."""

    def __init__(self, url: str, key: str | None) -> None:
        """`url` is that of the server, without /v1."""
        self.url = url
        self.ill: str | None = None
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session: aiohttp.ClientSession | None = None
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look at its health from now on."""
        if self._session is None:
            self._open()
            self._looking = asyncio.create_task(self._look())

    def _open(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT, sock_read=SILENCE
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers=self._headers,
            timeout=timeout,
            read_bufsize=LINE,
        )
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._looking is not None:
            self._looking.cancel()
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def read(self, path: str) -> Any:
        """Return what a path has, before the start; raises Unwell."""
        session = self._open()
        try:
            async with session.get(self.url + path) as response:
                if response.status != 200:
                    raise Unwell(f"{self.url}{path} answered {response.status}")
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unwell(f"{self.url}{path}: {_said(error)}") from error
        finally:
            await session.close()
            self._session = None

    async def _look(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CONNECT):
                    async with self._asking("GET", "/health"):
                        self.ill = None
            except (_FailedError, EngineError) as error:
                self.ill = str(error)
            except TimeoutError:
                self.ill = f"{self.url}/health does not answer"
            await asyncio.sleep(LOOK)

    @asynccontextmanager
    async def _asking(
        self, method: str, path: str, body: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make one request; raises _FailedError, and EngineError for a refusal."""
        assert self._session is not None  # noqa: S101 - it was started
        url = self.url + path
        try:
            async with self._session.request(method, url, json=body) as response:
                if response.status >= 400:
                    reason = _refusal(await response.text())
                    told = f"{url} answered {response.status}: {reason}"
                    if response.status in AGAIN:
                        raise _FailedError(told, busy=response.status in BUSY)
                    if response.status >= 500 or response.status in (401, 403, 404):
                        raise Unwell(told)
                    raise EngineError(f"vLLM refuses: {reason}")
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _FailedError(f"{url}: {_said(error)}") from error

    async def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return a whole answer; tries again what may be tried again."""
        for pause in (*PAUSES, None):
            try:
                async with self._asking("POST", path, body) as response:
                    return await response.json(content_type=None)
            except _FailedError as failed:
                if pause is None:
                    raise failed.error from failed
                await asyncio.sleep(pause)
        raise AssertionError

    async def stream(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """Yield the events of a stream; tries again only before the first one."""
        for pause in (*PAUSES, None):
            begun = False
            try:
                async with self._asking("POST", path, body) as response:
                    async for event in _events(response):
                        begun = True
                        yield event
                    return
            except _FailedError as failed:
                if begun or pause is None:
                    raise failed.error from failed
                await asyncio.sleep(pause)


class UpstreamRunner:
    """One model of an upstream."""

    def __init__(self, upstream: Upstream, model: str) -> None:
        """`model` is the upstream's own name of it."""
        self._upstream = upstream
        self._model = model

    async def start(self) -> None:
        """Be ready for requests."""
        await self._upstream.start()

    async def close(self) -> None:
        """Close the connections."""
        await self._upstream.close()

    def illness(self) -> str | None:
        """Return why the upstream cannot be used now."""
        return self._upstream.ill

    async def death(self) -> str:
        """Wait for ever: an upstream may always come back."""
        await asyncio.get_running_loop().create_future()
        return ""

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[TokenPiece, None]:
        """Yield tokens as they come."""
        body: dict[str, Any] = {
            **parameters(sampling),
            "model": self._model,
            "prompt": list(prompt),
            "stream": True,
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
            "skip_special_tokens": False,
        }
        if sampling.logit_bias:
            body["logit_bias"] = {str(i): b for i, b in sampling.logit_bias.items()}
        if (schema := grammar(sampling)) is not None:
            body["structured_outputs"] = {"json": json.loads(schema)}
        finish = None
        async with contextlib.aclosing(
            self._upstream.stream("/v1/completions", body)
        ) as events:
            async for event in events:
                for choice in event["choices"]:
                    finish = finished(choice.get("finish_reason"))
                    yield TokenPiece(_drawn(choice), finish)
        if finish is None:
            raise Unwell(f"{self._upstream.url} broke the text off")

    async def prompt_logprobs(
        self, prompt: Sequence[int], top: int
    ) -> list[Likely | None]:
        """Return what is known at each place of a prompt."""
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": list(prompt),
            "max_tokens": 1,
            "temperature": 0.0,
            "prompt_logprobs": top,
        }
        answer = await self._upstream.ask("/v1/completions", body)
        return [
            place and {int(i): one["logprob"] for i, one in place.items()}
            for place in answer["choices"][0]["prompt_logprobs"]
        ]

    async def embed(
        self, inputs: Sequence[Sequence[int]], dimensions: int | None
    ) -> list[bytes]:
        """Return a vector for each input."""
        body: dict[str, Any] = {
            "model": self._model,
            "input": [list(ids) for ids in inputs],
            "encoding_format": "base64",
        }
        if dimensions is not None:
            body["dimensions"] = dimensions
        answer = await self._upstream.ask("/v1/embeddings", body)
        return [base64.b64decode(one["embedding"]) for one in answer["data"]]

    async def score(
        self, pairs: Sequence[TokenizedPair], truncate: int | None
    ) -> list[float]:
        """Return a score for each pair; truncation keeps the first tokens."""
        body: dict[str, Any] = {
            "model": self._model,
            "text_1": [pair.first for pair in pairs],
            "text_2": [pair.second for pair in pairs],
        }
        if truncate is not None:
            body |= {"truncate_prompt_tokens": truncate, "truncation_side": "right"}
        answer = await self._upstream.ask("/score", body)
        return [float(one["score"]) for one in answer["data"]]


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    """Yield what the events of an answer hold; raises what one says went wrong."""
    async for line in response.content:
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            return
        if len(data) == len(line.strip()):
            continue  # no data
        event = json.loads(data)
        if "error" in event:
            reason = _refusal(data.decode())
            code = (event.get("error") or {}).get("code")
            refused = isinstance(code, int) and code < 500
            raise (EngineError if refused else Unwell)(f"vLLM says: {reason}")
        yield event


def _drawn(choice: Mapping[str, Any]) -> list[Drawn]:
    ids: list[int] = choice.get("token_ids") or []
    known = choice.get("logprobs")
    if known is None:
        return [Drawn(token_id, {}) for token_id in ids]
    chosen: list[float] = known["token_logprobs"]
    tops: list[dict[str, float] | None] = known["top_logprobs"]
    return [
        Drawn(token_id, {**_by_id(top or {}), token_id: logprob})
        for token_id, logprob, top in zip(ids, chosen, tops, strict=True)
    ]


def _by_id(top: Mapping[str, float]) -> dict[int, float]:
    return {int(token.removeprefix(ID)): one for token, one in top.items()}


def _refusal(text: str) -> str:
    """Return the message of an error body, in either of the forms that vLLM had."""
    try:
        body = json.loads(text)
        inner = body.get("error", body)
        return str(inner["message"])[:1000]
    except (ValueError, KeyError, TypeError, AttributeError):
        return text[:200]


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
