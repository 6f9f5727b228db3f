"""Judging: every check on everything that it applies to, nothing sent.

An exception in a check is our fault if the answers that it judged have the
documented shape; a malformed answer may trip any check, and is then simply no
evidence for it. Nor is a scenario of which a step was not played.

However much a target says, judging ends in time (see `judging.watch`). By a check that
was not done by then no row passes; what it had found is kept.
"""

import math
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from aios_conformance.conformance.judging.always_refused import always_refused
from aios_conformance.conformance.judging.fingerprint import few_of_each
from aios_conformance.conformance.judging.watch import OutOfTimeError, Watch
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    FollowedReading,
    Note,
    Witness,
)
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Member,
    NeverSentError,
    Observation,
)
from aios_conformance.conformance.terms.traceability import apis_of, is_on
from aios_conformance.conformance.terms.views import Record, View


@dataclass(frozen=True, slots=True)
class Trace:
    """A finding with its check, its rows and where it was made."""

    check: str
    rows: tuple[str, ...]
    finding: Finding
    exchange: Exchange
    probe: str
    draw: int

    def place(self, row: str) -> str:
        """The row itself, or the first of its parts on which the finding was made."""
        return row if row in self.rows else self.rows[0]

    def repeats(self, other: "Trace", row: str) -> bool:
        """The other finding breaks the same promise, at least as hard."""
        return (
            self.check == other.check
            and row in other.rows
            and (self.finding.soft or not other.finding.soft)
        )


@dataclass(slots=True)
class Judgement:
    """All notes on what was observed."""

    traces: list[Trace] = field(default_factory=list)
    readings: dict[str, Counter[str]] = field(default_factory=dict)  # by row
    # exchange ids, one per judged observation, by row and check
    judged: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)  # check → its exception
    # by check: why it was left in the middle, or not begun
    undone: dict[str, str] = field(default_factory=dict)
    # see the module of this name
    always_refused: Mapping[Member, tuple[str, ...]] = field(default_factory=dict)

    def count(self, row: str, check: str) -> int:
        """How many observations a check judged for a row."""
        return len(self.judged.get(row, {}).get(check, ()))


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a check is called with, and the exchanges it was made of."""

    value: Any
    exchanges: Sequence[Exchange]
    probe: str
    draw: int


def judge(
    known: Catalogue,
    exchanges: Sequence[Exchange],
    observations: Sequence[Observation],
    facts: Facts,
    until: float = math.inf,
    main: Judgement | None = None,
) -> Judgement:
    """Judge exchanges and observations by all checks of a catalogue.

    `exchanges` are judged one by one and as a record, `observations` as scenarios;
    no longer than `until`, by the monotonic clock. Of what was sent later, `main` is
    the judgement on the whole run.
    """
    refused = main.always_refused if main else always_refused(exchanges, facts.dialect)
    seen = [replace(each, always_refused=refused) for each in observations]
    judging = _Judging(known, exchanges, seen, facts, Judgement(always_refused=refused))
    judgement, watch = judging.judgement, Watch(until)
    with watch.ticking():
        for check in known.checks:
            if not watch.lasts(partial(judging.all_of, check, watch)):
                judgement.undone[check.name] = watch.why
    judging.tell_faults()
    return judgement


@dataclass(slots=True)
class _Judging:
    """What was observed, and what is known of it so far."""

    known: Catalogue
    exchanges: Sequence[Exchange]
    observations: Sequence[Observation]
    facts: Facts
    judgement: Judgement
    _apis: dict[str, frozenset[Api]] = field(init=False)  # by row: those it speaks of
    _views: dict[type, list[_Subject]] = field(default_factory=dict)
    _malformed: set[str] = field(default_factory=set)
    _raised: list[tuple[str, Sequence[Exchange], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find out of what each row speaks."""
        self._apis = {row: apis_of(self.known, row) for row in self.known.requirements}

    def all_of(self, check: Check, watch: Watch) -> None:
        """Judge all that there is for a check. Raises OutOfTimeError."""
        for subject in self._subjects(check):
            watch.look()
            self._judge(check, subject)

    def _subjects(self, check: Check) -> Iterator[_Subject]:
        """What a check is to judge, in order."""
        if issubclass(check.view, Observation):
            for seen in self.observations:
                if is_on(check, seen.probe):
                    used = tuple(seen.steps.values())
                    yield _Subject(seen, used, seen.probe, seen.draw)
        elif issubclass(check.view, Record):
            if self.exchanges:
                record = Record(tuple(self.exchanges), self.facts)
                yield _Subject(record, self.exchanges, "", 0)
        elif issubclass(check.view, View):
            if check.view not in self._views:
                # made once for all checks, so that a body is decoded once
                self._views[check.view] = list(self._seen_as(check.view))
            yield from (s for s in self._views[check.view] if is_on(check, s.probe))

    def _seen_as(self, view: type[View]) -> Iterator[_Subject]:
        for exchange in self.exchanges:
            made = view.of(exchange, self.facts)
            if made is not None:
                yield _Subject(made, (exchange,), exchange.probe, exchange.draw)

    def _judge(self, check: Check, subject: _Subject) -> None:
        """Keep the notes of a check, its findings even where it is interrupted."""
        notes: list[Note] = []
        try:
            if check.when is not None and not check.when(subject.value):
                return
            for note in check.judge(subject.value):
                notes.append(note)  # noqa: PERF402 - it may not come to its end
        except NeverSentError:
            return
        except OutOfTimeError:
            found = [note for note in notes if isinstance(note, Finding)]
            self._take(check, subject, found)
            raise
        except Exception as error:  # noqa: BLE001 - a check may raise anything
            self._raised.append((check.name, subject.exchanges, _told(error)))
            return
        self._take(check, subject, notes)
        if check.judges == "shape" and any(isinstance(n, Finding) for n in notes):
            self._malformed.update(e.id for e in subject.exchanges)

    def _take(self, check: Check, subject: _Subject, notes: Sequence[Note]) -> None:
        """Keep notes: a few of each likeness."""
        judgement, apis = self.judgement, self._apis
        api = subject.exchanges[0].api if isinstance(subject.value, View) else None

        def concerned(rows: Iterable[str]) -> tuple[str, ...]:
            """The rows of the dialect that speak of the API which answered."""
            return tuple(
                row for row in rows if row in apis and (api is None or api in apis[row])
            )

        own = concerned(check.ids)
        exercised: list[str] = [] if check.witness else list(own)
        for note in few_of_each(notes):
            rows = concerned(note.ids or own)
            if isinstance(note, Witness):
                exercised.extend(rows)
            elif isinstance(note, FollowedReading):
                for row in rows:
                    judgement.readings.setdefault(row, Counter())[note.text] += 1
            elif rows:
                exchange = _place(note, subject)
                if exchange is not None:
                    probe = subject.probe or exchange.probe
                    draw = subject.draw if subject.probe else exchange.draw
                    trace = Trace(check.name, rows, note, exchange, probe, draw)
                    judgement.traces.append(trace)
        last = subject.exchanges[-1].id if subject.exchanges else ""
        for row in exercised:
            judgement.judged.setdefault(row, {}).setdefault(check.name, []).append(last)

    def tell_faults(self) -> None:
        """Tell of exceptions on answers that have the documented shape."""
        if self.judgement.undone:
            return  # which answers are malformed is not known
        for check, judged, told in self._raised:
            if all(_is_wellformed(each, self._malformed) for each in judged):
                self.judgement.faults.setdefault(check, told)


def _place(finding: Finding, subject: _Subject) -> Exchange | None:
    """The exchange that a finding speaks of: by id, by step, else the last one."""
    for exchange in subject.exchanges:
        if finding.exchange and exchange.id == finding.exchange:
            return exchange
        if finding.step and exchange.label == finding.step and subject.probe:
            return exchange
    return subject.exchanges[-1] if subject.exchanges else None


def _is_wellformed(exchange: Exchange, malformed: set[str]) -> bool:
    """The answer has the documented shape; of a refusal, a JSON object."""
    if exchange.response is None or exchange.response.broken:
        return False
    if exchange.is_success:
        return exchange.id not in malformed and (
            exchange.is_stream or isinstance(exchange.response.json, dict)
        )
    return isinstance(exchange.response.json, dict)


def _told(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({frame.name}, line {frame.lineno})"
