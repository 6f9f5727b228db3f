"""Which scenarios kill most for each request: what the smoke preset should send.

    python benchmarks/choose_smoke.py [--exhibits N] [--sample 100] [--seed 1]
        [--jobs 1] [--keep FILE] [--requests 60]

Runs the standard plan against the mock with each bug of the museum, or with so many of
them, and with a sample of the planted AIOS defects, and notes which scenarios led to a
finding on the row that must notice. From that it takes, again and again, the next
scenarios of a probe that kill most of what is left for each request that they add; as
presets send the first scenarios of a probe, so does the choice. Prints what each probe
sends and what it adds, and the share of kills of the standard plan that the chosen
reach. What a check of the whole record finds is credited to one of the requests that
show it.
"""

import argparse
import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

import msgspec
from judge_against_schemathesis import cases, mock, plant

from aios_conformance.conformance.observing.recording import read_recording
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.plan import Plan, plan
from aios_conformance.conformance.prove.trial import Planted
from aios_conformance.conformance.running.conclude import judge_main
from aios_conformance.conformance.running.run import run
from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.conformance.terms.requests import content_key

Name = tuple[str, int]  # of a scenario: probe and draw


@dataclass(frozen=True)
class Killed:
    """The scenarios of the standard plan that notice a bug by the row that must."""

    name: str
    by: frozenset[Name]


@dataclass(frozen=True)
class Choice:
    """The first so many scenarios of a probe: what they kill and send anew."""

    probe: str
    draws: int
    kills: frozenset[str]
    requests: frozenset[bytes]

    @property
    def rate(self) -> float:
        """Kills for each request; what costs nothing counts as one request."""
        return len(self.kills) / max(1, len(self.requests))


def killed(planted: Planted) -> Killed:
    """Run the standard plan on the mock with a bug, and trace the findings."""
    with mock() as url, tempfile.TemporaryDirectory() as folder:
        plant(url, planted.name)
        options = RunOptions(url, report_dir=Path(folder), shrink_requests=0)
        result = asyncio.run(run(options, lambda _: None))
        recording = read_recording(Path(folder))
    row = planted.primary
    tripped = any(
        r.requirement.id == row and r.verdict in ("warn", "fail", "unstable")
        for r in result.requirements
    )
    traces = judge_main(catalogue(), recording).traces if tripped else ()
    return Killed(
        planted.name,
        frozenset((t.probe, t.draw) for t in traces if row in t.rows),
    )


def contents(made: Plan) -> Mapping[Name, frozenset[bytes]]:
    """What each scenario sends, by content; spare requests are left out."""
    return {
        scenario.name: frozenset(
            content_key(step) if step.shared else f"{scenario.name}{i}".encode()
            for i, step in enumerate(scenario.steps)
            if not step.spare
        )
        for scenario in made.scenarios
    }


def offers(
    found: Sequence[Killed], sends: Mapping[Name, frozenset[bytes]]
) -> Sequence[Choice]:
    """The first scenarios of every probe, of any number."""
    made: list[Choice] = []
    for probe in {probe for probe, _ in sends}:
        draws = sorted(name for name in sends if name[0] == probe)
        kills = (frozenset(k.name for k in found if n in k.by) for n in draws)
        parts = (
            Choice(probe, n + 1, kill, sends[name])
            for n, (name, kill) in enumerate(zip(draws, kills, strict=True))
        )
        made += accumulate(parts, _joined)
    return made


def _joined(one: Choice, more: Choice) -> Choice:
    return replace(
        more, kills=one.kills | more.kills, requests=one.requests | more.requests
    )


def greedy(offered: Sequence[Choice], most: int) -> Iterator[Choice]:
    """The best that is left for each request, as long as there is room."""
    sent: frozenset[bytes] = frozenset()
    dead: frozenset[str] = frozenset()
    while True:
        new = (
            replace(each, kills=each.kills - dead, requests=each.requests - sent)
            for each in offered
        )
        fits = [n for n in new if n.kills and len(n.requests) <= most - len(sent)]
        if not fits:
            return
        best = max(fits, key=lambda each: (each.rate, each.probe, -each.draws))
        sent |= best.requests
        dead |= best.kills
        yield best


def gathered(chosen: Sequence[Planted], given: argparse.Namespace) -> list[Killed]:
    """Every bug's kills, those kept before included."""
    known: dict[str, Killed] = {}
    if given.keep and given.keep.exists():
        for line in given.keep.read_bytes().splitlines():
            one = msgspec.json.decode(line, type=Killed)
            known[one.name] = one
    waiting = [p for p in chosen if p.name not in known]
    with ProcessPoolExecutor(given.jobs, get_context("spawn")) as pool:
        for one in pool.map(killed, waiting):
            known[one.name] = one
            if given.keep:
                with given.keep.open("ab") as stream:
                    stream.write(msgspec.json.encode(one) + b"\n")
    return [known[planted.name] for planted in chosen]


def main() -> None:
    """Choose and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--exhibits", type=int, help="exhibits of the museum to draw (default: all)")
    add("--sample", type=int, default=100, help="planted defects to draw")
    add("--seed", type=int, default=1)
    add("--jobs", type=int, default=os.cpu_count() or 1)
    add("--keep", type=Path, help="where kills are kept, so as to go on later")
    add("--requests", type=int, default=60, help="the most that are chosen")
    given = parser.parse_args()
    drawn = cases(given.sample, given.seed, exhibits=given.exhibits)
    bugs = [p for p in drawn if not p.is_variation]
    found = [each for each in gathered(bugs, given) if each.by]
    sends = contents(plan(RunOptions("mock")))
    chosen = list(greedy(offers(found, sends), given.requests))
    draws: Counter[str] = Counter()
    for each in chosen:
        draws[each.probe] = max(draws[each.probe], each.draws)
        print(
            f"{each.probe:<45}{each.draws:>3} draws{len(each.requests):>5} requests"
            f"{len(each.kills):>5} kills"
        )
    requests = sum(len(each.requests) for each in chosen)
    now = contents(plan(RunOptions("mock", preset="smoke")))
    today = sum(any(name in now for name in each.by) for each in found)
    kills = sum(len(each.kills) for each in chosen)
    print(f"standard kills {len(found)} of {len(bugs)}")
    print(f"smoke as it is reaches {today} of these, {today / len(found):.0%}")
    print(f"the choice: {requests} requests, {kills} kills, {kills / len(found):.0%}")


if __name__ == "__main__":
    main()
