"""The mock inside a Python process, for tests: started, looked at, changed.

with local_mock("--ttft-ms", "20") as mock:
    client = OpenAI(base_url=mock.base_url, api_key="any")
    mock.say("It is sunny.", text="weather")
    ...
    assert mock.requests[-1]["body"]["stream"] is True

`MockServer` does the same in the loop of an asynchronous test.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Self

from aiohttp import web

from aios_conformance.mockserver.app import STATE, mock_application
from aios_conformance.mockserver.control.controls import Controls
from aios_conformance.mockserver.options import MockOptions, read_options
from aios_conformance.mockserver.state import MockState
from aios_conformance.serving.run import Address, bind, listening

_GRACE: Final = 1.0  # seconds for what still runs when a test is over


class LocalMock(Controls):
    """A mock that runs in a thread of its own."""

    def __init__(
        self, url: str, state: MockState, loop: asyncio.AbstractEventLoop
    ) -> None:
        """`loop` is the one that serves."""
        super().__init__(url, state)
        self._loop = loop

    def _rest(self) -> None:
        resting = self._state.journal.at_rest()
        asyncio.run_coroutine_threadsafe(resting, self._loop).result()


class MockServer(Controls):
    """A mock in the running loop, for as long as `async with` lasts.

    async with MockServer("--speed", "cpu") as mock:
        client = AsyncOpenAI(base_url=mock.base_url, api_key="any")

    A client that blocks the loop blocks the mock; use `local_mock` for those.
    """

    def __init__(self, *argv: str) -> None:
        """`argv` as for `aios-mock`; raises OptionError."""
        self._options = read_options(argv, {})
        self._app = mock_application(self._options)

    async def __aenter__(self) -> Self:
        """Serve on a free port."""
        self._serving = _serving(self._app, self._options)
        super().__init__(await self._serving.__aenter__(), self._app[STATE])
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop serving."""
        await self._serving.__aexit__(None, None, None)

    async def settle(self) -> None:
        """Let exchanges whose answers were read be noted as over in `requests`."""
        await self._state.journal.at_rest()


@contextmanager
def local_mock(*argv: str) -> Iterator[LocalMock]:
    """Serve a mock from a thread on a free port; `argv` as for `aios-mock`.

    Raises OptionError. The environment has no say here, so that tests are alike
    everywhere.
    """
    options = read_options(argv, {})
    app = mock_application(options)
    loop = asyncio.new_event_loop()
    serving = _serving(app, options)
    url = loop.run_until_complete(serving.__aenter__())
    thread = threading.Thread(target=loop.run_forever, name="aios-mock", daemon=True)
    thread.start()
    try:
        yield LocalMock(url, app[STATE], loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(serving.__aexit__(None, None, None))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@asynccontextmanager
async def _serving(app: web.Application, options: MockOptions) -> AsyncIterator[str]:
    """Serve on a free port; yield the URL."""
    bound = bind(Address(port=0))
    timeout = options.request_timeout
    async with listening(app, bound, request_timeout=timeout, grace=_GRACE):
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
