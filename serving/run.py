"""Run an application as a process: bind, say where, serve, stop cleanly."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread

from aiohttp import web
from aiohttp.log import access_logger, server_logger

from aios_conformance.serving.watch import Watch

_GRACE = 5.0  # seconds that running requests get when the server is told to stop
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8000


@contextmanager
def quiet_pipe() -> Iterator[None]:
    """Let a command end quietly when the reader of its output has seen enough."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Unavailable(Exception):  # noqa: N818 - reads as the fact it states
    """The server cannot listen where it was told to."""


def serve(
    app: web.Application,
    address: Address,
    ready: Callable[[str], str],
    *,
    access_log: bool = False,
    request_timeout: float = 60.0,
    until_eof: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, or with `until_eof` until standard input ends.

    When the engine is started and the port is bound, the line `listening on URL` is
    printed, and after it what `ready` makes of the URL. Raises Unavailable if the
    address cannot be used.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        watch = Watch(request_timeout)
        runner.run(
            _serve(
                app, address, ready, watch, access_log=access_log, until_eof=until_eof
            )
        )


async def _serve(
    app: web.Application,
    address: Address,
    ready: Callable[[str], str],
    watch: Watch,
    *,
    access_log: bool,
    until_eof: bool,
) -> None:
    listening = _bound(address)
    # a client that does not speak HTTP is answered with 400 and no news for the log
    server_logger.setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_eof:
        told = partial(loop.call_soon_threadsafe, stop.set)
        Thread(target=_wait_for_eof, args=(told,), daemon=True).start()
    app.middlewares.insert(0, watch.middleware)
    runner = web.AppRunner(
        app,
        handler_cancellation=True,  # a client that leaves ends its generation
        shutdown_timeout=_GRACE,
        access_log=access_logger if access_log else None,
    )
    try:
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - it was set up
        server = await loop.create_server(
            partial(watch.protocol, runner.server), sock=listening, backlog=_BACKLOG
        )
        url = _url(address.host, listening.getsockname()[1])
        gc.freeze()
        sys.stdout.write(f"listening on {url}\n{ready(url)}")
        sys.stdout.flush()
        await stop.wait()
        server.close()
    finally:
        await runner.cleanup()
        listening.close()


def _wait_for_eof(told: Callable[[], object]) -> None:
    """Read standard input to its end: whoever holds it need not say anything."""
    with suppress(OSError, RuntimeError):  # RuntimeError: the loop has ended before
        while os.read(0, 1024):
            pass
        told()


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
