"""Editions: sets of requirements that never change again, by name.

A file in `editions/` holds one: for each dialect the rows that are scored, with their
levels. Rows that come later belong to a later edition.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aios_conformance.spec._catalogue import Requirement
from aios_conformance.spec._files import HERE, SpecError

FOLDER = HERE / "editions"


@dataclass(frozen=True, slots=True)
class Edition:
    """A frozen set of requirements."""

    name: str
    published: str  # ISO date
    rows: Mapping[str, Mapping[str, str]]  # dialect → id → level

    def sha256(self, dialect: str) -> str:
        """Fingerprint of what it scores under a dialect."""
        return rows_sha256(self.rows[dialect])


def editions() -> Mapping[str, Edition]:
    """All editions, the oldest first."""
    return _read(FOLDER)


def edition(name: str, dialect: str) -> Edition:
    """The edition of that name, if it has rows of the dialect; else a SpecError."""
    known = editions()
    if name not in known:
        raise SpecError(f"there is no edition {name}; valid are {', '.join(known)}")
    found = known[name]
    if dialect not in found.rows:
        raise SpecError(
            f"edition {name} has no rows of the dialect {dialect}, but of "
            f"{', '.join(found.rows)}"
        )
    return found


def edition_of(rows: Iterable[Requirement], dialect: str) -> tuple[str | None, str]:
    """The newest edition that scores exactly these rows, if any, and their hash."""
    levels = {row.id: str(row.level) for row in rows}
    named = [e.name for e in editions().values() if e.rows.get(dialect) == levels]
    return (named[-1] if named else None), rows_sha256(levels)


def rows_sha256(levels: Mapping[str, str]) -> str:
    """Fingerprint of rows and their levels, in whatever order."""
    text = "".join(f"{row} {level}\n" for row, level in sorted(levels.items()))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _read(folder: Path) -> Mapping[str, Edition]:
    files = [json.loads(path.read_bytes()) for path in folder.glob("*.json")]
    files.sort(key=lambda file: [int(part) for part in file["edition"].split(".")])
    return {
        file["edition"]: Edition(file["edition"], file["published"], file["rows"])
        for file in files
    }
