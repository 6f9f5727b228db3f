"""The report.json of an earlier run, and what a later one is held against."""

from pathlib import Path
from typing import Any

import orjson

from aios_conformance.conformance.options.values import Baseline, OptionError
from aios_conformance.spec import plain, report_schema

FILE_NAME = "report.json"


def saved_report(place: str | Path) -> dict[str, Any]:
    """The report.json in a folder (or at a path), known to obey its schema.

    Raises OptionError when there is none, or it is no report of ours.
    """
    import jsonschema_rs  # noqa: PLC0415  slow to import

    path = Path(place)
    path = path / FILE_NAME if path.is_dir() else path
    try:
        data: dict[str, Any] = orjson.loads(plain(path).read_bytes())
        jsonschema_rs.validate(report_schema(), data)
    except OSError as error:
        raise OptionError(
            f"{path}: cannot be read ({error.strerror})",
            code="no-report",
            hint=_hint(path.parent),
        ) from error
    except (orjson.JSONDecodeError, jsonschema_rs.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise OptionError(
            f"{path}: is no report of this suite ({reason})", code="bad-report"
        ) from error
    return data


def _hint(folder: Path) -> str:
    """What is valid, and what in a folder may be meant."""
    inside = sorted(path.parent.name for path in folder.glob(f"*/{FILE_NAME}"))[:5]
    verb = "has" if len(inside) == 1 else "have"
    meant = f" ({', '.join(inside)} {verb} one)" if inside else ""
    return f"name the folder of a run, which holds {FILE_NAME}{meant}"


def read_baseline(place: str, dialect: str) -> Baseline:
    """The run that another one under a dialect is held against.

    Raises OptionError where it is none, or one under another dialect.
    """
    try:
        report = saved_report(place)
    except OptionError as error:
        raise OptionError(
            f"--baseline {error}", code=error.code, hint=error.hint
        ) from error
    if report["dialect"] != dialect:
        raise OptionError(
            f"--baseline {place}: it was judged under the dialect "
            f"{report['dialect']}, and this run is under {dialect}",
            code="bad-baseline",
            hint="name a run of the same dialect",
        )
    suite = report["suite"]
    return Baseline(
        place.encode(errors="backslashreplace").decode(),  # any bytes name a folder
        report["target"]["url"],
        report["started"],
        suite["version"],
        suite["requirements_sha256"],
        {each["id"]: each["verdict"] for each in report["requirements"]},
    )
