"""The documents from which the contract derives; their text is not shipped.

Each cited line is pinned by a hash, so that a citation can be checked without the
text, and a changed document is noticed as soon as the text is at hand.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from aios_conformance.spec._dialects import dialect, known_dialects
from aios_conformance.spec._files import SpecError, read_once
from aios_conformance.spec._references import each_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One document.

    Attributes:
        id: three digits, as in 000:57.
        title: what the document is.
        address: where it is published, None if nobody knows.
        date: of what time it is, as far as it says so itself.
        sha256: of the file, byte by byte; "" where nobody has pinned it.
        lines: how many there are.
        line_hashes: pin of each cited line, by its number counted from 1.
        places: where lines stand, in words; each holds from its line to the next.

    """

    id: str
    title: str
    lines: int
    address: str | None = None
    sha256: str = ""
    line_hashes: Mapping[int, str] = field(default_factory=dict)
    date: str | None = None
    places: Mapping[int, str] = field(default_factory=dict)

    def place(self, number: int) -> str:
        """Where a line stands, in words; "" where nobody has said so."""
        begins = [*self.places]
        at = bisect_right(begins, number) - 1
        return self.places[begins[at]] if at >= 0 else ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a document, as `explain` prints it."""

    source: str
    number: int
    text: str


def sources() -> Mapping[str, Source]:
    """The documents of all known dialects by id, ours first."""
    return _sources(known_dialects())


@cache
def _sources(names: tuple[str, ...]) -> Mapping[str, Source]:
    files = dict.fromkeys(path for each in names if (path := dialect(each).sources))
    rows = [row for path in files for row in (read_once(path) or {}).get("sources", ())]
    found: dict[str, Source] = {}
    for row in rows:
        found.setdefault(row["id"], Source(**row))
    return MappingProxyType(found)


def pin_line(text: str) -> str:
    """Hash of a line, blind to the white space around it."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:16]


def find_documents(
    directory: Path, known: Iterable[Source]
) -> dict[str, tuple[str, ...]]:
    """Find the documents in a directory by their SHA-256; their lines by id.

    Raises:
        SpecError: the directory cannot be read, or one of the documents is not there.

    """
    try:
        files = [path.read_bytes() for path in directory.iterdir() if path.is_file()]
    except OSError as error:
        raise SpecError(f"cannot read the documents: {error}") from error
    by_hash = {hashlib.sha256(each).hexdigest(): each for each in files}
    texts: dict[str, tuple[str, ...]] = {}
    for source in known:
        if source.sha256 not in by_hash:
            raise SpecError(
                f"{directory} holds no file with the SHA-256 of document {source.id} "
                f"({source.title}): {source.sha256}"
            )
        texts[source.id] = split_lines(by_hash[source.sha256])
    return texts


def split_lines(document: bytes) -> tuple[str, ...]:
    """Split a document at line feeds only, as `cat -n` counts."""
    return tuple(document.decode().removesuffix("\n").split("\n"))


def source_lines(references: Iterable[str], directory: Path) -> tuple[SourceLine, ...]:
    """Read the cited lines from the documents in `directory`; blank ones are left out.

    Raises:
        SpecError: a reference is malformed or beyond the document's end, or the
            directory lacks a document.

    """
    cited = tuple(each_line(references))
    check_cited(cited)
    ids = {document for document, _ in cited}
    known = [source for source in sources().values() if source.id in ids]
    texts = find_documents(directory, known)
    return tuple(_read(cited, texts))


def check_cited(cited: Iterable[tuple[str, int]]) -> None:
    """Raise SpecError for a line that no document has."""
    for document, number in cited:
        if document not in sources():
            raise SpecError(
                f"unknown document {document!r}: valid are {', '.join(sources())}"
            )
        if number > sources()[document].lines:
            raise SpecError(
                f"document {document} has {sources()[document].lines} lines, "
                f"{document}:{number} is cited"
            )


def _read(
    cited: Iterable[tuple[str, int]], texts: Mapping[str, tuple[str, ...]]
) -> Iterator[SourceLine]:
    for document, number in cited:
        text = texts[document][number - 1]
        if text.strip():
            yield SourceLine(document, number, text)
