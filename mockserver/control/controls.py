"""What a test can make a mock do, wherever that mock runs."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from aios_conformance.mockserver.clients import report
from aios_conformance.mockserver.clients.answer import of_state
from aios_conformance.mockserver.clients.verdict import Verdict
from aios_conformance.mockserver.control.journal import described
from aios_conformance.mockserver.faults.kinds import parse_rate
from aios_conformance.mockserver.faults.quotas import Quotas, parse_quota
from aios_conformance.mockserver.scripting.replay import Relay
from aios_conformance.mockserver.scripting.rule_reader import parse_rules
from aios_conformance.mockserver.scripting.rules import Rules
from aios_conformance.mockserver.scripting.tape import Tape
from aios_conformance.mockserver.state import MockState


class Controls:
    """A running mock. Rules that are added last are tried first."""

    def __init__(self, url: str, state: MockState) -> None:
        """`url` has no path."""
        self.url = url
        self.base_url = f"{url}/v1"
        self._state = state
        self._rules: list[Mapping[str, Any]] = []

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The journal, the oldest exchange first (see the README for the members)."""
        self._rest()
        return [described(exchange) for exchange in self._state.journal]

    def _rest(self) -> None:
        """Let exchanges whose answers were read be noted as over."""

    def verdict(self) -> Verdict:
        """What the exchanges since the last reset say of the client."""
        self._rest()
        return of_state(self._state)

    def assert_resilient(self, *, ignore: Collection[str] = ()) -> None:
        """Raise AssertionError, with the verdict, if a rule fails or nothing was sent.

        `ignore` names rules that may fail. Warnings do not count.
        """
        __tracebackhide__ = True
        verdict = self.verdict()
        if not verdict.resilient(ignore):
            raise AssertionError(report.text(verdict))

    def rules(self, *rules: Mapping[str, Any]) -> None:
        """Use these rules, written as in a rules file; raises RuleError."""
        parsed = parse_rules({"rules": list(rules)})
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
        self,
        status: int = 500,
        /,
        *,
        times: int | None = 1,
        headers: Mapping[str, Any] | None = None,
        **match: Any,
    ) -> None:
        """Refuse with a status where `match` holds, once unless `times` says more.

        `headers` stand beside the usual ones, such as `{"Retry-After": 3}`.
        """
        respond = {"status": status, "headers": dict(headers or {})}
        self.rule(respond, times=times, **match)

    def fault(self, fault: str, /, *, times: int | None = 1, **match: Any) -> None:
        """Play a fault, such as `cut@3`, where `match` holds, once unless `times`."""
        self.rule({"fault": fault}, times=times, **match)

    def truncate(
        self, after: int = 1, /, *, times: int | None = 1, **match: Any
    ) -> None:
        """End a stream after some events as if all were well, once unless `times`."""
        self.fault(f"truncate@{after}", times=times, **match)

    def script(self, *responses: str | int | Mapping[str, Any], **match: Any) -> None:
        """Answer in turn, the last one for ever: texts, statuses, or any `respond`."""
        self.rule([_respond(response) for response in responses], **match)

    def rate_limit(
        self,
        requests: int | None = None,
        tokens: int | None = None,
        *,
        seconds: float = 60.0,
    ) -> None:
        """Let each key use so much within some seconds; without limits, all.

        Raises ValueError.
        """
        limits = {"requests": requests, "tokens": tokens, "seconds": seconds}
        quota = parse_quota(limits)
        self._state.quotas = Quotas(quota) if quota else None

    def tape(
        self,
        path: str | Path,
        *,
        record: str | None = None,
        strict: bool = True,
        speed: float = 0.0,
    ) -> None:
        """Play this tape from now on; raises TapeError.

        What is not on it is asked of the server at `record` and recorded, or else
        refused, or without `strict` answered by the mock itself.
        """
        self._state.relay = Relay(Tape(Path(path)), upstream=record, speed=speed)
        self._state.strict = strict

    def faults(self, *rates: str) -> None:
        """Use these faults, written as for `--fault`; raises FaultError."""
        self._state.faults = [parse_rate(rate) for rate in rates]

    def reset(self) -> None:
        """Be as new: forget the journal, and all that was set from here."""
        self._rules = []
        self._state.reset()


def _respond(response: str | int | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(response, str):
        return {"text": response}
    return {"status": response} if isinstance(response, int) else response
