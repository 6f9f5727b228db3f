"""Run an application as a process: bind, say where, serve, stop cleanly."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.log import access_logger, server_logger

_GRACE = 5.0  # seconds that running requests get when the server is told to stop
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8000


class Unavailable(Exception):  # noqa: N818 - reads as the fact it states
    """The server cannot listen where it was told to."""


def serve(
    app: web.Application,
    address: Address,
    ready: Callable[[str], str],
    *,
    access_log: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT.

    When the engine is started and the port is bound, the line `listening on URL` is
    printed, and after it what `ready` makes of the URL. Raises Unavailable if the
    address cannot be used.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(app, address, ready, access_log=access_log))


async def _serve(
    app: web.Application,
    address: Address,
    ready: Callable[[str], str],
    *,
    access_log: bool,
) -> None:
    listening = _bound(address)
    # a client that does not speak HTTP is answered with 400 and no news for the log
    server_logger.setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        app,
        handler_cancellation=True,  # a client that leaves ends its generation
        shutdown_timeout=_GRACE,
        access_log=access_logger if access_log else None,
    )
    try:
        await runner.setup()
        await web.SockSite(runner, listening, backlog=_BACKLOG).start()
        url = _url(address.host, listening.getsockname()[1])
        gc.freeze()
        sys.stdout.write(f"listening on {url}\n{ready(url)}")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()
        listening.close()


def _bound(address: Address) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {address.host}:{address.port}: {error.strerror}"
        ) from error
    return listening


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Use uvloop where it is installed; it is faster and otherwise no different."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
