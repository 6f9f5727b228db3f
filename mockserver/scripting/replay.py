"""Play a tape, and fetch from a real server what is not on it."""

import sys
from contextlib import suppress
from typing import Final

import aiohttp
from aiohttp import web

from aios_conformance.mockserver.control.journal import readable
from aios_conformance.mockserver.faults.effects import PlayedRefusal
from aios_conformance.mockserver.faults.pacing import REAL_CLOCK, Clock
from aios_conformance.mockserver.scripting.tape import Take, Tape, TapeError
from aios_conformance.serving.app import refuse
from aios_conformance.serving.bodies import body
from aios_conformance.serving.located import shown

_PASSED: Final = ("authorization", "content-type", "accept", "api-key", "x-api-key")
_STREAM: Final = "text/event-stream"
_END: Final = b"\n\n"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=30)


class RecordedUpstream:
    """The connections to real servers, made when one is first asked."""

    def __init__(self) -> None:
        """Connect to nobody yet."""
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """Return the connection pool of the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self._session

    async def close(self, app: web.Application) -> None:
        """Close all connections (for `app.on_cleanup`)."""
        del app
        if self._session is not None:
            await self._session.close()
            self._session = None


class Relay:
    """Answers from the tape; None leaves a request to the mock itself."""

    def __init__(
        self,
        tape: Tape,
        *,
        upstream: str | None = None,
        speed: float = 0.0,
        clock: Clock = REAL_CLOCK,
    ) -> None:
        """Requests that are not on the tape go to `upstream` and are recorded.

        Its URL may end in `/v1`, as clients want it.
        `speed` 1 keeps the recorded timing, 2 halves it, 0 does not wait.
        """
        self.tape = tape
        self._upstream = upstream and upstream.rstrip("/").removesuffix("/v1")
        self._speed = speed
        self._clock = clock

    async def answer(
        self, request: web.Request, upstream: RecordedUpstream
    ) -> web.StreamResponse | None:
        """Play the request's take or fetch one; None if neither can be."""
        sent = readable(await body(request))
        take = self.tape.play(request.method, request.path, sent)
        if take is not None:
            return await self._replayed(request, take)
        if self._upstream is not None:
            return await self._fetched(request, self._upstream, upstream.session())
        return None

    async def _replayed(self, request: web.Request, take: Take) -> web.StreamResponse:
        headers = {"Content-Type": take.content_type}
        if not take.content_type.startswith(_STREAM):
            whole = b"".join(data for _, data in take.blocks)
            await self._wait(take.blocks[-1][0] if take.blocks else 0.0)
            return web.Response(status=take.status, body=whole, headers=headers)
        response = web.StreamResponse(status=take.status, headers=headers)
        await response.prepare(request)
        before = 0.0
        for at, data in take.blocks:
            await self._wait(at - before)
            before = at
            await response.write(data)
        await response.write_eof()
        return response

    async def _wait(self, milliseconds: float) -> None:
        if self._speed > 0 and milliseconds > 0:
            await self._clock.sleep(milliseconds / 1000 / self._speed)

    async def _fetched(
        self, request: web.Request, upstream: str, session: aiohttp.ClientSession
    ) -> web.StreamResponse:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() in _PASSED
        }
        begun = self._clock.now()
        raw = await body(request)
        try:
            async with session.request(
                request.method,
                f"{upstream}{request.rel_url}",
                data=raw,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                recording = TapeRecorder(
                    request.method,
                    request.path,
                    readable(raw),
                    answer.status,
                    shown(answer.headers.get("Content-Type", "application/json")),
                )
                if recording.content_type.startswith(_STREAM):
                    return await self._relayed(request, answer, recording, begun)
                whole = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            told = f"the recorded server cannot be reached: {error}"
            return refuse(request, PlayedRefusal(502, told, "upstream_unreachable"))
        recording.add(self._elapsed(begun), whole)
        if lost := self._lost(recording):
            return refuse(request, PlayedRefusal(500, lost, "tape_unwritable"))
        return web.Response(
            status=recording.status,
            body=whole,
            headers={"Content-Type": recording.content_type},
        )

    async def _relayed(
        self,
        request: web.Request,
        answer: aiohttp.ClientResponse,
        recording: "TapeRecorder",
        begun: float,
    ) -> web.StreamResponse:
        """Pass a stream on as it comes; keep it even if the client leaves early.

        Clients hang up after [DONE], before the connection has ended properly. Who
        reads to the end finds the stream on the tape.
        """
        response = web.StreamResponse(
            status=recording.status, headers={"Content-Type": recording.content_type}
        )
        await response.prepare(request)
        whole = False
        try:
            async for data in answer.content.iter_any():
                recording.add(self._elapsed(begun), data)
                with suppress(ConnectionResetError):
                    await response.write(data)
            whole = True
        finally:
            if whole or recording.done:
                self._lost(recording)
        with suppress(ConnectionResetError):
            await response.write_eof()
        return response

    def _lost(self, recording: "TapeRecorder") -> str:
        """Record an answer; tell why that cannot be, on standard error too."""
        try:
            self.tape.record(recording.take())
        except TapeError as error:
            sys.stderr.write(f"aios-mock: {error}\n")
            return str(error)
        return ""

    def _elapsed(self, begun: float) -> float:
        return (self._clock.now() - begun) * 1000


class TapeRecorder:
    """A take in the making. A stream's blocks are cut where its events end."""

    def __init__(
        self, method: str, path: str, body: object, status: int, content_type: str
    ) -> None:
        """`body` is that of the request."""
        self._method = method
        self._path = path
        self._body = body
        self.status = status
        self.content_type = content_type
        self._blocks: list[tuple[float, bytes]] = []
        self._rest = b""
        self._at = 0.0

    def add(self, at: float, data: bytes) -> None:
        """Take data that came `at` milliseconds after the request."""
        self._at = at
        whole, found, rest = (self._rest + data).rpartition(_END)
        if found:
            self._blocks.append((at, whole + found))
        self._rest = rest

    @property
    def done(self) -> bool:
        """Whether the last event of a stream was there."""
        return any(b"[DONE]" in data for _, data in self._blocks[-1:])

    def take(self) -> Take:
        """Return what was taken so far."""
        rest = [(self._at, self._rest)] if self._rest else []
        return Take(
            self._method,
            self._path,
            self._body,
            self.status,
            self.content_type,
            (*self._blocks, *rest),
        )
