"""References to lines of the documents, written `000:57` or `000:234-239`."""

import re
from collections.abc import Iterable, Iterator

from aios_conformance.spec._files import SpecError

_REFERENCE = re.compile(r"(\d{3}):([1-9]\d*)(?:-([1-9]\d*))?", re.ASCII)


def parse_reference(reference: str) -> tuple[str, range]:
    """Split a reference into the document's id and its lines, counted from 1.

    Raises:
        SpecError: the reference is malformed or its range is empty.

    """
    match = _REFERENCE.fullmatch(reference)
    if match:
        document, first, last = match.groups()
        lines = range(int(first), int(last or first) + 1)
        if lines:
            return document, lines
    raise SpecError(
        f"bad source reference {reference!r}: valid are DOCUMENT:LINE and "
        "DOCUMENT:FIRST-LAST, such as 000:57 and 000:234-239"
    )


def each_line(references: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield every (document, line) that the references name, in their order."""
    for reference in references:
        document, lines = parse_reference(reference)
        for line in lines:
            yield document, line
