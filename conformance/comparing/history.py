"""The history of servers: what each run kept, what broke when, and what was mended."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby

from aios_conformance import spec
from aios_conformance.conformance.comparing.run_records import RowRecord, RunRecord

BROKEN = frozenset({"fail", "error", "warn"})
_SHOWN = BROKEN | {"pass", "unstable", "waived"}
_WORST = ("fail", "error", "warn", "unstable", "waived")
_ALL_APIS = "common"


@dataclass(frozen=True, slots=True)
class Segment:
    """Runs one after the other in which a requirement had the same verdict."""

    verdict: str
    runs: Sequence[RunRecord]


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A requirement, and the run that judged it."""

    row: RowRecord
    run: RunRecord


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

    @cached_property
    def current(self) -> Sequence[RunRecord]:
        """The runs that stand for the server: the last one of each API."""
        of_apis = [run for api, run in self._latest.items() if api != _ALL_APIS]
        found = {run.path: run for run in of_apis or [self.latest]}
        return [run for run in self.runs if run.path in found]

    @property
    def latest(self) -> RunRecord:
        """The last whole run, else the last."""
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
        kept: list[RunRecord] = []
        now: Break | None = None
        for run in self.runs:
            verdict = run.rows[row].verdict if row in run.rows else ""
            if verdict == "pass":
                if now is not None and self._covers(run, now.bad, row):
                    yield replace(now, mended=run)
                    now = None
                kept.append(run)
            elif verdict in BROKEN and now is None:
                good = (each for each in reversed(kept) if self._covers(each, run, row))
                if (last := next(good, None)) is not None:
                    now = Break(run.rows[row], last, run)
        if now is not None:
            yield now

    def _covers(self, run: RunRecord, other: RunRecord, row: str) -> bool:
        """What a run says of a row holds for all that the other run asked.

        A row on all APIs that was kept by chat alone is not broken by embeddings since.
        """
        is_on_all = api_of_row(row, self.dialect) == _ALL_APIS
        return not is_on_all or self._apis[run.path] >= self._apis[other.path]

    @cached_property
    def _apis(self) -> Mapping[str, frozenset[str]]:
        """The APIs that each run judged, by its folder."""
        return {
            run.path: frozenset(
                api_of_row(row.id, self.dialect)
                for row in run.rows.values()
                if row.verdict in _SHOWN
            )
            for run in self.runs
        }

    @cached_property
    def _latest(self) -> Mapping[str, RunRecord]:
        ordered = sorted(self.runs, key=lambda run: run.report.complete)
        return {api: run for run in ordered for api in self._apis[run.path]}

    def cell(self, api: str, level: str) -> list[JudgedRow]:
        """What the last run that judged an API says of it at a level.

        Of rows on all APIs the worst that the last runs of each API say.
        """
        latest = self._latest.get(api)
        runs = self.current if api == _ALL_APIS else [latest] if latest else []
        found: dict[str, JudgedRow] = {}
        for run in runs:
            for row in run.rows.values():
                is_here = api_of_row(row.id, self.dialect) == api and row.level == level
                if is_here and row.verdict in _SHOWN:
                    known = found.get(row.id)
                    if known is None or _badness(row) < _badness(known.row):
                        found[row.id] = JudgedRow(row, run)
        return [*found.values()]


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


def broken_first(found: Sequence[JudgedRow]) -> list[JudgedRow]:
    """Those that are not kept, the worst first."""
    broken = [each for each in found if each.row.verdict in _WORST]
    return sorted(broken, key=lambda each: (_badness(each.row), each.row.id))


def _badness(row: RowRecord) -> int:
    """The place of a verdict among all, the worst first."""
    return _WORST.index(row.verdict) if row.verdict in _WORST else len(_WORST)


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
