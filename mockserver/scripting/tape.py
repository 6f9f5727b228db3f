"""Answers of a real server, kept in a file that people can read and review.

A tape is JSON Lines. Each line is one exchange: method, path and body of the request
(never a header, so never a key), status and content type of the response, and its
body in blocks, each with the milliseconds after the request at which it came.
"""

import json
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aios_conformance.mockserver.scripting.differences import differences

Key = tuple[str, str, str]
_NAMED: Final = 5  # differences, or paths, that are told
_COUNTED: Final = 50  # differences of a take beyond which it is just far
_COMPARED: Final = 200  # takes that are compared with a request


class TapeError(ValueError):
    """A tape cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class Take:
    """One recorded exchange."""

    method: str
    path: str
    request: Any  # the JSON body, or text if it is no JSON
    status: int
    content_type: str
    blocks: tuple[tuple[float, bytes], ...]  # milliseconds, data

    @property
    def key(self) -> Key:
        """What a request must agree in; the order of JSON members does not count."""
        return self.method, self.path, json.dumps(self.request, sort_keys=True)

    def line(self) -> str:
        """Write the exchange as a line of JSON."""
        return json.dumps(
            {
                "method": self.method,
                "path": self.path,
                "request": self.request,
                "status": self.status,
                "content_type": self.content_type,
                "blocks": [[round(at, 1), _written(data)] for at, data in self.blocks],
            },
            ensure_ascii=False,
        )


def _written(data: bytes) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def _read(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else b64decode(text["base64"])


def parse_take(line: str) -> Take:
    """Read what `Take.line` wrote; raises ValueError."""
    try:
        raw = json.loads(line)
        return Take(
            raw["method"],
            raw["path"],
            raw["request"],
            int(raw["status"]),
            raw["content_type"],
            tuple((float(at), _read(text)) for at, text in raw["blocks"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no recorded exchange: {error!r}") from error


class Tape:
    """The takes of a file, by request; equal requests play their takes in turn."""

    def __init__(self, path: Path) -> None:
        """Read the file if there is one; raises TapeError."""
        self._path = path
        self._takes: dict[Key, list[Take]] = defaultdict(list)
        self._played: dict[Key, int] = defaultdict(int)
        self._lines: list[tuple[int, Take]] = []
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        except (OSError, UnicodeDecodeError) as error:
            raise TapeError(f"cannot read {path}: {error}") from None
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                take = parse_take(line)
            except ValueError as error:
                raise TapeError(f"{path}, line {number}: {error}") from None
            self._add(take, number)

    def _add(self, take: Take, line: int) -> None:
        self._takes[take.key].append(take)
        self._lines.append((line, take))

    def __iter__(self) -> Iterator[Take]:
        """Iterate over the takes in the order of the file."""
        return (take for _, take in self._lines)

    def __len__(self) -> int:
        """Count the takes."""
        return sum(map(len, self._takes.values()))

    def play(self, method: str, path: str, request: Any) -> Take | None:
        """Return the next take of a request (the last one stays), None if none."""
        key = method, path, json.dumps(request, sort_keys=True)
        takes = self._takes.get(key)
        if not takes:
            return None
        played = self._played[key]
        self._played[key] += 1
        return takes[min(played, len(takes) - 1)]

    def record(self, take: Take) -> None:
        """Add a take to the end of the file. It can be played at once."""
        self._add(take, self._lines[-1][0] + 1 if self._lines else 1)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(take.line() + "\n")

    def nearest(self, method: str, path: str, request: Any) -> str:
        """Say which take differs least from a request, and where."""
        asked = [
            (line, take)
            for line, take in self._lines
            if (take.method, take.path) == (method, path)
        ]
        if not asked:
            paths = sorted({f"{take.method} {take.path}" for _, take in self._lines})
            there = ", ".join(paths[:_NAMED]) or "nothing"
            return f"{self._path} has nothing for {method} {path}, only {there}"
        found = [
            (list(islice(differences(take.request, request), _COUNTED)), line)
            for line, take in asked[:_COMPARED]
        ]
        differing, line = min(found, key=lambda each: len(each[0]))
        told = "; ".join(map(str, differing[:_NAMED])) or "only numbers differ in form"
        more = f"; and {len(differing) - _NAMED} more" if differing[_NAMED:] else ""
        return f"nearest is line {line} of {self._path}: {told}{more}"

    def rewind(self) -> None:
        """Play every request from its first take again."""
        self._played.clear()
