"""A target that says exactly what it is told to, byte by byte, and remembers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Writer = asyncio.StreamWriter
Play = Callable[[Writer], Awaitable[None]]


def answer(
    body: bytes = b"{}", status: int = 200, headers: Iterable[str] = ()
) -> bytes:
    """A whole HTTP answer."""
    head = [
        f"HTTP/1.1 {status} Said",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


@dataclass
class Target:
    """Plays one act per request, the last one again and again."""

    acts: list[bytes | Play]
    requests: list[bytes] = field(default_factory=list)
    url: str = ""
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    def connected(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.create_task(self.serve(reader, writer))
        self.connections.add(task)
        task.add_done_callback(self.connections.discard)

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while head := await self._head(reader):
                self.requests.append(head)
                act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                if isinstance(act, bytes):
                    writer.write(act)
                    await writer.drain()
                else:
                    await act(writer)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return head + await reader.readexactly(length)


@asynccontextmanager
async def saying(*acts: bytes | Play) -> AsyncIterator[Target]:
    """Serve these acts on a free port."""
    target = Target(list(acts))
    server = await asyncio.start_server(target.connected, "127.0.0.1", 0)
    target.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield target
    finally:
        server.close()
        for connection in target.connections:
            connection.cancel()
        await asyncio.gather(*target.connections, return_exceptions=True)


def cut(said: bytes) -> Play:
    """Say some bytes, then close the connection."""

    async def play(writer: Writer) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    return play


async def hang_up(writer: Writer) -> None:
    """Close the connection without a word."""
    writer.close()


async def say_nothing(writer: Writer) -> None:
    """Keep the connection and be silent."""
    await asyncio.sleep(60)
