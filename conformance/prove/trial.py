"""One trial: the mock with one defect, judged like any other target."""

import asyncio
import gc
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import aiohttp

from aios_conformance.conformance.options.values import (
    ConformanceError,
    RunOptions,
    SuiteError,
)
from aios_conformance.conformance.running.run import run
from aios_conformance.conformance.terms.result import RunResult

Outcome = Literal[
    "killed",  # the primary tripped, and nothing that was not declared
    "imprecise",  # the primary tripped, and something undeclared as well
    "survived",  # the primary did not trip
    "unreached",  # the defect never acted: nothing was shown
    "silent",  # a variation that raised nothing
    "alarmed",  # a variation that raised something
    "error",  # the trial itself failed
]
GOOD: frozenset[Outcome] = frozenset({"killed", "silent"})
TRIPPED = ("warn", "fail", "unstable")


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect or variation as the mock describes it."""

    name: str
    description: str
    primary: str | None = None
    also: Mapping[str, str] = field(default_factory=dict)  # id → reason
    freedom: str | None = None
    origin: str | None = None
    dialect: str = "aios"
    museum: bool = False
    source: str | None = None

    @property
    def is_variation(self) -> bool:
        """Nothing may trip: it is within the documents."""
        return self.primary is None


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one defect."""

    planted: Planted
    outcome: Outcome
    tripped: Mapping[str, str] = field(default_factory=dict)  # id → verdict
    found_by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Tripped row → the checks that found something on it."""

    stray: Sequence[str] = ()  # tripped, but neither primary nor declared
    idle: Sequence[str] = ()  # declared besides, but did not trip
    acts: int = 0
    requests: int = 0
    seconds: float = 0.0
    reason: str | None = None


def tried(planted: Planted, options: RunOptions) -> Trial:
    """Run one trial on the mock that is the target; what goes wrong is its outcome."""
    began = monotonic()
    gc.disable()  # garbage is looked for once, at the end: a quarter of the time
    try:
        trial = asyncio.run(_judged(planted, options))
    except ConformanceError as error:
        trial = Trial(planted, "error", reason=f"{error.code}: {error}")
    finally:
        gc.enable()
        gc.collect()
    return replace(trial, seconds=round(monotonic() - began, 2))


def concluded(planted: Planted, result: RunResult, acts: int) -> Trial:
    """Hold a result against what the defect declares."""
    broken = [row for row in result.requirements if row.verdict in TRIPPED]
    tripped = {row.requirement.id: row.verdict for row in broken}
    found_by = {
        row.requirement.id: sorted({found.check for found in row.findings})
        for row in broken
    }
    faulty = [r.requirement.id for r in result.requirements if r.verdict == "error"]
    # what follows from its parts is no more stray than they are, nor are the parts
    # by which the primary is refuted
    follows = {row.requirement.id for row in broken if row.is_derived}
    parts = {
        p for r in broken if r.requirement.id == planted.primary for p in r.refuted_by
    }
    declared = {planted.primary, *planted.also} | follows | parts
    stray = sorted(tripped.keys() - declared)
    outcome: Outcome
    reason = None
    if faulty or not result.complete:
        outcome = "error"
        reason = result.cut_short or f"the suite itself failed at {', '.join(faulty)}"
    elif not acts:
        outcome, reason = "unreached", "the defect never acted"
    elif planted.is_variation:
        outcome = "alarmed" if tripped else "silent"
    elif planted.primary not in tripped:
        outcome = "survived"
    else:
        outcome = "imprecise" if stray else "killed"
    return Trial(
        planted,
        outcome,
        tripped,
        found_by,
        stray,
        sorted(planted.also.keys() - tripped.keys()),
        acts,
        result.usage.requests,
        reason=reason,
    )


async def _judged(planted: Planted, options: RunOptions) -> Trial:
    """The mock with the defect, judged; its last task keeps nothing large."""
    with tempfile.TemporaryDirectory() as folder:
        options = replace(
            options,
            report_dir=Path(folder),
            shrink_requests=0,  # a trial asks what trips, not how small
        )
        await _defects(options, "PUT", {"defects": [planted.name]})
        result = await run(options, lambda _: None)
        told = await _defects(options, "GET")
        return concluded(planted, result, told["acts"][planted.name])


async def _defects(options: RunOptions, method: str, body: Any = None) -> Any:
    """What the mock says of its defects, once it has others if a body names them."""
    url = f"{options.target}/_mock/defects"
    headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
    try:
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.request(method, url, json=body, headers=headers) as answer,
        ):
            return await answer.json()
    except aiohttp.ClientError as error:
        raise SuiteError(
            f"the mock does not obey {method} {url}: {error}", code="no-control"
        ) from error
