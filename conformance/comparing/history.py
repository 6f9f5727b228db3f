"""The history of servers: what each run kept, what broke when, and what was mended."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby

from aios_conformance import spec
from aios_conformance.conformance.comparing.run_records import RowRecord, RunRecord

BROKEN = frozenset({"fail", "error", "warn"})
_SHOWN = BROKEN | {"pass", "unstable", "waived"}
_WORST = ("fail", "error", "warn", "unstable", "waived")


@dataclass(frozen=True, slots=True)
class Segment:
    """Runs one after the other in which a requirement had the same verdict."""

    verdict: str
    runs: Sequence[RunRecord]


@dataclass(frozen=True, slots=True)
class Break:
    """A requirement that was kept in one run, and broken in a later one."""

    row: RowRecord
    good: RunRecord  # the last that kept it
    bad: RunRecord  # the first that broke it
    mended: RunRecord | None = None  # the first that kept it again

    @property
    def is_by_edition(self) -> bool:
        """The requirements themselves are others than in the good run."""
        hashes = [r.report.suite.requirements_sha256 for r in (self.good, self.bad)]
        return hashes[0] != hashes[1]


@dataclass(frozen=True)
class History:
    """The runs of a server under one dialect, the earliest version or day first."""

    server: str
    dialect: str
    runs: Sequence[RunRecord]

    @property
    def latest(self) -> RunRecord:
        """The run that stands for the server: the last whole one, else the last."""
        whole = [run for run in self.runs if run.report.complete]
        return (whole or self.runs)[-1]

    @cached_property
    def rows(self) -> Mapping[str, RowRecord]:
        """Every requirement that a run judged, as the latest run knows it."""
        return {row: each for run in self.runs for row, each in run.rows.items()}

    def trend(self, row: str) -> list[Segment]:
        """The verdicts on a requirement; runs that did not judge it are left out."""
        judged = [
            (run.rows[row].verdict, run)
            for run in self.runs
            if row in run.rows and run.rows[row].verdict in _SHOWN
        ]
        return [
            Segment(verdict, [run for _, run in own])
            for verdict, own in groupby(judged, key=lambda each: each[0])
        ]

    @cached_property
    def breaks(self) -> list[Break]:
        """What broke, the latest first."""
        found = [each for row in self.rows for each in self._broken(row)]
        return sorted(found, key=lambda each: self.runs.index(each.bad), reverse=True)

    def _broken(self, row: str) -> Iterator[Break]:
        good: RunRecord | None = None
        now: Break | None = None
        for segment in self.trend(row):
            if segment.verdict == "pass":
                if now is not None:
                    yield Break(now.row, now.good, now.bad, segment.runs[0])
                    now = None
                good = segment.runs[-1]
            elif segment.verdict in BROKEN and good is not None and now is None:
                bad = segment.runs[0]
                now = Break(bad.rows[row], good, bad)
        if now is not None:
            yield now

    def latest_of(self, api: str) -> RunRecord | None:
        """The last run that judged an API, a whole one if there is any."""
        return self._latest.get(api)

    @cached_property
    def _latest(self) -> Mapping[str, RunRecord]:
        ordered = sorted(self.runs, key=lambda run: run.report.complete)
        return {
            api: run
            for run in ordered
            for api in {
                api_of_row(row.id, self.dialect)
                for row in run.rows.values()
                if row.verdict in _SHOWN
            }
        }

    def cell(self, api: str, level: str) -> list[RowRecord]:
        """What the last run that judged an API says of it at a level."""
        run = self.latest_of(api)
        rows = run.rows.values() if run else ()
        return [
            row
            for row in rows
            if row.level == level
            and row.verdict in _SHOWN
            and api_of_row(row.id, self.dialect) == api
        ]


def histories(runs: Sequence[RunRecord]) -> list[History]:
    """The runs by server and dialect, in the order of their names.

    Where every run of a server has a version, these say what came first: a release of
    last year may be judged today.
    """
    found: dict[tuple[str, str], list[RunRecord]] = {}
    for run in runs:
        found.setdefault((run.server, run.report.dialect), []).append(run)
    return [History(*key, _in_order(own)) for key, own in sorted(found.items())]


def _in_order(runs: Sequence[RunRecord]) -> list[RunRecord]:
    by_day = sorted(runs, key=lambda run: run.report.started)
    if not all(run.version[:1].isdigit() for run in runs):
        return by_day
    return sorted(by_day, key=lambda run: _release(run.version))


def _release(version: str) -> tuple[list[int], bool, str]:
    """What orders versions: their numbers, then release candidates before releases."""
    numbers, rest = re.fullmatch(r"([\d.]*)(.*)", version, re.DOTALL).groups()  # type: ignore[union-attr]
    return [int(each) for each in numbers.split(".") if each], not rest, rest


def broken_first(rows: Sequence[RowRecord]) -> list[RowRecord]:
    """The rows that are not kept, the worst first."""
    broken = [row for row in rows if row.verdict in _WORST]
    return sorted(broken, key=lambda row: (_WORST.index(row.verdict), row.id))


@cache
def _apis(dialect: str) -> Mapping[str, str]:
    try:
        return {row.id: row.api for row in spec.requirements(dialect)}
    except spec.SpecError:  # somebody's own, which is not at hand
        return {}


@cache
def api_of_row(row: str, dialect: str) -> str:
    """The API that a requirement belongs to; of an unknown one what its id says."""
    return _apis(dialect).get(row) or row.partition("-")[0].lower()


@cache
def api_title(api: str, dialect: str) -> str:
    """The name of an API in words."""
    try:
        return spec.title(api, dialect)
    except (spec.SpecError, KeyError):
        return api
