"""What runs of the suite under pytest share: options, a counting target, reports."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from miniatures import Asked, Behaviour, Said, encoders_only

from aios_conformance.conformance.reporting import WRITERS
from aios_conformance.spec import Level, requirements

ITEMS = [
    row.id
    for row in requirements("aios")
    if row.excluded is None and row.level is not Level.MAY
]
QUICK = ("-p", "no:schemathesis", "--preset=smoke")
NO_PORT = "http://127.0.0.1:9"


@dataclass
class Counting:
    """A behaviour that knows how often it was asked."""

    behaviour: Behaviour = encoders_only
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    asked: int = 0

    def __call__(self, asked: Asked) -> Said:
        self.asked = next(self.numbers)
        return self.behaviour(asked)


def report(folder: Path) -> Any:
    return json.loads((folder / "reports/latest/report.json").read_bytes())


def verdicts(folder: Path) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in report(folder)["requirements"]}


def assert_all_reports(folder: Path, *, complete: bool) -> None:
    names = {path.name for path in (folder / "reports/latest").iterdir()}
    assert names >= set(WRITERS)
    assert report(folder)["complete"] is complete
