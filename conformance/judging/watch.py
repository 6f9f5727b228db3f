"""A watch on judging: no check goes on for longer than it may, whatever it computes.

What a target says can make any check slow. Between two answers a check is asked for the
time; within one it is interrupted, where the platform has a timer of the time that a
process computes (all but Windows) and judging is done by the main thread, which alone
hears signals.
"""

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

MOST_S = 30.0
"""What a check may take for all answers of a run: a hundred times what it needs."""

MOST_IN_ALL_S = 300.0
"""What all checks may take together."""

_TICK_S = 0.05
_AGAIN_S = 5.0

NO_TIME = "--max-time leaves no time to judge all answers; `judge RUN` does"
TOO_SLOW = (
    f"the answers take too long to judge: {MOST_S:g} s by one check, "
    f"or {MOST_IN_ALL_S:g} s by all of them"
)


class OutOfTimeError(BaseException):
    """Raised within a check; none that catches exceptions of its own keeps it."""


class Watch:
    """Looks at the clock while checks are at work, one after the other."""

    def __init__(self, until: float = math.inf) -> None:
        """Judging ends at `until`, by the monotonic clock."""
        self._until = until
        self._last = monotonic() + MOST_IN_ALL_S
        self._ends = until
        self._is_at_work = False

    def look(self) -> None:
        """Raise OutOfTimeError where the check that is at work has no time left."""
        if self._is_at_work and monotonic() > self._ends:
            self._ends += _AGAIN_S  # what was interrupted may have much to clear away
            raise OutOfTimeError

    @property
    def why(self) -> str:
        """What there was no time for."""
        return NO_TIME if monotonic() > self._until else TOO_SLOW

    def lasts(self, work: Callable[[], object]) -> bool:
        """Whether there was time for all that a check does; else it is left undone.

        It is interrupted between any two steps: also those of a context manager that
        would say where its work ends.
        """
        try:
            self._ends = min(self._until, self._last, monotonic() + MOST_S)
            self._is_at_work = True
            work()
            self._is_at_work = False
        except OutOfTimeError:
            self._is_at_work = False
            return False
        return True

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Within it checks can be interrupted."""
        is_main = threading.current_thread() is threading.main_thread()
        if not (is_main and hasattr(signal, "setitimer")):
            yield
            return
        handler = signal.signal(signal.SIGVTALRM, lambda *_: self.look())
        timer = signal.setitimer(signal.ITIMER_VIRTUAL, _TICK_S, _TICK_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, *timer)
            if handler is None:  # it was not made by Python, and cannot be put back
                handler = signal.SIG_IGN
            signal.signal(signal.SIGVTALRM, handler)
