"""Results read back from the folder of a run."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.reporting.json_report import read
from aios_conformance.conformance.terms.result import RunResult
from aios_conformance.spec import report_schema

FILE_NAME = "report.json"


def saved_report(place: str | Path) -> dict[str, Any]:
    """The report.json in a folder (or at a path), known to obey its schema.

    Raises OptionError when there is none, or it is no report of ours.
    """
    path = Path(place)
    path = path / FILE_NAME if path.is_dir() else path
    try:
        data: dict[str, Any] = orjson.loads(path.read_bytes())
        jsonschema_rs.validate(report_schema(), data)
    except OSError as error:
        raise OptionError(
            f"{path}: cannot be read ({error.strerror})",
            code="no-report",
            hint=f"name the folder of a run, which holds {FILE_NAME}",
        ) from error
    except (orjson.JSONDecodeError, jsonschema_rs.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise OptionError(
            f"{path}: is no report of this suite ({reason})", code="bad-report"
        ) from error
    return data


def saved_result(run_dir: str) -> RunResult:
    """The result that a folder's reports were written from, with its exchanges."""
    from aios_conformance.conformance.observing.recording import read_recording  # noqa: PLC0415  only here

    data = saved_report(run_dir)
    try:
        exchanges = read_recording(Path(run_dir)).exchanges
    except OptionError:
        exchanges = ()  # the run ended before anything was recorded
    return read(data, exchanges)
