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
from aios_conformance.serving.located import short
from aios_conformance.spec import plain

Key = tuple[str, str, str]
_NAMED: Final = 5  # differences, or paths, that are told
_COUNTED: Final = 50  # differences of a take beyond which it is just far
_COMPARED: Final = 200  # takes that are compared with a request
_LARGEST: Final = 512 * 1024 * 1024  # bytes of a tape, which memory holds
_LONGEST: Final = 86_400_000  # milliseconds until a block comes


class TapeError(ValueError):
    """A tape cannot be read or written; the text says where."""


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
    if isinstance(text, str):
        return text.encode()
    return b64decode(text["base64"], validate=True)


def _read_block(block: Any) -> tuple[float, bytes]:
    at, text = block
    if not 0 <= float(at) <= _LONGEST:
        raise ValueError(f"a block comes after {short(at)} ms")
    return float(at), _read(text)


def _verify(take: Take) -> None:
    """Raise ValueError or TypeError for what no exchange has."""
    if not (isinstance(take.method, str) and isinstance(take.path, str)):
        raise TypeError("method and path must be texts")
    if type(take.status) is not int or not 200 <= take.status <= 999:
        raise ValueError(f"status is {short(take.status)}, not from 200 to 999")
    if not (isinstance(take.content_type, str) and take.content_type.isprintable()):
        raise ValueError(f"content_type is {short(take.content_type)}, no line")
    _ = take.key  # what is nested too deep has none


def parse_take(line: str) -> Take:
    """Read what `Take.line` wrote; raises ValueError."""
    try:
        raw = json.loads(line)
        take = Take(
            raw["method"],
            raw["path"],
            raw["request"],
            raw["status"],
            raw["content_type"],
            tuple(map(_read_block, raw["blocks"])),
        )
        _verify(take)
    except KeyError as error:
        raise ValueError(f"no recorded exchange: it has no {error}") from error
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"no recorded exchange: {error!r}") from error
    except RecursionError:
        raise ValueError("no recorded exchange: it is nested too deep") from None
    return take


def tape_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a tape that say something, with their numbers from 1.

    Raises OSError, and UnicodeDecodeError for what is no text.
    """
    with plain(path, _LARGEST).open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.rstrip("\n")


class Tape:
    """The takes of a file, by request; equal requests play their takes in turn."""

    def __init__(self, path: Path) -> None:
        """Read the file if there is one; raises TapeError."""
        self._path = path
        self._takes: dict[Key, list[Take]] = defaultdict(list)
        self._played: dict[Key, int] = defaultdict(int)
        self._lines: list[tuple[int, Take]] = []
        try:
            for number, line in tape_lines(path):
                try:
                    self._add(parse_take(line), number)
                except ValueError as error:
                    raise TapeError(f"{path}, line {number}: {error}") from None
        except FileNotFoundError:
            pass
        except OSError as error:
            raise TapeError(f"cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise TapeError(f"cannot read {path}: {error}") from None

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
        """Add a take to the end of the file. It can be played at once.

        Raises TapeError where it cannot be written; the file is then as it was.
        """
        line = f"{take.line()}\n".encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                before = file.tell()
                is_whole = file.write(line) == len(line)
                if not is_whole:
                    file.truncate(before)
        except OSError as error:
            raise TapeError(f"cannot write {self._path}: {error.strerror}") from None
        if not is_whole:
            raise TapeError(f"cannot write {self._path}: no space left on device")
        self._add(take, self._lines[-1][0] + 1 if self._lines else 1)

    def nearest(self, method: str, path: str, request: Any) -> str:
        """Say which take differs least from a request, and where."""
        if not self._lines:
            return f"there is nothing on {self._path} yet: record it first"
        asked = [
            (line, take)
            for line, take in self._lines
            if (take.method, take.path) == (method, path)
        ]
        if not asked:
            paths = sorted({f"{take.method} {take.path}" for _, take in self._lines})
            there = ", ".join(paths[:_NAMED])
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
