"""What a mock was asked to be, and what has become of it since."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aios_conformance.mockserver.answer_cache import Repeats
from aios_conformance.mockserver.control.journal import Journal
from aios_conformance.mockserver.faults.kinds import FaultRate
from aios_conformance.mockserver.faults.pacing import NO_PACING, Pacing
from aios_conformance.mockserver.faults.quotas import Quota, Quotas
from aios_conformance.mockserver.faults.room import Room
from aios_conformance.mockserver.memory import Memory
from aios_conformance.mockserver.scripting.replay import RecordedUpstream, Relay
from aios_conformance.mockserver.scripting.rules import Rule, Rules
from aios_conformance.serving.limits import Limits
from aios_conformance.serving.meter import Meter


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the mock behaves beside answering; by default it only answers."""

    pacing: Pacing = NO_PACING
    faults: Sequence[FaultRate] = ()
    rules: Sequence[Rule] = ()
    strict: bool = False  # refuse what neither tape nor rule answers
    journal: int = 1_000  # exchanges kept
    control: bool = True  # obey /_mock/ and X-Mock-… headers
    hosts: Sequence[str] = ()  # names under which /_mock/ is served beside our own
    api_key: str | None = None  # that /_mock/ wants
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    relay: Relay | None = None
    quota: Quota = Quota()  # noqa: RUF009 - frozen
    room: Room = Room()  # noqa: RUF009 - frozen
    seed: int = 0
    remember: bool = False  # answer exact repetitions from memory
    defects: Sequence[str] = ()  # planted at the start
    dialects: tuple[str, ...] = ()  # that are served


@dataclass(slots=True)
class Tally:
    """How often a planted defect acted."""

    acts: int = 0

    def add(self, acted: object = None) -> None:
        """Count an act; False is none."""
        if acted is not False:
            self.acts += 1


Serve = Callable[[Mapping[str, Tally]], None]
"""Start the servers anew, broken by these defects, which count their acts."""


class MockState:
    """The plan in force, and what happened under it."""

    def __init__(
        self, plan: Behaviour, serve: Serve, journal: Journal | None = None
    ) -> None:
        """Know nothing yet; `begin` or `reset` starts the servers."""
        self.plan = plan
        self.journal = journal or Journal(plan.journal)
        self.upstream = RecordedUpstream()
        self._serve = serve

    def begin(self, defects: Sequence[str]) -> None:
        """Be as a new process with these defects planted, and no others.

        Raises OptionError, with nothing changed, for a defect that cannot be planted.
        """
        tallies = {name: Tally() for name in defects}
        self.memory = Memory()
        self.meter = Meter()
        self._serve(tallies)
        self.tallies: Mapping[str, Tally] = tallies
        self.journal.reset()
        self.rules = Rules(self.plan.rules)
        self.faults = self.plan.faults
        self.relay = self.plan.relay
        self.strict = self.plan.strict
        self.quotas = Quotas(self.plan.quota) if self.plan.quota else None
        self.repeats: Repeats | None = None
        if self.plan.remember and not tallies:
            self.repeats = Repeats(self.memory)
        if self.relay is not None:
            self.relay.tape.rewind()

    def reset(self) -> None:
        """Go back to the state after the start."""
        self.begin(self.plan.defects)
