"""Waivers: known deviations that a vendor has decided to live with for a while.

    waivers:
      - id: CHAT-SEM-010
        reason: our gateway reports "stop", ticket 4711
        expires: 2027-03-31

A waived row is still judged. Whether a waiver has expired, or waives what passes, is
decided with the verdict.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from aios_conformance.conformance.options.values import OptionError, Waiver
from aios_conformance.spec import Level, SpecError, requirement, requirements

_MEMBERS = ("id", "reason", "expires")


def read_waivers(path: Path, dialect: str) -> tuple[Waiver, ...]:
    """Read a file of waivers; OptionError names the entry that is wrong."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise _bad(path, f"cannot be read as YAML: {reason}") from error
    entries = content.get("waivers") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise _bad(path, "must be a list of entries with id, reason and expires")
    found: dict[str, Waiver] = {}
    for number, entry in enumerate(entries, 1):
        where = f"entry {number}"
        waiver = _waiver(path, where, entry, dialect)
        if waiver.id in found:
            raise _bad(path, f"{where}: {waiver.id} is waived twice")
        found[waiver.id] = waiver
    return tuple(found.values())


def _waiver(path: Path, where: str, entry: Any, dialect: str) -> Waiver:
    if not isinstance(entry, dict):
        raise _bad(path, f"{where}: must have id, reason and expires")
    if strangers := [str(name) for name in entry if name not in _MEMBERS]:
        raise _bad(
            path,
            f"{where}: unknown member {', '.join(strangers)}; "
            f"valid are {', '.join(_MEMBERS)}",
        )
    for member in _MEMBERS:
        if not entry.get(member) or not str(entry[member]).strip():
            raise _bad(path, f"{where}: {member} is missing")
    identifier = str(entry["id"])
    _check_waivable(path, where, identifier, dialect)
    return Waiver(
        identifier, str(entry["reason"]).strip(), _day(path, where, entry["expires"])
    )


def _check_waivable(path: Path, where: str, identifier: str, dialect: str) -> None:
    try:
        known = requirement(identifier)
    except SpecError as error:
        raise _bad(path, f"{where}: {error}") from error
    row = next((r for r in requirements(dialect) if r.id == identifier), None)
    if row is None:
        raise _bad(
            path,
            f"{where}: {identifier} belongs to {', '.join(known.dialects)}, "
            f"not to the dialect {dialect}",
        )
    if row.excluded:
        raise _bad(path, f"{where}: {identifier} is not judged ({row.excluded})")
    if row.level is Level.MAY:
        raise _bad(path, f"{where}: {identifier} is a MAY row, which cannot fail")


def _day(path: Path, where: str, value: Any) -> str:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise _bad(
            path, f"{where}: expires is {value!r}, not a date such as 2027-03-31"
        ) from None


def _bad(path: Path, message: str) -> OptionError:
    return OptionError(f"{path}: {message}", code="bad-waivers")
