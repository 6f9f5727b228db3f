"""Pages that are files elsewhere, links between them, and what is filled in.

A page that is one link and nothing else shows the file that it leads to, so that a
README is written once. A line `<!-- fill: NAME WORDS -->` becomes what the function of
that name makes of the catalogue or of reports/. A link to a file of the repository
leads to its page where it has one; the pages in reports/ are copied as they are.
Requirements and rulings that a text names by their ids are links.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from shutil import copyfile
from typing import Any

import catalogue
from sphinx.application import Sphinx

from aios_conformance import spec

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

REPORTS = ROOT / "reports"
REPOSITORY = os.environ.get("AIOS_REPOSITORY", "")
"""An address to which the path of a file is added; without it no link leads there."""

_STUB = re.compile(r"\[[^\]]*\]\((\.\.?/[^)#]+\.md)\)\s*")
_FILL = re.compile(r"^<!-- fill: (\S+) ?(.*?) -->$", re.MULTILINE)
_CODE = re.compile(r"(^ *```.*?^ *```|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_RULING = re.compile(r"^(### (A-\d{3}) )", re.MULTILINE)
_ID = re.compile(r"^#.*|(?<![\w(\[#-])([A-Z]+-)+\d{3}(?![\w\])-])", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[((?:[^\]\[]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def setup(app: Sphinx) -> Mapping[str, bool]:
    """Have every page filled in as it is read."""
    app.connect("source-read", _read)
    app.connect("html-page-context", _accessible, priority=900)  # after the theme
    app.connect("build-finished", _copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    path = shown(DOCS / f"{name}.md")
    if path.parent != DOCS:
        app.env.note_dependency(str(path))
    text = _FILL.sub(lambda found: FILLS[found[1]](*found[2].split()), _text(path))
    source[0] = linked(text, path, name)


def _accessible(
    _: Sphinx, _name: str, _template: str, context: dict[str, Any], _tree: object
) -> None:
    """What WCAG asks for beyond the theme: to scroll by keys, and levels."""
    heading = 'role="heading"'
    context["body"] = re.sub(
        r'<(?=pre>|div class="table-wrapper)(\w+)',
        r'<\1 tabindex="0"',
        context.get("body", ""),
    )
    tree = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = tree.replace(heading, f'{heading} aria-level="2"')


def _copy(app: Sphinx, error: Exception | None) -> None:
    for path in () if error else _reports():
        to = Path(app.outdir) / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        copyfile(path, to)


def _reports() -> Iterator[Path]:
    for path in REPORTS.rglob("*.html"):
        if path.relative_to(REPORTS).parts[0] != "latest":
            yield path


def _servers() -> Mapping[Path, str]:
    """What was read by hand of each server, and the name of its place on the page."""
    return {
        path: f"server-{path.parent.name}"
        for path in sorted(REPORTS.glob("*/README.md"))
        if path.parent.name != "proof"
    }


def servers() -> str:
    """All that was read by hand, one server after the other."""
    return "\n\n".join(
        f"({name})=\n{_outside(linked(_text(path), path, 'servers'), _lower)}"
        for path, name in _servers().items()
    )


def _lower(text: str) -> str:
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)


FILLS: Mapping[str, Callable[..., str]] = {
    "documents": catalogue.documents,
    "options": catalogue.options,
    "requirements": catalogue.requirements,
    "servers": servers,
    "totals": catalogue.totals,
}


def shown(page: Path) -> Path:
    """The file that a page shows: itself, or the one that it leads to."""
    stub = _STUB.fullmatch(_text(page))
    return (page.parent / stub[1]).resolve() if stub else page


@cache
def _pages() -> Mapping[Path, str]:
    """The names of all pages, by their files and by those that they show."""
    return {
        file: page.relative_to(DOCS).with_suffix("").as_posix()
        for page in DOCS.rglob("*.md")
        for file in (page, shown(page))
    }


def linked(text: str, path: Path, name: str, repository: str = REPOSITORY) -> str:
    """The text of a file with its links as they are on the page of this name."""

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        place, mark, anchor = target.partition("#")
        if not place or ":" in place:
            return found[0]
        named = (path.parent / place).resolve()
        file = named / "README.md" if named.is_dir() else named
        top = Path(os.path.relpath(DOCS, (DOCS / name).parent))
        if page := _pages().get(file):
            return f"[{words}]({top / page}.md{mark}{anchor})"
        if server := _servers().get(file):
            return f"[{words}](#{server})"
        if (drawn := file.with_suffix(".html")) in _reports():
            return f'<a href="{top / drawn.relative_to(ROOT)}">{words}</a>'
        if not named.exists():
            return found[0]  # which the builder complains about
        inside = named.relative_to(ROOT).as_posix()
        return f"[{words}]({repository}{inside})" if repository else words

    def change(part: str) -> str:
        return _ID.sub(_known, _RULING.sub(r"(\2)=\n\1", _LINK.sub(link, part)))

    return _outside(text, change)


def _known(found: re.Match[str]) -> str:
    """A link to a requirement or ruling, where it is one."""
    return f"[{found[0]}](#{found[0]})" if found[0] in _names() else found[0]


@cache
def _names() -> frozenset[str]:
    rows = (row.id for each in spec.DIALECTS for row in spec.requirements(each))
    return frozenset((*rows, *spec.rulings()))


def _outside(text: str, change: Callable[[str], str]) -> str:
    """The text with what is no code changed."""
    parts = _CODE.split(text)
    return "".join(part if at % 2 else change(part) for at, part in enumerate(parts))


def _text(path: Path) -> str:
    return path.read_text("utf-8")
