"""Exact repetitions of a request, answered from memory.

The mock gives the same answer to the same request, but for its id and time. So a
request that came before in the very same bytes need not be validated and answered
anew: its answer is sent again, with a new id and the present time.

This is the one memory of the mock: nothing else is kept from one request for the next,
but for the tables of what pure functions made of words.
"""

from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from aiohttp import web
from cachetools import LRUCache

from aios_conformance.mockserver.exchange import Exchange
from aios_conformance.serving.context import Front, RequestContext

Key = tuple[str, bytes, str | None, str | None]

_LIMIT: Final = 4 * 1024 * 1024  # bytes of remembered requests and answers
_LARGEST: Final = 128 * 1024  # bytes of an answer that is remembered
_ENTRY: Final = 1024  # bytes of an entry beside the two bodies
_NOT_OURS: Final = frozenset(
    ("x-request-id", "date", "server", "transfer-encoding", "content-length")
)


@dataclass(frozen=True, slots=True)
class Repeat:
    """An answer to be sent again."""

    api: str | None
    front: Front
    prefix: str  # of the id
    id: bytes
    created: bytes
    streamed: bool
    events: int
    headers: dict[str, str]
    body: bytes

    def renewed(self) -> bytes:
        """Return the answer with a new id and the present time."""
        # A stream names both in each event, a whole answer once.
        count = -1 if self.streamed else 1
        identity = f"{self.prefix}{self.front.identity()}".encode()
        body = self.body.replace(self.id, identity, count)
        return body.replace(self.created, _created(self.front.now()), count)


class Repeats:
    """Answers by request, within a bound; the oldest use is forgotten first.

    Of a request that came once, only that is noted; its answer is remembered when it
    comes the second time.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        """Keep at most `limit` bytes."""
        self._answers: LRUCache[Key, tuple[Repeat | None, int]] = LRUCache(
            limit, itemgetter(1)
        )

    def find(self, key: Key) -> Repeat | None:
        """Return the answer to a request, if it is remembered."""
        found = self._answers.get(key)
        return None if found is None else found[0]

    def came_before(self, key: Key) -> bool:
        """Tell whether a request came before, and note that it came."""
        if key in self._answers:
            return True
        self._put(key, None)
        return False

    def _put(self, key: Key, repeat: Repeat | None) -> None:
        size = _ENTRY + len(key[1]) + (0 if repeat is None else len(repeat.body))
        if size <= self._answers.maxsize:
            self._answers[key] = repeat, size

    def keep(
        self,
        key: Key,
        exchange: Exchange,
        context: RequestContext | None,
        response: web.StreamResponse,
    ) -> None:
        """Remember an answer that went out as the front made it.

        Answers that hold further ids (those of tool calls) are not remembered.
        """
        if (
            context is None
            or context.model is None
            or response.status != 200
            or not exchange.finished
            or exchange.fault is not None
            or exchange.rule is not None
            or context.parameters.get("tools")
            or not exchange.response_size <= _LARGEST
        ):
            return
        body = b"".join(exchange.response)
        if len(body) != exchange.response_size:
            return  # too large for the journal
        prefix, dash, _ = context.id.partition("-")
        repeat = Repeat(
            context.api,
            context.front,
            prefix + dash,
            context.id.encode(),
            _created(context.created),
            exchange.streamed,
            exchange.events,
            {
                name: value
                for name, value in response.headers.items()
                if name.lower() not in _NOT_OURS
            },
            body,
        )
        self._put(key, repeat)


def _created(moment: int) -> bytes:
    return b'"created":%d,' % moment


async def send(
    repeat: Repeat, request: web.Request, exchange: Exchange
) -> web.StreamResponse:
    """Answer a request once more, in the form of the first time."""
    body = repeat.renewed()
    exchange.api = repeat.api
    if not repeat.streamed:
        return web.Response(body=body, headers=repeat.headers)
    exchange.streamed = True
    exchange.events, exchange.response_size = repeat.events, len(body)
    exchange.response = [body]
    response = web.StreamResponse(headers=repeat.headers)
    identity = request.headers.get("X-Request-Id")
    if identity is not None:
        response.headers["X-Request-Id"] = identity
    try:
        await response.prepare(request)
        await response.write(body)
        exchange.finished = True
        await response.write_eof()
    except ConnectionResetError:
        exchange.finished = False  # the client left
    return response
