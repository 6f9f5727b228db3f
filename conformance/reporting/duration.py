"""How long a run will take: by an earlier one before it, by its own pace during it.

Nothing is guessed: who has never measured a target says so.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import orjson

from aios_conformance.conformance.options.saved import FILE_NAME
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.terms.events import ExchangeDone, RunEvent
from aios_conformance.conformance.terms.result import PlanSummary

WINDOW = 40
"""The pace is that of so many requests, the last ones."""
LEAST = 8
"""With fewer there is none."""


def before(plan: PlanSummary, options: RunOptions) -> str:
    """How long a plan takes, in words; empty where the target was never measured."""
    measured = _measured(plan, options)
    if measured is None:
        return ""
    seconds, started = measured
    return f"{spoken(seconds)}, by what the run of {started} has measured"


def supposed(plan: PlanSummary, options: RunOptions) -> str:
    """How long a plan would take if answers took a second."""
    least = plan.requests / min(options.concurrency, options.rate or float("inf"))
    return (
        f"this target is not measured yet; with answers that take a second "
        f"{spoken(least)}"
    )


def _measured(plan: PlanSummary, options: RunOptions) -> tuple[float, str] | None:
    """Seconds that the plan takes by the last whole run of the target, and its date.

    A run under the same preset took as long as it took; else its answers are counted.
    """
    try:
        data = orjson.loads((options.report_dir / FILE_NAME).read_bytes())
        named = data["target"].get("given") or data["target"]["url"]
        if named != options.target or not data["complete"]:
            return None
        if data["preset"] == options.preset:
            pace = data["duration_s"] / data["usage"]["requests"]
            return pace * plan.requests, str(data["started"])
        answers = {op: t["total_ms"]["p90"] for op, t in data["timing"].items()}
        usual = sum(answers.values()) / len(answers)
        each = (n * answers.get(op, usual) for op, n in plan.by_operation.items())
        return sum(each) / 1000 / options.concurrency, str(data["started"])
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError):
        return None


@dataclass
class Remaining:
    """What is left of the recording, by the pace of the last requests."""

    now: Callable[[], float] = monotonic
    every_s: float = 30.0
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _told: float | None = None

    def after(self, event: ExchangeDone) -> str:
        """In words, once there is a pace: "about 3 min left"."""
        if event.is_new:
            self._ends.append(self.now())
        left = event.planned - event.done
        if len(self._ends) < LEAST or left <= 0:
            return ""
        took = self._ends[-1] - self._ends[0]
        return f"{spoken(left * took / (len(self._ends) - 1))} left"

    def line(self, event: RunEvent) -> str:
        """A line for a log, every half minute; else empty."""
        if not isinstance(event, ExchangeDone) or not event.is_new:
            return ""
        said, now = self.after(event), self._ends[-1]
        self._told = now if self._told is None else self._told
        if now - self._told < self.every_s:
            return ""
        self._told = now
        return progress_text(event, said)


def progress_text(event: ExchangeDone, said: str) -> str:
    """How far the recording has come; what is sent beyond the plan explains it."""
    if event.done > event.planned:
        return f"explaining: {event.done - event.planned} requests beyond the plan"
    tail = f", {said}" if said else ""
    return f"recording: {event.done} of {event.planned}{tail}"


def spoken(seconds: float) -> str:
    """A length of time, as exactly as it can be known beforehand."""
    if seconds < 5:
        return "less than 5 s"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
