"""Rewrite sources.yaml after a citation was added.

    python -m aios_conformance.spec.pin DIRECTORY

The directory holds the documents, each under a name that begins with its id. Titles
and addresses are kept; SHA-256, line counts and the pins of all lines that the
requirements, the rulings, the examples and the OpenAPI documents cite are computed.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from aios_conformance.spec._catalogue import requirements, rulings
from aios_conformance.spec._files import DIALECTS, HERE, SpecError, read_yaml
from aios_conformance.spec._references import each_line
from aios_conformance.spec._sources import pin_line, split_lines

HEADER = (
    "# The documents, none of which is shipped, and a pin of every cited line.\n"
    "# Titles, addresses and dates are kept by hand, places are written by\n"
    "# `tools/places.py`, the rest by `python -m aios_conformance.spec.pin`.\n"
)


def cited_references() -> Iterator[str]:
    """Yield every reference that anything in this package cites."""
    for dialect in DIALECTS:
        for requirement in requirements(dialect):
            yield from requirement.sources
    for ruling in rulings().values():
        yield from ruling.where
    paths = [HERE / "openapi.yaml", *HERE.glob("dialects/*/openapi.yaml")]
    for path in (*paths, *HERE.glob("examples/index.yaml")):
        yield from _references_below(read_yaml(path))


def _references_below(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name in {"x-source", "sources"}:
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _references_below(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references_below(value)


def pinned(
    rows: Iterable[Mapping[str, Any]],
    documents: Mapping[str, bytes],
    references: Iterable[str],
) -> list[dict[str, Any]]:
    """Compute the rows of sources.yaml anew; blank lines within ranges get no pin.

    Raises:
        SpecError: a reference to a blank line, or to one that no document has.

    """
    texts = {each: split_lines(content) for each, content in documents.items()}
    pins: dict[str, dict[int, str]] = {each: {} for each in documents}
    for reference in sorted(set(references)):
        found = False
        for document, number in each_line([reference]):
            if document not in texts or number > len(texts[document]):
                raise SpecError(f"{reference} is cited, but there is no such line")
            text = texts[document][number - 1]
            if text.strip():
                pins[document][number] = pin_line(text)
                found = True
        if not found:
            raise SpecError(f"{reference} is cited, but is blank")
    return [
        {
            **row,
            "sha256": hashlib.sha256(documents[row["id"]]).hexdigest(),
            "lines": len(texts[row["id"]]),
            "line_hashes": dict(sorted(pins[row["id"]].items())),
        }
        for row in rows
    ]


def read_documents(directory: Path, ids: Iterable[str]) -> dict[str, bytes]:
    """Read the one file of each document, known by the start of its name.

    Raises:
        SpecError: there is none, or more than one.

    """
    contents: dict[str, bytes] = {}
    for each in ids:
        paths = list(directory.glob(f"{each}*"))
        if len(paths) != 1:
            raise SpecError(
                f"{directory} must hold one file whose name begins with {each}, "
                f"it holds {len(paths)}"
            )
        contents[each] = paths[0].read_bytes()
    return contents


def main(arguments: Sequence[str]) -> int:
    """Rewrite sources.yaml; 0 if done, 2 with a message if not."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m aios_conformance.spec.pin DIRECTORY\n")
        return 2
    try:
        path = HERE / "sources.yaml"
        rows = read_yaml(path)["sources"]
        documents = read_documents(Path(arguments[0]), [row["id"] for row in rows])
        rows = pinned(rows, documents, cited_references())
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    text = yaml.safe_dump({"sources": rows}, sort_keys=False, allow_unicode=True)
    path.write_text(HEADER + text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
