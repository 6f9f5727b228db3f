"""Faults that are seldom: how many of them the judge notices.

    python benchmarks/seldom_faults.py [--seed 1] [--third 30] [--after-refusal 15]
        [--in-company 0] [--repeated 0] [--once-refused 15] [--only NAME ...]

Draws defects of the mock, and plays each of them as one that strikes some requests
only (see `mockserver/defects/seldom.py`):

third           every third request on which the defect would act, counted from the
                first such one: the 1st, 4th, 7th, …. So what strikes is a fault of that
                code path, however seldom the path is taken.
after-refusal   the first request of an API that follows a refusal of that API in the
                order of their arrival, whatever it asks. If the defect has nothing to
                do there, the fault has not struck.
once-refused    the first request on which the defect would act after such a refusal.

A fault is noticed when a row tripped that the defect names, or when the run is red.
Those noticed are counted among all, and among those that struck at all.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.prove.command import listed
from aios_conformance.conformance.prove.trial import Planted, Trial, tried
from aios_conformance.mockserver.embedded import local_mock

TRIGGERS = {
    "third": 30,
    "after-refusal": 15,
    "in-company": 0,
    "repeated": 0,
    "once-refused": 15,
}
"""How many are drawn by default."""


def drawn(seed: int, counts: Sequence[int]) -> Iterator[Planted]:
    """Defects of AIOS, drawn without returning them, under each trigger."""
    ours = (p for p in listed("aios") if p.dialect == "aios" and not p.museum)
    known = sorted((p for p in ours if p.primary), key=lambda p: p.name)
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    for trigger, count in zip(TRIGGERS, counts, strict=True):
        for planted in chance.sample(known, count):
            yield replace(planted, name=f"{planted.name}@{trigger}")


def is_noticed(trial: Trial) -> bool:
    """A row that the defect names tripped, or the run is red."""
    named = {trial.planted.primary, *trial.planted.also}
    return bool(named & trial.tripped.keys()) or "fail" in trial.tripped.values()


def main() -> None:
    """Draw, play, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*")
    for trigger, count in TRIGGERS.items():
        parser.add_argument(f"--{trigger}", type=int, default=count)
    given = parser.parse_args()
    counts = [getattr(given, trigger.replace("-", "_")) for trigger in TRIGGERS]
    chosen = list(drawn(given.seed, counts))
    if given.only:
        by_name = {p.name: p for p in listed("aios")}
        chosen = [replace(by_name[n.partition("@")[0]], name=n) for n in given.only]
    trials: dict[str, list[Trial]] = {}
    with local_mock() as mock:
        options = RunOptions(mock.url)
        for planted in chosen:
            trial = tried(planted, options)
            trigger = planted.name.partition("@")[2]
            word = "noticed" if is_noticed(trial) else "MISSED"
            trials.setdefault(trigger, []).append(trial)
            rows = ", ".join(f"{row} {v}" for row, v in trial.tripped.items())
            said = f"{word:<10}{planted.name} ({planted.primary}) {trial.acts} acts"
            sys.stdout.write(f"{said}: {rows or trial.reason or 'nothing'}\n")
            sys.stdout.flush()
    for trigger, found in trials.items():
        noticed = sum(map(is_noticed, found))
        struck = sum(trial.acts > 0 for trial in found)
        said = f"{noticed} of {len(found)} noticed; {struck} struck at all"
        sys.stdout.write(f"{trigger}: {said}\n")


if __name__ == "__main__":
    main()
