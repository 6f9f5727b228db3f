"""The mock inside a Python process, for tests: started, looked at, changed.

with local_mock("--ttft-ms", "20") as mock:
    client = OpenAI(base_url=mock.base_url, api_key="any")
    mock.say("It is sunny.", text="weather")
    ...
    assert mock.requests[-1]["body"]["stream"] is True
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from aios_conformance.mockserver.app import STATE, mock_application
from aios_conformance.mockserver.faults import parse_rate
from aios_conformance.mockserver.journal import described
from aios_conformance.mockserver.options import read_options
from aios_conformance.mockserver.rules import Rules, parse_rules
from aios_conformance.mockserver.state import MockState


class LocalMock:
    """A running mock. Rules that are added last are tried first."""

    def __init__(
        self, url: str, state: MockState, loop: asyncio.AbstractEventLoop
    ) -> None:
        """`url` has no path; `loop` is the one that serves."""
        self._loop = loop
        self.url = url
        self.base_url = f"{url}/v1"
        self._state = state
        self._rules: list[Mapping[str, Any]] = []

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The journal, the oldest exchange first (see the README for the members)."""
        journal = self._state.journal
        asyncio.run_coroutine_threadsafe(journal.at_rest(), self._loop).result()
        return [described(exchange) for exchange in journal]

    def rules(self, *rules: Mapping[str, Any]) -> None:
        """Use these rules, written as in a rules file; raises RuleError."""
        parsed = parse_rules(list(rules), "rules")
        self._rules = list(rules)
        self._state.rules = Rules(parsed)

    def rule(self, respond: Any, /, *, times: int | None = None, **match: Any) -> None:
        """Put one rule before the others: `respond` where `match` holds.

        All rules begin to count anew. Raises RuleError.
        """
        rule: dict[str, Any] = {"match": match, "respond": respond}
        if times is not None:
            rule["times"] = times
        self.rules(rule, *self._rules)

    def say(self, text: str, /, *, times: int | None = None, **match: Any) -> None:
        """Answer with this text where `match` holds (api, model, text, ...)."""
        self.rule({"text": text}, times=times, **match)

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        /,
        *,
        times: int | None = None,
        **match: Any,
    ) -> None:
        """Answer with a tool call where `match` holds."""
        calls = [{"name": name, "arguments": dict(arguments)}]
        self.rule({"tool_calls": calls}, times=times, **match)

    def fail(
        self, status: int = 500, /, *, times: int | None = 1, **match: Any
    ) -> None:
        """Refuse with a status where `match` holds, once unless `times` says more."""
        self.rule({"status": status}, times=times, **match)

    def faults(self, *rates: str) -> None:
        """Use these faults, written as for `--fault`; raises FaultError."""
        self._state.faults = [parse_rate(rate) for rate in rates]

    def reset(self) -> None:
        """Forget the journal, and all rules and faults that were set from here."""
        self._rules = []
        self._state.reset()


@contextmanager
def local_mock(*argv: str) -> Iterator[LocalMock]:
    """Serve a mock from a thread on a free port; `argv` as for `aios-mock`.

    Raises OptionError. The environment has no say here, so that tests are alike
    everywhere.
    """
    app = mock_application(read_options(argv, {}))
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    url = loop.run_until_complete(_started(runner))
    thread = threading.Thread(target=loop.run_forever, name="aios-mock", daemon=True)
    thread.start()
    try:
        yield LocalMock(url, app[STATE], loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _started(runner: web.AppRunner) -> str:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    addresses: Sequence[Any] = runner.addresses
    return f"http://127.0.0.1:{addresses[0][1]}"
