"""Results read back from the folder of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import ValidationError

from aios_conformance.conformance.comparing.pairs import Side
from aios_conformance.conformance.options.saved import saved_report
from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.reporting.json_report import read
from aios_conformance.conformance.terms.result import RunResult


def saved_result(run_dir: str) -> RunResult:
    """The result that a folder's reports were written from, with its exchanges."""
    from aios_conformance.conformance.observing.recording import read_recording  # noqa: PLC0415  only here

    data = saved_report(run_dir)
    try:
        recording = read_recording(Path(run_dir))
        exchanges = [*recording.in_order, *recording.later]
    except OptionError:
        exchanges = []  # the run ended before anything was recorded
    try:
        return read(data, exchanges)
    except (LookupError, TypeError, ValidationError) as error:
        raise OptionError(
            f"{run_dir}: its report is not as a run has written it ({error})",
            code="bad-report",
        ) from error


@dataclass(frozen=True, slots=True)
class Observed:
    """What a run has observed, as far as it was kept."""

    side: Side
    why: str = ""  # only its verdicts are known


def observed(name: str, report: Mapping[str, Any], place: Path) -> Observed:
    """One side of a comparison, from the folder of a run."""
    from aios_conformance.conformance.observing.recording import (  # noqa: PLC0415
        read_recording,
    )

    folder = place if place.is_dir() else place.parent
    try:
        found = read_recording(folder)
    except OptionError as error:
        why = f"run {name}: {error}; only verdicts are compared"
        return Observed(Side(name, report), why)
    exchanges = (*found.in_order, *found.later)
    key_env = found.setting.key_env
    return Observed(Side(name, report, found.observations, exchanges, key_env))
