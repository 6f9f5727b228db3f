"""Starting and stopping the bundled servers, which are judged like any other."""

import asyncio
import os
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from secrets import token_hex

from aios_conformance.conformance.options.values import RunOptions, TargetError
from aios_conformance.conformance.terms.events import Listener, TargetStarted
from aios_conformance.spec import dialect, openapi, requirements

MODULES = {
    "mock": "aios_conformance.mockserver",
    "reference": "aios_conformance.reference_impl",
}
COMMANDS = {"mock": "aios-mock", "reference": "aios-reference"}
START_S = {"mock": 60.0, "reference": 1200.0}
"""The reference loads its models first; it says what it does meanwhile."""

LACKING = {"reference": ("dimensions",)}
"""What a bundled server does not claim: its packaged vectors have one length."""

STOP_S = 10.0
_LISTENING = re.compile(r"listening on (http://\S+)")


def with_own_key(options: RunOptions) -> RunOptions:
    """Options with a key made up for a bundled server whose dialect demands one."""
    is_bundled = options.target in MODULES
    if (
        not is_bundled
        or options.api_key
        or not openapi(options.dialect).get("security")
    ):
        return options
    return replace(options, api_key=f"sk-gateway-{token_hex(16)}")


def within_claims(options: RunOptions) -> RunOptions:
    """Options that ask of a bundled server only what it claims."""
    known = {need for row in requirements(options.dialect) for need in row.needs}
    more = [need for need in LACKING.get(options.target, ()) if need in known]
    return replace(options, without=tuple(dict.fromkeys([*options.without, *more])))


@asynccontextmanager
async def serving(
    options: RunOptions, listener: Listener, dialects: Sequence[str]
) -> AsyncIterator[str]:
    """The base URL of the target; a bundled server is started and stopped again.

    It serves the paths of all the `dialects`.

    Raises:
        TargetError: the bundled server does not start.

    """
    if options.target not in MODULES:
        yield options.target
        return
    process = await _start(options, dialects)
    output = _Output(process, options.target, listener)
    try:
        yield await output.url()
    finally:
        await _stop(process)
        await output.close()


async def _start(
    options: RunOptions, dialects: Sequence[str]
) -> asyncio.subprocess.Process:
    # our end of the pipe closes when we end, in whatever way; the server sees that
    arguments = ["--port", "0", "--until-eof"]
    for each in dialects:
        arguments += ["--dialect", dialect(each).word]
    environment = {k: v for k, v in os.environ.items() if k != "AIOS_API_KEY"}
    if options.api_key:
        environment["AIOS_API_KEY"] = options.api_key
    # -P: a folder of the same name where we were started must not take its place
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        MODULES[options.target],
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        start_new_session=True,  # Ctrl-C is ours: the server ends after the run
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class _Output:
    """Reads what a server says: its address, its progress, its last words."""

    def __init__(
        self, process: asyncio.subprocess.Process, target: str, listener: Listener
    ) -> None:
        self._process = process
        self._target = target
        self._listener = listener
        self._last: deque[str] = deque(maxlen=10)
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read())

    async def url(self) -> str:
        """The base URL, as soon as the server says that it listens."""
        name, limit = COMMANDS[self._target], START_S[self._target]
        try:
            return await asyncio.wait_for(asyncio.shield(self._address), limit)
        except TimeoutError as error:
            raise TargetError(
                f"{name} did not start within {limit:g} s: {' | '.join(self._last)}",
                code="server-not-started",
                hint=f"start {name} yourself and name its URL with --target",
            ) from error

    async def close(self) -> None:
        """Stop reading."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        if self._address.done() and not self._address.cancelled():
            self._address.exception()

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        async for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            self._last.append(text)
            found = _LISTENING.search(text)
            if found and not self._address.done():
                self._address.set_result(found[1].rstrip("/"))
            if text:
                self._listener(TargetStarted(self._target, text))
        if not self._address.done():
            status = await self._process.wait()
            said = " | ".join(self._last) or "nothing"
            name = COMMANDS[self._target]
            self._address.set_exception(
                TargetError(
                    f"{name} ended with exit {status}, saying: {said}",
                    code="server-not-started",
                    hint="`pip install aios-conformance[reference]` brings what the "
                    "reference needs"
                    if self._target == "reference"
                    else "run the command by itself to see more",
                )
            )
