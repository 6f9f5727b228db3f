"""Exact repetitions of a request, answered from memory.

The mock gives the same answer to the same request, but for its id and time. So a
request that came before in the very same bytes need not be validated and answered
anew: its answer is sent again, with a new id and the present time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from aios_conformance.mockserver.control.exchange import Exchange, Remark
from aios_conformance.mockserver.memory import Memory
from aios_conformance.mockserver.profile.vllm import REQUEST_IDS
from aios_conformance.serving.context import Front, RequestContext

Key = tuple[str, bytes, str | None, str | None]

_ONCE: Final = "once"  # stands for the answer to a request that came once
LARGEST: Final = 128 * 1024
"""Bytes of a request, and of its answer, that are remembered."""

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
    remarks: Sequence[Remark] | None = None
    model: str | None = None
    tokens: tuple[int, int] = (0, 0)
    finishes: Sequence[str] = ()

    def renewed(self, asked: str | None = None) -> bytes:
        """Return the answer with a new id and the present time.

        `asked` is the X-Request-Id, which some servers make the id of.
        """
        # A stream names both in each event, a whole answer once.
        count = -1 if self.streamed else 1
        if asked is None or REQUEST_IDS not in self.front.profile:
            asked = self.front.identity()
        identity = f"{self.prefix}{asked}".encode()
        body = self.body.replace(self.id, identity, count)
        return body.replace(self.created, _created(self.front.now()), count)


class Repeats:
    """Answers by request. A request is remembered when it comes the second time."""

    def __init__(self, memory: Memory) -> None:
        """Keep them in a memory that others may use as well."""
        self._memory = memory

    def find(self, key: Key) -> Repeat | None:
        """Return the answer to a request, if it is remembered."""
        found = self._memory.get(key)
        return found if isinstance(found, Repeat) else None

    def came_before(self, key: Key) -> bool:
        """Tell whether a request came before, and note that it came."""
        if self._memory.get(key) is not None:
            return True
        self._memory.put(key, _ONCE, len(key[1]))
        return False

    def keep(
        self, key: Key, exchange: Exchange, context: RequestContext | None
    ) -> None:
        """Remember an answer that went out as the front made it.

        Answers that hold further ids (those of tool calls) are not remembered.
        """
        if (
            context is None
            or context.model is None
            or exchange.status != 200
            or not exchange.finished
            or exchange.fault is not None
            or exchange.rule is not None
            or context.parameters.get("tools")
            or not exchange.response_size <= LARGEST
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
                for name, value in exchange.answered.items()
                if name.lower() not in _NOT_OURS
            },
            body,
            exchange.remarks,
            exchange.model,
            exchange.tokens,
            exchange.finishes,
        )
        self._memory.put(key, repeat, len(key[1]) + len(body))


def _created(moment: int) -> bytes:
    return b'"created":%d,' % moment


def again(repeat: Repeat, exchange: Exchange, asked: str | None = None) -> bytes:
    """Return an answer once more, and note what it is; `asked` is its X-Request-Id."""
    body = repeat.renewed(asked)
    exchange.api, exchange.model = repeat.api, repeat.model
    exchange.remarks, exchange.tokens = repeat.remarks, repeat.tokens
    exchange.finishes = repeat.finishes
    exchange.streamed, exchange.events = repeat.streamed, repeat.events
    exchange.response, exchange.response_size = [body], len(body)
    return body


async def send(
    repeat: Repeat, request: web.Request, exchange: Exchange
) -> web.StreamResponse:
    """Answer a request once more, in the form of the first time."""
    asked = request.headers.get("X-Request-Id")
    body = again(repeat, exchange, asked)
    if not repeat.streamed:
        return web.Response(body=body, headers=repeat.headers)
    response = web.StreamResponse(headers=repeat.headers)
    if asked is not None:
        response.headers["X-Request-Id"] = asked
    try:
        await response.prepare(request)
        exchange.finished = True
        await response.write_eof(body)  # head, body and end in one packet
    except ConnectionResetError:
        exchange.finished = False  # the client left
    return response
