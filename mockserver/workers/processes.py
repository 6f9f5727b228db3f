"""The processes: bound and forked, stopped together, none left behind."""

import asyncio
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Final

from aios_conformance.mockserver.options import MockOptions
from aios_conformance.mockserver.page.events import CLOSING
from aios_conformance.mockserver.workers.channel import Channel, Farewell
from aios_conformance.mockserver.workers.parent import Parent
from aios_conformance.mockserver.workers.worker import ServingProcess
from aios_conformance.serving.run import (
    GRACE,
    CannotListen,
    announce,
    bind,
    ended,
    run_loop,
    serving,
    told_to_stop,
)

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LATE: Final = 2.0  # seconds beyond the grace, after which a worker is killed


def serve(options: MockOptions, ready: Callable[[str], str]) -> None:
    """Serve with workers until told to stop, as `serving.run.serve` does without.

    Raises CannotListen; Died if a worker ends by itself, when all others have ended.
    """
    if not hasattr(os, "fork"):
        raise CannotListen("--workers needs a system on which processes can fork")
    parent = Parent(options)
    with TemporaryDirectory(prefix="aios-mock-") as folder:
        path = str(Path(folder) / "parent")
        worker = ServingProcess(options, path)
        bound = _bound(options)
        port = bound[0].getsockname()[1]
        private = socket.socket(socket.AF_UNIX)
        private.bind(path)
        children: list[_Child] = []
        for index in range(len(bound)):
            ours, theirs = socket.socketpair()
            others = (private, ours, *bound[:index], *bound[index + 1 :])
            others += tuple(child.end for child in children)
            follow = partial(
                _follow, worker, options, index, bound[index], theirs, folder
            )
            children.append(_Child(ours, follow, others))
            theirs.close()
        for one in bound:
            one.close()
        announced = partial(announce, options.address, port, ready)
        run_loop(_lead(parent, options, children, private, announced))


def _bound(options: MockOptions) -> Sequence[socket.socket]:
    """Return a socket for each worker, all of them bound to one address."""
    first = bind(options.address)
    more = range(options.workers - 1)
    if sys.platform != "linux":  # elsewhere the system does not share out connections
        return first, *(first.dup() for _ in more)
    # set after it is bound: who has the port already must not be joined
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound = [first, *(socket.socket(first.family) for _ in more)]
    for one in bound[1:]:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(first.getsockname())
    return bound


class _Child:
    """A worker's process, as its parent knows it."""

    def __init__(
        self,
        end: socket.socket,
        work: Callable[[], None],
        others: Sequence[socket.socket],
    ) -> None:
        """Fork a process that does its work, and has no business with `others`."""
        self.end = end
        self._over: asyncio.Task[int] | None = None
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        # what tells all to stop meanwhile must meet no child that it would end
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self.process = os.fork()
        if self.process == 0:
            _as_child(work, others)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    async def over(self) -> int:
        """Return its exit code, or the negative number of the signal that ended it."""
        if self._over is None:
            self._over = asyncio.create_task(self._waited())
        return await asyncio.shield(self._over)

    async def _waited(self) -> int:
        _, status = await asyncio.to_thread(os.waitpid, self.process, 0)
        return os.waitstatus_to_exitcode(status)

    async def stopped(self) -> None:
        """Let it come to its end, or see that it does."""
        try:
            await asyncio.wait_for(self.over(), GRACE + _LATE)
        except TimeoutError:
            os.kill(self.process, signal.SIGKILL)
            await self.over()


def _as_child(work: Callable[[], None], others: Sequence[socket.socket]) -> None:
    """Do the work and end: a child never returns to what its parent was doing."""
    code = 1
    try:
        for number in _SIGNALS:  # they are for the parent, whose end is ours
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        for one in others:
            one.close()
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nobody else could tell
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _follow(
    worker: ServingProcess,
    options: MockOptions,
    index: int,
    bound: socket.socket,
    end: socket.socket,
    folder: str,
) -> None:
    """Serve until the parent is gone, and clear up after one that was killed."""

    async def run() -> None:
        channel = Channel(*await asyncio.open_unix_connection(sock=end))
        async with serving(
            worker.application,
            bound,
            access_log=options.access_log,
            request_timeout=options.request_timeout,
            lost=worker.reports.lost,
        ):
            told = await worker.follow(channel, index)
        if not told:
            rmtree(folder, ignore_errors=True)

    run_loop(run())


async def _lead(
    parent: Parent,
    options: MockOptions,
    children: Sequence[_Child],
    private: socket.socket,
    announced: Callable[[], None],
) -> None:
    """Serve what the workers hand on, until told to stop."""
    stop = told_to_stop(until_eof=options.until_eof)
    ends = [await asyncio.open_unix_connection(sock=child.end) for child in children]
    channels = [Channel(*end) for end in ends]

    async def death() -> str:
        index = await parent.died()
        code = await children[index].over()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"worker {index + 1} (process {children[index].process}) ended {how}"

    async with serving(
        parent.application, private, request_timeout=options.request_timeout
    ):
        try:
            if await parent.lead(channels):
                announced()
            await ended(stop, death)
        finally:
            parent.application[CLOSING].set()
            for channel in channels:
                channel.send(Farewell())
                channel.close()
            await asyncio.gather(*(child.stopped() for child in children))
