"""Run an application as a process: bind, say where, serve, stop cleanly."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
)
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

from aiohttp import web
from aiohttp.log import access_logger, server_logger

from aios_conformance.serving.at_once import AT_ONCE
from aios_conformance.serving.located import shown
from aios_conformance.serving.watch import Watch

GRACE = 5.0
"""Seconds that running requests get when the server is told to stop."""

_STANDARD_ERROR = 2
_BACKLOG = 1024
_YOUNG = 20_000  # new objects after which the collector looks at them


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8000


@contextmanager
def standard_output() -> Iterator[None]:
    """Let a command write, read or not.

    One that was closed leads nowhere: else the next file that is opened took its place.
    A reader that has seen enough ends the command quietly. Raises CannotWrite.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(opened)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    except OSError as error:
        _silence()
        where = error.filename or "the output"
        raise CannotWrite(f"{where}: {error.strerror or error}") from error


def _silence() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class CannotWrite(Exception):  # noqa: N818 - reads as the fact it states
    """What the command has to say cannot be written, or a file not be used."""


class CannotListen(Exception):  # noqa: N818
    """The server cannot listen where it was told to."""


class Died(Exception):  # noqa: N818
    """What was served has died; the text says why."""


def serve(
    app: web.Application,
    address: Address,
    ready: Callable[[str], str],
    *,
    access_log: bool = False,
    request_timeout: float = 60.0,
    until_eof: bool = False,
    death: Callable[[], Awaitable[str]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or with `until_eof` until standard input ends.

    If `death` returns, what is served cannot go on: raises Died with the reason.

    When the engine is started and the port is bound, the line `listening on URL` is
    printed, and after it what `ready` makes of the URL. Raises CannotListen if the
    address cannot be used.
    """

    async def run() -> None:
        bound = bind(address)
        stop = told_to_stop(until_eof=until_eof)
        async with serving(
            app, bound, access_log=access_log, request_timeout=request_timeout
        ):
            announce(address, bound.getsockname()[1], ready)
            await ended(stop, death)

    run_loop(run())


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in the quickest loop that there is."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)


@asynccontextmanager
async def serving(
    app: web.Application,
    bound: socket.socket,
    *,
    access_log: bool = False,
    request_timeout: float = 60.0,
    lost: Callable[[asyncio.Transport], object] | None = None,
) -> AsyncIterator[None]:
    """Listen on a socket and serve, as the one thing that this process does.

    `lost` is told of each connection that is gone.
    """
    # a client that does not speak HTTP is answered with 400 and no news for the log
    server_logger.setLevel(logging.CRITICAL)
    async with listening(
        app,
        bound,
        access_log=access_log,
        request_timeout=request_timeout,
        lost=lost,
    ):
        gc.freeze()
        gc.set_threshold(_YOUNG)
        yield


@asynccontextmanager
async def listening(
    app: web.Application,
    bound: socket.socket,
    *,
    access_log: bool = False,
    request_timeout: float = 60.0,
    lost: Callable[[asyncio.Transport], object] | None = None,
    grace: float = GRACE,
) -> AsyncIterator[None]:
    """Listen on a socket and serve; at the end let running requests come to theirs."""
    plain = not (access_log or app.on_response_prepare)
    watch = Watch(request_timeout, lost, app.get(AT_ONCE) if plain else None)
    app.middlewares.insert(0, watch.middleware)
    runner = runner_of(app, grace=grace, access_log=access_log)
    loop = asyncio.get_running_loop()
    unix = bound.family == getattr(socket, "AF_UNIX", None)
    try:
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - it was set up
        protocol = partial(watch.protocol, runner.server)
        server = await (
            loop.create_unix_server(protocol, sock=bound, backlog=_BACKLOG)
            if unix
            else loop.create_server(protocol, sock=bound, backlog=_BACKLOG)
        )
        try:
            yield
        finally:
            server.close()
    finally:
        await runner.cleanup()
        bound.close()


def runner_of(
    app: web.Application, *, grace: float = GRACE, access_log: bool = False
) -> web.AppRunner:
    """Return what runs an application of ours in a loop."""
    return web.AppRunner(
        app,
        handler_cancellation=True,  # a client that leaves ends its generation
        shutdown_timeout=grace,
        access_log=access_logger if access_log else None,
        auto_decompress=False,  # `bodies` inflates
    )


def told_to_stop(*, until_eof: bool) -> asyncio.Event:
    """Return what is set by SIGTERM or SIGINT, or by the end of standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_eof:
        told = partial(loop.call_soon_threadsafe, stop.set)
        Thread(target=_wait_for_eof, args=(told,), daemon=True).start()
    return stop


def announce(address: Address, port: int, ready: Callable[[str], str]) -> None:
    """Say where is served, now that it is: the port may have been chosen."""
    url = _url(address.host, port)
    sys.stdout.write(shown(f"listening on {url}\n{ready(url)}"))
    sys.stdout.flush()


async def ended(
    stop: asyncio.Event, death: Callable[[], Awaitable[str]] | None
) -> None:
    """Wait until told to stop; raises Died if `death` says why before that."""
    if death is None:
        await stop.wait()
        return
    told, dying = asyncio.create_task(stop.wait()), asyncio.ensure_future(death())
    await asyncio.wait((told, dying), return_when=asyncio.FIRST_COMPLETED)
    for task in (told, dying):
        task.cancel()
    if dying.done():
        raise Died(dying.result())


def _wait_for_eof(told: Callable[[], object]) -> None:
    """Read standard input to its end: whoever holds it need not say anything."""
    with suppress(OSError, RuntimeError):  # RuntimeError: the loop has ended before
        while os.read(0, 1024):
            pass
        told()


def bind(address: Address) -> socket.socket:
    """Take an address; raises CannotListen."""
    with ExitStack() as failing:
        try:
            family, kind, protocol, _, where = socket.getaddrinfo(
                address.host, address.port, type=socket.SOCK_STREAM
            )[0]
            listening = failing.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(where)
        except OSError as error:
            raise CannotListen(
                f"cannot listen on {address.host}:{address.port}: {error.strerror}"
            ) from error
        failing.pop_all()
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
