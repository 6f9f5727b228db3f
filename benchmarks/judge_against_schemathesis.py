"""The judge and `schemathesis run`, side by side on the same broken mocks.

    python benchmarks/judge_against_schemathesis.py [--only 'emb-*'] [--sample 100]
        [--exhibits N] [--seed 1] [--jobs 1] [--keep FILE] [--publish]

The cases are all exhibits of the museum, freedoms too, or so many of them, and a sample
of the planted AIOS defects, drawn with the seed: none is chosen or left out by hand.
Both tools get the same contract, the same served models and the same mock; the judge
runs its standard plan, schemathesis all its checks with its own number of examples. For
schemathesis a bug is killed by any failure that it does not also report on the faithful
mock with the same seed; for the judge, when the row tripped that the bug names. Prints
kills and requests of both, what each says of the faithful mock and of freedoms, and the
ratio of their kills per request, which is to be at least 5.
"""

import argparse
import asyncio
import base64
import fnmatch
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.prove import museum
from aios_conformance.conformance.prove.command import listed
from aios_conformance.conformance.prove.trial import TRIPPED, Planted, tried
from aios_conformance.conformance.running.run import run
from aios_conformance.spec import Nodes, described, openapi

LIMIT = 5.0
PATIENCE = 1800  # seconds for one run of schemathesis, on a machine with other work
Failure = tuple[str, str, str]  # operation, check, and what the target said


@dataclass(frozen=True)
class Outcome:
    """What a tool made of one case, and how many requests it took."""

    red: bool
    requests: int


@dataclass(frozen=True)
class Case:
    """What both tools made of one bug or freedom."""

    name: str
    kind: str  # museum, freedom or planted
    judge: Outcome
    schemathesis: Outcome

    @property
    def line(self) -> str:
        """The case as it is printed."""
        cells = (
            f"{word(self.kind, red=tool.red):>9}{tool.requests:>6}"
            for tool in (self.judge, self.schemathesis)
        )
        return f"{self.name:<58}{self.kind:<8}{''.join(cells)}"


def word(kind: str, *, red: bool) -> str:
    """How an outcome is called."""
    if kind == "freedom":
        return "alarmed" if red else "silent"
    return "killed" if red else "missed"


def with_models() -> Any:
    """The contract, with the models that the mock serves in place of any string."""
    document = json.loads(json.dumps(openapi()))
    walk = Nodes(document)
    for api in described(document).values():
        # the same spelling for all that generates: the mock serves each that is printed
        name = [*api.models][-1]
        for operation in api.operations:
            schema = walk.resolved(walk.request(operation) or {})
            schema["properties"]["model"] = {"enum": [name]}
    return document


@contextmanager
def mock() -> Iterator[str]:
    """A mock on a free port; its base URL."""
    command = [sys.executable, "-P", "-m", "aios_conformance.mockserver", "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = process.stdout.readline()
        yield line.partition("listening on ")[2].strip()
    finally:
        process.terminate()
        process.wait()


def plant(url: str, *defects: str) -> None:
    """Begin a running mock anew, with these defects."""
    request = urllib.request.Request(  # noqa: S310 - the mock's own address
        f"{url}/_mock/defects",
        json.dumps({"defects": defects}).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request).close()  # noqa: S310


def schemathesis(document: Path, seed: int, url: str) -> tuple[set[Failure], int]:
    """Failures and test cases of one `schemathesis run`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.ndjson"
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            str(document),
            *("--url", url, "--seed", str(seed), "--workers", "1"),
            *("--checks", "all", "--no-shrink", "--report-ndjson-path", str(report)),
        ]
        with suppress(subprocess.TimeoutExpired):  # what it found until then counts
            subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                check=False,
                timeout=PATIENCE,
            )
        return read_report(report.read_text().splitlines())


def read_report(lines: Iterable[str]) -> tuple[set[Failure], int]:
    """The different failures, and how many cases were sent."""
    failures: set[Failure] = set()
    cases = 0
    for line in lines:
        event = json.loads(line).get("ScenarioFinished")
        if event is None:
            continue
        recorder = event["recorder"]
        sent = recorder.get("interactions", {})
        cases += len(sent)
        for case, checks in recorder.get("checks", {}).items():
            failures |= {
                (recorder["label"], check["name"], said(sent.get(case, {})))
                for check in checks
                if check["status"] == "failure"
            }
    return failures, cases


def said(interaction: Any) -> str:
    """The status and the beginning of an answer, numbers left out.

    It tells one refusal of a check from another, so that an alarm which schemathesis
    raises on the faithful mock hides no kill.
    """
    response = interaction.get("response") or {}
    content = (response.get("content") or {}).get("$base64", "")
    text = base64.b64decode(content)[:80].decode(errors="replace")
    return f"{response.get('status_code')} {re.sub('[0-9]+', '', text)}"


def cases(
    sample: int, seed: int, only: Sequence[str] = ("*",), exhibits: int | None = None
) -> list[Planted]:
    """Exhibits of the museum, then planted defects, always the same ones first."""
    known = [p for p in listed() if p.dialect == "aios"]
    museum = [p for p in known if p.museum]
    defects = [p for p in known if p.primary is not None and not p.museum]
    shown, drawn = (random.Random(seed).sample(of, len(of)) for of in (museum, defects))  # noqa: S311
    chosen = shown[:exhibits] + drawn[:sample]
    return [p for p in chosen if any(fnmatch.fnmatch(p.name, each) for each in only)]


def kind(planted: Planted) -> str:
    """Which of the three groups a case belongs to."""
    if planted.is_variation:
        return "freedom"
    return "museum" if planted.museum else "planted"


def both(
    document: Path, usual: set[Failure], seed: int, one: Planted, before: Case | None
) -> Case:
    """Both tools on one case; what schemathesis made of it before stays."""
    with mock() as url:
        if before is None:
            plant(url, one.name)
            found, sent = schemathesis(document, seed, url)
            theirs = Outcome(bool(found - usual), sent)
        else:
            theirs = before.schemathesis
        trial = tried(one, RunOptions(url))
    red = bool(trial.tripped) if one.is_variation else one.primary in trial.tripped
    return Case(one.name, kind(one), Outcome(red, trial.requests), theirs)


def faithful(document: Path, seed: int) -> set[Failure]:
    """What schemathesis says of the faithful mock; prints that and the judge's word."""
    with mock() as url, tempfile.TemporaryDirectory() as folder:
        usual, sent = schemathesis(document, seed, url)
        options = RunOptions(url, report_dir=Path(folder))
        result = asyncio.run(run(options, lambda _: None))
    tripped = [r for r in result.requirements if r.verdict in TRIPPED]
    print(
        f"alarms on the faithful mock: judge {len(tripped)} in "
        f"{result.usage.requests} requests, schemathesis {len(usual)} in {sent}"
    )
    return usual


def compared(chosen: Sequence[Planted], given: argparse.Namespace) -> list[Case]:
    """Both tools on every case, several at a time, each printed when it is done."""
    kept: list[Case] = []
    if given.keep and given.keep.exists():
        lines = given.keep.read_bytes().splitlines()
        kept = [msgspec.json.decode(line, type=Case) for line in lines]
    known = {case.name: case for case in kept}
    found: list[Case] = []
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(json.dumps(with_models()))
        usual = faithful(document, given.seed)
        with ProcessPoolExecutor(given.jobs, get_context("spawn")) as pool:
            judged = partial(both, document, usual, given.seed)
            waiting = [p for p in chosen if given.again or p.name not in known]
            theirs = [known.get(planted.name) for planted in waiting]
            found += [known[p.name] for p in chosen if p not in waiting]
            for case in pool.map(judged, waiting, theirs):
                found.append(case)
                print(case.line, flush=True)
                if given.keep:
                    with given.keep.open("ab") as stream:
                        stream.write(msgspec.json.encode(case) + b"\n")
    return found


def summary(found: Sequence[Case]) -> Iterator[str]:
    """Kills, requests and their ratio for each group, and for all bugs together."""
    groups = {name: [c for c in found if c.kind == name] for name in KINDS}
    groups["all bugs"] = [c for c in found if c.kind != "freedom"]
    for name, group in groups.items():
        if not group:
            continue
        rates = []
        for tool in ("judge", "schemathesis"):
            outcomes = [getattr(case, tool) for case in group]
            red = sum(o.red for o in outcomes)
            mean = sum(o.requests for o in outcomes) / len(group)
            rates.append(100 * red / mean)
            yield (
                f"{name}: {tool} {word(name, red=True)} {red} of {len(group)} "
                f"with {mean:.0f} requests: {rates[-1]:.1f} for each hundred"
            )
        if name != "freedom":
            ratio = rates[0] / rates[1] if rates[1] else float("inf")
            yield f"{name}: {ratio:.1f} times as many for each request"
    if groups["all bugs"]:
        verdict = "kept" if ratio >= LIMIT else "MISSED"
        yield f"ratio {ratio:.1f} (limit {LIMIT}): {verdict}"


KINDS = ("museum", "planted", "freedom")


def publish(found: Sequence[Case], seed: int) -> None:
    """Write what the museum's matrix shows of schemathesis."""
    told = {
        "version": version("schemathesis"),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": seed,
        "outcomes": {
            case.name: word(case.kind, red=case.schemathesis.red)
            for case in found
            if case.kind != "planted"
        },
    }
    museum.SCHEMATHESIS.write_text(json.dumps(told, indent=1) + "\n")


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--only", action="append", metavar="PATTERN", help="cases by name")
    add("--sample", type=int, default=100, help="planted defects to draw")
    add("--exhibits", type=int, help="exhibits of the museum to draw (default: all)")
    add("--seed", type=int, default=1)
    add("--jobs", type=int, default=os.cpu_count() or 1)
    add("--keep", type=Path, help="where outcomes are kept, so as to go on later")
    add("--again", action="store_true", help="judge anew what is kept")
    add("--publish", action="store_true", help="let the museum's matrix show it")
    given = parser.parse_args()
    chosen = cases(given.sample, given.seed, given.only or ["*"], given.exhibits)
    found = compared(chosen, given)
    print("\n".join(summary(found)))
    if given.publish:
        publish(found, given.seed)


if __name__ == "__main__":
    main()
