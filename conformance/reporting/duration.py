"""How long a run will take: by an earlier one before it, by its own pace during it.

Nothing is guessed: who has never measured a target says so.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

import orjson

from aios_conformance.conformance.options.saved import FILE_NAME
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.terms.events import (
    ExchangeDone,
    PlanMade,
    RunEvent,
)
from aios_conformance.conformance.terms.result import PlanSummary

WINDOW = 40
"""The pace is that of so many requests, the last ones."""
LEAST = 8
"""With fewer there is none."""


def duration(plan: PlanSummary, options: RunOptions) -> str:
    """How long a plan takes, in words, and that where the target was never measured.

    What explains findings comes on top: most of it is sent one after the other.
    """
    return before(plan, options) or supposed(plan, options)


def before(plan: PlanSummary, options: RunOptions) -> str:
    """How long a plan takes, in words; empty where the target was never measured."""
    measured = _measured(plan, options)
    if measured is None:
        return ""
    said = _with_more(measured.seconds, measured.answer_s, plan, options)
    return f"{said}, by what the run of {measured.started} has measured"


def supposed(plan: PlanSummary, options: RunOptions) -> str:
    """How long a plan would take if answers took a second."""
    together = plan.requests - plan.in_turn
    least = max(
        plan.in_turn + together / options.concurrency,
        plan.requests / (options.rate or float("inf")),
    )
    said = _with_more(least, max(1.0, 1 / (options.rate or 1)), plan, options)
    return f"this target is not measured yet; with answers that take a second {said}"


def _with_more(
    seconds: float, answer_s: float, plan: PlanSummary, options: RunOptions
) -> str:
    more = options.requests_to_explain + plan.spare_requests
    return (
        f"{spoken(seconds)}, and at most {spoken(more * answer_s)} more where "
        "something is found"
    )


class _Measured(NamedTuple):
    """What the last whole run of a target says of the next one."""

    seconds: float  # that the plan takes
    answer_s: float  # that one answer takes
    started: str


def _measured(plan: PlanSummary, options: RunOptions) -> _Measured | None:
    """What the last whole run of the target has measured; None where there is none.

    A run under the same preset took as long as it took; else its answers are counted.
    """
    try:
        data = orjson.loads((options.report_dir / FILE_NAME).read_bytes())
        named = data["target"].get("given") or data["target"]["url"]
        if named != options.target or not data["complete"]:
            return None
        answers = {op: t["total_ms"]["p90"] for op, t in data["timing"].items()}
        usual = sum(answers.values()) / len(answers)
        if data["preset"] == options.preset:
            used = data["usage"]
            sent = used["requests"] + used["shrink_requests"]
            seconds = data["duration_s"] / sent * plan.requests
        else:
            each = (n * answers.get(op, usual) for op, n in plan.by_operation.items())
            seconds = sum(each) / 1000 / options.concurrency
        return _Measured(seconds, usual / 1000, str(data["started"]))
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError):
        return None


@dataclass
class Remaining:
    """What is left, by the pace of the last requests: of the plan, then of the rest.

    `more` requests may explain what is found, by the options; spare ones are added
    once the plan is known.
    """

    more: int = 0
    now: Callable[[], float] = monotonic
    every_s: float = 30.0
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _told: float | None = None

    def after(self, event: ExchangeDone) -> str:
        """In words, once there is a pace: "about 3 min left"."""
        if event.is_new:
            self._ends.append(self.now())
        left = event.planned - event.done
        bound = ""
        if left < 0 and self.more:
            left, bound = left + self.more, "at most "
        if len(self._ends) < LEAST or left <= 0:
            return ""
        took = self._ends[-1] - self._ends[0]
        return f"{bound}{spoken(left * took / (len(self._ends) - 1))} left"

    def planned(self, plan: PlanSummary) -> None:
        """Take note of the plan: what it keeps for open questions comes beyond it."""
        self.more += plan.spare_requests

    def line(self, event: RunEvent) -> str:
        """A line for a log, every half minute; else empty."""
        if isinstance(event, PlanMade):
            self.planned(event.summary)
        if not isinstance(event, ExchangeDone) or not event.is_new:
            return ""
        said, now = self.after(event), self._ends[-1]
        self._told = now if self._told is None else self._told
        if now - self._told < self.every_s:
            return ""
        self._told = now
        return self.text(event, said)

    def text(self, event: ExchangeDone, said: str) -> str:
        """How far the run has come; what is sent beyond the plan explains it."""
        tail = f", {said}" if said else ""
        beyond = event.done - event.planned
        if beyond <= 0:
            return f"recording: {event.done} of {event.planned}{tail}"
        of = f" of at most {self.more}" if beyond <= self.more else ""
        return f"explaining: {beyond}{of} requests beyond the plan{tail}"


def spoken(seconds: float) -> str:
    """A length of time, as exactly as it can be known beforehand."""
    if seconds < 5:
        return "less than 5 s"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
