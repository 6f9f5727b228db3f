"""Write docs/documentation-defects.md: where the documents contradict themselves.

    python tools/documentation_defects.py

It is made of the rulings, and of the readings that the servers in reports/ follow; run
it when either changes.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

from markdown_text import plain, slug  # noqa: E402

from aios_conformance import spec  # noqa: E402

PAGE = ROOT / "docs" / "documentation-defects.md"
HEAD = """\
# What contradicts itself in the documents

For those who keep the AIOS pages, and for who reads them: every place that we found to
contradict another, to be misprinted or to leave open what a client has to know.
Each entry says which places these are, how this project reads them and why, and where
several readings are accepted, which of them the servers of others follow that we have
judged.
A server is never failed for a reading that is accepted.

The wording of the entries is ours; the documents themselves are not shipped.
This page is made by `tools/documentation_defects.py` of the rulings and of
[the reports](reports.md).
"""


def scopes(api: spec.ApiSpec) -> tuple[str, ...]:
    """The scopes of rulings that name this API, and none before it."""
    order: list[str] = [*spec.apis()]
    named = {
        ruling.scope: min(
            ({*re.split(r"\W", ruling.scope)} & {*order}), key=order.index, default=None
        )
        for ruling in spec.rulings().values()
    }
    return tuple(scope for scope, first in named.items() if first == api.name)


GROUPS: Mapping[str, tuple[str, ...]] = {
    "All APIs": ("AIOS", "all", "000", "000/001", "001", "dialects"),
    **{api.title: scopes(api) for api in spec.apis().values()},
    "Infinity": ("002",),
    "AIGNE Hub": ("003",),
    "AIHubMix": ("004",),
}
"""Headings, by the scopes of rulings; the last three are of other pages."""

Followed = Mapping[str, Mapping[str, set[str]]]  # row → reading → servers


def followed(reports: Path) -> Followed:
    """Which servers follow which reading of which row."""
    found: dict[str, dict[str, set[str]]] = {}
    for path in sorted(reports.glob("*/**/report.json")):
        server = path.relative_to(reports).parts[0]
        if server == "latest" or server.startswith("aios-"):
            continue  # our own follow the readings that we take
        name, _, version = server.rpartition("-")
        for row in json.loads(path.read_bytes())["requirements"]:
            for reading in (row["reading"] or "").split("; "):
                if reading:
                    servers = found.setdefault(row["id"], {}).setdefault(reading, set())
                    servers.add(f"{name} {version}")
    return found


def page(seen: Followed) -> str:
    """The whole page."""
    rulings = spec.rulings().values()
    parts = [HEAD, *documents(), *first(seen)]
    for title, scopes in GROUPS.items():
        members = [each for each in rulings if each.scope in scopes]
        parts.append(f"## {title}\n")
        parts += ["\n".join(entry(each, seen)) for each in members]
    left = {each.scope for each in rulings} - {s for g in GROUPS.values() for s in g}
    if left:
        raise ValueError(f"no heading has the scopes {sorted(left)}")
    return "\n".join(parts)


def documents() -> Iterator[str]:
    """What the three digits stand for."""
    yield "The entries name the pages by numbers:\n"
    for source in spec.sources().values():
        date = f" ({plain(source.date)})" if source.date else ""
        yield f"- {source.id}: {named(source)}{date}"
    yield ""


def named(source: spec.Source) -> str:
    """The title of a document, which leads to it."""
    name = plain(source.title)
    return f"[{name}]({source.address})" if source.address else name


def first(seen: Followed) -> Iterator[str]:
    """What costs clients and servers most, and where real servers part."""
    yield "## Mend these first\n"
    yield "A wrong guess is dear: what should work is refused, or the reverse.\n"
    rulings = [each for each in spec.rulings().values() if is_of_aios(each)]
    for each in rulings:
        if each.danger == "high":
            yield line(each, each.problem)
    yield "\nServers that we judged read these differently:\n"
    for each in rulings:
        split = [row for row in each.requirements if len(seen.get(row, ())) > 1]
        if each.readings and split:
            told = "; ".join(
                f"{reading} ({len(servers)})"
                for reading, servers in sorted(seen[split[0]].items())
            )
            yield line(each, told)
    yield ""


def line(ruling: spec.Ruling, told: str) -> str:
    """One line of a list, which leads to the entry."""
    anchor = slug(f"{ruling.id} {title(ruling)}")
    return f"- [{ruling.id}](#{anchor}), {plain(title(ruling))}: {plain(told)}"


def is_of_aios(ruling: spec.Ruling) -> bool:
    """Whether it is about the AIOS pages."""
    return any(line.startswith(("000:", "001:")) for line in ruling.where)


def entry(ruling: spec.Ruling, seen: Followed) -> Iterator[str]:
    """One contradiction."""
    yield f"### {ruling.id} {title(ruling)}\n"
    yield f"{plain(ruling.problem)}\n"
    lines: dict[str, list[str]] = {}
    for document, _, at in (each.partition(":") for each in ruling.where):
        lines.setdefault(document, []).append(at)
    yield from (f"- {where(document, at)}" for document, at in lines.items())
    yield f"\n**Read as:** {plain(ruling.ruling)}\n"
    yield f"**Because:** {plain(ruling.reason)}\n"
    if ruling.readings:
        yield "**Accepted readings:**\n"
    for each in ruling.readings:
        yield f"- *{plain(each.name)}*: {plain(each.meaning)}"
    if ruling.readings:
        yield ""
    rows = [row for row in ruling.requirements if row in seen]
    if rows:
        yield "| requirement | reading | servers |\n|---|---|---|"
        for row in rows:
            for reading, servers in sorted(seen[row].items()):
                told = f"{len(servers)}: {', '.join(sorted(servers))}"
                yield f"| {row} | {plain(reading)} | {told} |"
        yield ""
    if others := [row for row in ruling.requirements if row not in rows]:
        yield f"{'Also rests' if rows else 'Rests'} on it: {', '.join(others)}\n"


def title(ruling: spec.Ruling) -> str:
    """The place that comes first, in words."""
    document, _, line = ruling.where[0].partition(":")
    return place(document, line) or ruling.scope


def where(document: str, lines: list[str]) -> str:
    """A document with its address, and the places in it with their lines."""
    places: dict[str, list[str]] = {}
    for each in lines:
        places.setdefault(place(document, each), []).append(each)
    told = (
        f"{plain(words)} (line{'s' if len(at) > 1 or '-' in at[0] else ''} "
        f"{', '.join(at)})"
        for words, at in places.items()
    )
    return f"{named(spec.sources()[document])}: {'; '.join(told)}"


def place(document: str, line: str) -> str:
    """Where a line stands, in words."""
    return spec.sources()[document].place(int(line.partition("-")[0]))


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(followed(ROOT / "reports")), "utf-8")


if __name__ == "__main__":
    main()
