"""The judge and `schemathesis run`, side by side on the same planted defects.

    python benchmarks/judge_against_schemathesis.py [--sample 40] [--seed 1]

The defects are a random sample of all AIOS defects, drawn with the seed: none is
chosen or left out by hand. Both tools get the same contract, the same served models
and the same broken mock. For schemathesis a defect is killed by any failure that it
does not also report on the faithful mock with the same seed; for the judge, when the
row tripped that the defect names. Prints kills and requests of both, and their
ratio, which is to be at least 5.
"""

import argparse
import base64
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.prove.command import listed
from aios_conformance.conformance.prove.trial import Planted, tried
from aios_conformance.spec import Nodes, described, openapi

LIMIT = 5.0
Failure = tuple[str, str, str]  # operation, check, and what the target said


@dataclass(frozen=True)
class Outcome:
    """What both tools made of one defect."""

    name: str
    by_judge: bool
    by_schemathesis: bool
    judge_requests: int
    schemathesis_requests: int

    @property
    def line(self) -> str:
        """The outcome as it is printed."""
        ours, theirs = (
            "killed" if kill else "-" for kill in (self.by_judge, self.by_schemathesis)
        )
        return f"{self.name:<56}{ours:>8}{theirs:>8}"


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
def mock(*arguments: str) -> Any:
    """A mock on a free port; its base URL."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "aios_conformance.mockserver",
        "--port",
        "0",
        *arguments,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = process.stdout.readline()
        yield line.partition("listening on ")[2].strip()
    finally:
        process.terminate()
        process.wait()


def schemathesis(
    document: Path, seed: int, *arguments: str
) -> tuple[frozenset[Failure], int]:
    """Failures and test cases of one `schemathesis run`."""
    with tempfile.TemporaryDirectory() as folder, mock(*arguments) as url:
        report = Path(folder) / "report.ndjson"
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            str(document),
            "--url",
            url,
            "--seed",
            str(seed),
            "--workers",
            "1",
            "--no-shrink",
            "--report-ndjson-path",
            str(report),
        ]
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
        return read_report(report.read_text().splitlines())


def read_report(lines: Iterable[str]) -> tuple[frozenset[Failure], int]:
    """The different failures, and how many cases were sent."""
    failures: set[Failure] = set()
    cases = 0
    for line in lines:
        event = json.loads(line).get("ScenarioFinished")
        if event is None:
            continue
        recorder = event["recorder"]
        cases += len(recorder["interactions"])
        for case, checks in recorder["checks"].items():
            failures |= {
                (recorder["label"], check["name"], said(recorder["interactions"][case]))
                for check in checks
                if check["status"] == "failure"
            }
    return frozenset(failures), cases


def said(interaction: Any) -> str:
    """The status and the beginning of an answer, numbers left out.

    It tells one refusal of a check from another, so that an alarm which schemathesis
    raises on the faithful mock hides no kill.
    """
    response = interaction.get("response") or {}
    content = (response.get("content") or {}).get("$base64", "")
    text = base64.b64decode(content)[:80].decode(errors="replace")
    return f"{response.get('status_code')} {re.sub('[0-9]+', '', text)}"


def defects(sample: int, seed: int) -> list[Planted]:
    """A sample of the mock's AIOS defects, the same for the same seed."""
    known = [
        p
        for p in listed()
        if p.primary is not None and p.dialect == "aios" and not p.museum
    ]
    return random.Random(seed).sample(known, min(sample, len(known)))  # noqa: S311


def compare(chosen: Sequence[Planted], seed: int, jobs: int) -> list[Outcome]:
    """Both tools on every defect, several defects at a time."""
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(json.dumps(with_models()))
        usual, cases = schemathesis(document, seed)
        print(f"schemathesis on the faithful mock: {cases} cases, {len(usual)} alarms")
        judged = partial(judge_both, document, usual, seed)
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            outcomes = []
            for outcome in pool.map(judged, chosen):
                outcomes.append(outcome)
                print(outcome.line, flush=True)
    return outcomes


def judge_both(
    document: Path, usual: frozenset[Failure], seed: int, planted: Planted
) -> Outcome:
    """Both tools on one defect."""
    found, cases = schemathesis(document, seed, "--defect", planted.name)
    with mock() as url:
        trial = tried(planted, RunOptions(url))
    return Outcome(
        planted.name,
        planted.primary in trial.tripped,
        bool(found - usual),
        trial.requests,
        cases,
    )


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    print(f"{'defect':<56}{'judge':>8}{'schema.':>8}")
    outcomes = compare(defects(given.sample, given.seed), given.seed, given.jobs)
    ours = sum(o.by_judge for o in outcomes)
    theirs = sum(o.by_schemathesis for o in outcomes)
    most = max(o.judge_requests for o in outcomes)
    least = min(o.schemathesis_requests for o in outcomes)
    ratio = ours / max(theirs, 1)
    print(f"killed: judge {ours}, schemathesis {theirs} of {len(outcomes)}")
    print(f"requests: judge at most {most}, schemathesis at least {least}")
    print(
        f"ratio {ratio:.1f} (limit {LIMIT}): {'kept' if ratio >= LIMIT else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
