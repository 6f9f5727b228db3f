"""Say in words where each line of the documents stands, and keep it in sources.yaml.

    python tools/places.py DIRECTORY_OF_DOCUMENTS

A place is the path of headings above a line, ended by the row of the table that it is
in: Rerank, Body Parameters, top_n. It holds from its line to the next one's.
Nothing but headings and names of parameters is taken over.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from aios_conformance.spec import sources
from aios_conformance.spec._files import HERE
from aios_conformance.spec._places import BELOW
from aios_conformance.spec.pin import HEADER, read_documents

Place = tuple[str, ...]
Named = Callable[[int, Place], str | None]  # the row that begins at a line, if one does

_TYPE = r"(string|integer|object|array|number|boolean|float|enum<string>)(\[\])?"
_RANKS: Mapping[str, int] = {
    "API Reference Overview": 0,
    **dict.fromkeys(("Rerank API", "Score API", "Chat Completions API"), 0),
    **dict.fromkeys(("Completions API", "Embedding API", "Embeddings API"), 0),
    **dict.fromkeys(("Get Model List API", "Create embedding"), 0),
    "Create an Embedding": 0,
    **dict.fromkeys(("Autorisations", "Corps", "Réponse"), 0),
    **dict.fromkeys(("Overview", "Request", "Response", "Reference"), 1),
    **dict.fromkeys(("References", "Response (200)", "Response Header"), 1),
    **dict.fromkeys(("Request Body", "Response Body", "Parameter Description"), 1),
    **dict.fromkeys(("Example Request", "Example Response", "Summary"), 1),
    "Description of Response Parameters": 1,
    **dict.fromkeys(("Context", "Path Parameters", "Query Parameters"), 2),
    **dict.fromkeys(("Body Parameters", "200 OK", "Error Code", "Example"), 2),
}
_ROW = re.compile(r"(?!None)([\w\[\].]+( \(Deprecated\))?|[A-Z]\w+[ -][A-Z]\w+|\d{3})")
_HEADING = re.compile(r"(#+ |\d\. )?(?P<name>.+?)#?")


def places(lines: Sequence[str], named: Named) -> dict[int, str]:
    """The place that begins at each line, where it is another than before."""
    found: dict[int, str] = {1: "The beginning of the page"}
    path: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        name = _HEADING.fullmatch(line.strip() or "-")
        heading = name["name"] if name else ""
        if heading in {"200 OK", "Error Code"}:
            path[1] = "Response"  # a heading that one of the documents has forgotten
        if heading == "Overview" and path.get(1) == "Reference":
            path = {0: lines[number].partition(" is ")[0]}  # likewise
        if (rank := _RANKS.get(heading)) is not None:
            path = {r: n for r, n in path.items() if r < rank} | {rank: heading}
        elif row := named(number, tuple(path.values())):
            path = {r: n for r, n in path.items() if r < 3} | {3: row}
        elif line.startswith("Table.") or (path.get(2) == "Example" and 3 in path):
            path.pop(3, None)
        shown = [n for n in path.values() if not (2 in path and n == "Request")]
        told = BELOW.join(map(_short, shown))
        if told and told != next(reversed(found.values()), ""):
            found[number] = told
    return found


def _short(heading: str) -> str:
    return heading.removesuffix(" API")


def piped(lines: Sequence[str]) -> Named:
    """Tables of Markdown: a row begins with a bar."""

    def named(number: int, path: Place) -> str | None:
        cells = [cell.strip() for cell in lines[number - 1].split("|")]
        is_row = len(path) > 2 and lines[number - 1].startswith("| ")
        is_head = cells[1:2] in (["Key"], ["Name"], ["HTTP status code"], [""])
        if not is_row or is_head or not _ROW.fullmatch(cells[1]):
            return None
        return cells[1]

    return named


def run_together(lines: Sequence[str], known: set[str]) -> Named:
    """Tables whose cells lost their borders: a row begins with a known name."""
    longest = sorted(known, key=len, reverse=True)

    def named(number: int, path: Place) -> str | None:
        line = lines[number - 1]
        if len(path) < 3 or path[2] == "Example":
            return None
        return next((name for name in longest if line.startswith(name)), None)

    return named


def bulleted(lines: Sequence[str]) -> Named:
    """Lists of `name: what it is`."""

    def named(number: int, _: Place) -> str | None:
        found = re.match(r"\s+• (\w+)(\(\w+\))?:", lines[number - 1])
        return found[1] if found else None

    return named


def stacked(lines: Sequence[str]) -> Named:
    """A name, and its type or default on the next line."""

    def is_named(number: int) -> bool:
        line, following = (
            f"{each}\n" for each in [*lines, ""][number - 1 : number + 1]
        )
        is_typed = re.match(rf"{_TYPE}|requis|défaut", following)
        is_alone = re.fullmatch(r"[A-Za-z_]+\s", line)
        return bool(is_typed and is_alone) and not (number > 1 and is_named(number - 1))

    def named(number: int, _: Place) -> str | None:
        return lines[number - 1].strip() if is_named(number) else None

    return named


def names(lines: Sequence[str]) -> set[str]:
    """The first cells of all tables of Markdown."""
    rows = (line.split("|")[1].strip() for line in lines if line.startswith("| "))
    heads = {"Key", "Name", "HTTP status code"}
    return {row for row in rows if _ROW.fullmatch(row)} - heads


def _all(texts: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, dict[int, str]]]:
    readers = {
        "000": run_together(texts["000"], names(texts["001"])),
        "001": piped(texts["001"]),
        "002": bulleted(texts["002"]),
        "003": stacked(texts["003"]),
        "004": stacked(texts["004"]),
    }
    for document, named in readers.items():
        yield document, places(texts[document], named)


def main(arguments: Sequence[str]) -> int:
    """Rewrite the places in sources.yaml."""
    documents = read_documents(Path(arguments[0]), sources())
    texts = {name: text.decode().splitlines() for name, text in documents.items()}
    path = HERE / "sources.yaml"
    rows: list[dict[str, Any]] = yaml.safe_load(path.read_text())["sources"]
    found = dict(_all(texts))
    rows = [{**row, "places": found[row["id"]]} for row in rows]
    text = yaml.safe_dump({"sources": rows}, sort_keys=False, allow_unicode=True)
    path.write_text(HEADER + text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
