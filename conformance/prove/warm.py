"""A bundled server that is started many times: loaded once, then forked.

Most of what a server costs that answers a few hundred requests is its imports. So a
parent loads the modules, and each start is a fork of it that runs the server's command
with other arguments. It is driven by lines: a JSON object starts the server, any other
line stops it.

    python -m aios_conformance.conformance.prove.warm PACKAGE MODULE…
"""

import json
import os
import re
import runpy
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from time import monotonic

from aios_conformance import spec
from aios_conformance.conformance.options.values import TargetError

START_S = 60.0
_LISTENING = re.compile(rb"listening on (http://\S+)\n")
_DONE = b"the server is done"  # said by itself
_ENDED = b"the server has ended"  # said by its parent


class WarmServer:
    """The parent process, of which one server at a time is started."""

    def __init__(self, module: str, loaded: Sequence[str]) -> None:
        """`loaded` are the modules that the server will want."""
        command = [sys.executable, "-P", "-m", __name__, module, *loaded]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is ours
        )

    @contextmanager
    def serving(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[str]:
        """The base URL of a server with these arguments, until the block ends.

        Raises:
            TargetError: the server does not start.

        """
        self._tell(json.dumps({"arguments": arguments, "environment": environment}))
        try:
            yield self._url()
        finally:
            self._tell("stop")
            self._read_until(_ENDED)

    def close(self) -> None:
        """End the parent, and the server if one is running."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 - a pipe was asked for
            pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.write(line.encode() + b"\n")

    def _url(self) -> str:
        said = self._read_until(_DONE, _LISTENING)
        found = _LISTENING.search(said)
        if found:
            return found[1].decode().rstrip("/")
        told = said.replace(_DONE, b"").decode(errors="replace").strip()
        raise TargetError(
            f"the server did not start: {told or 'it says nothing'}",
            code="server-not-started",
        )

    def _read_until(
        self, mark: bytes, wanted: re.Pattern[bytes] | None = None
    ) -> bytes:
        """What the server writes up to a mark, or to what is wanted."""
        said = b""
        for piece in self._output():
            said += piece
            if mark in said or (wanted and wanted.search(said)):
                break
        return said

    def _output(self) -> Iterator[bytes]:
        """What the server writes, until it falls silent or ends."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        until = monotonic() + START_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, until - monotonic())):
                piece = self._process.stdout.read(65_536)
                if not piece:
                    return
                yield piece


def main() -> None:
    """Load the modules, then fork a server for every line that asks for one."""
    module, *loaded = sys.argv[1:]
    for name in loaded:
        import_module(name)
    for dialect in spec.DIALECTS:
        spec.openapi(dialect)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _serve(module, asked["arguments"], asked["environment"])
        sys.stdin.readline()  # stop, or the end of whoever asked
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        os.write(1, _ENDED)


def _serve(module: str, arguments: list[str], environment: dict[str, str]) -> None:
    """Run the command of the server in a child, which never returns."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(1, _DONE)
        os._exit(0)


if __name__ == "__main__":
    main()
