"""Waivers: known deviations that a vendor has decided to live with for a while.

    waivers:
      - id: CHAT-SEM-010
        reason: our gateway reports "stop", ticket 4711
        expires: 2027-03-31

A waived row is still judged. Whether a waiver has expired, or waives what passes, is
decided with the verdict. A topic in place of an id waives all rows about it.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from aios_conformance.conformance.options.values import OptionError, Waiver
from aios_conformance.spec import (
    Level,
    SpecError,
    named,
    parse_yaml,
    read_plain,
    requirements,
)

_MEMBERS = ("id", "reason", "expires")


def read_waivers(path: Path, dialect: str) -> tuple[Waiver, ...]:
    """Read a file of waivers; OptionError names the entry that is wrong."""
    try:
        content = parse_yaml(read_plain(path))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise _bad(path, f"cannot be read as YAML: {reason}") from error
    entries = content.get("waivers") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise _bad(path, "must be a list of entries with id, reason and expires")
    found: dict[str, Waiver] = {}
    for number, entry in enumerate(entries, 1):
        where = f"entry {number}"
        for waiver in _waivers(path, where, entry, dialect):
            if waiver.id in found:
                raise _bad(path, f"{where}: {waiver.id} is waived twice")
            found[waiver.id] = waiver
    return tuple(found.values())


def _waivers(path: Path, where: str, entry: Any, dialect: str) -> list[Waiver]:
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
    reason, day = str(entry["reason"]).strip(), _day(path, where, entry["expires"])
    waived = _waivable(path, where, str(entry["id"]), dialect)
    return [Waiver(each, reason, day) for each in waived]


def _waivable(path: Path, where: str, name: str, dialect: str) -> list[str]:
    """The ids that an id or a topic means."""
    try:
        known = named(name)
    except SpecError as error:
        raise _bad(path, f"{where}: {error}") from error
    rows = [each for each in requirements(dialect) if name in (each.id, each.topic)]
    if not rows:
        owners = ", ".join(dict.fromkeys(d for each in known for d in each.dialects))
        raise _bad(
            path, f"{where}: {name} belongs to {owners}, not to the dialect {dialect}"
        )
    for row in rows:
        if row.excluded:
            raise _bad(path, f"{where}: {row.id} is not judged ({row.excluded})")
        if row.level is Level.MAY:
            raise _bad(path, f"{where}: {row.id} is a MAY row, which cannot fail")
    return [row.id for row in rows]


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
