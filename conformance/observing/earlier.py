"""What a run that was cut short was answered: the run that goes on has it again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from aios_conformance.conformance.observing.recording import Recording
from aios_conformance.conformance.observing.transport import Received
from aios_conformance.conformance.terms.exchange import Exchange, Request


@dataclass(frozen=True)
class Earlier:
    """A recording as the source of answers.

    An exchange is had again under its own name, if the request is the same to the
    byte. What had no answer is asked again.
    """

    recording: Recording
    exchanges: Sequence[Exchange]  # those of what was sent again included

    def answer(
        self, names: Iterable[str], request: Request, *, leaves: bool
    ) -> Received | None:
        """What came of a request; None: it is still to be sent.

        One that is shared may have gone out under any of its names. Who `leaves`
        before the answer has none to wait for.
        """
        for name in names:
            found = self._by_name.get(name)
            if (
                found is not None
                and found.request == request
                and found.attempts
                and (found.response or leaves)
            ):
                return Received(
                    request,
                    found.response,
                    found.failure,
                    found.sent_at,
                    found.total_s,
                    found.attempts,
                    found.partial,
                    found.clock_s,
                )
        return None

    @property
    def answered(self) -> int:
        """How many requests had an answer."""
        return sum(each.response is not None for each in self._by_name.values())

    @cached_property
    def seconds(self) -> float:
        """How long the run had lasted; of one that was killed, by its exchanges."""
        if self.recording.duration_s:
            return self.recording.duration_s
        seen = self._by_name.values()
        ends = (each.sent_at + each.total_s for each in seen)
        begins = (each.sent_at for each in seen)
        return max(ends, default=0.0) - min(begins, default=0.0)

    @cached_property
    def _by_name(self) -> Mapping[str, Exchange]:
        return {each.id: each for each in self.exchanges}
