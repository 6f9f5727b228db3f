"""Texts of the catalogue as Markdown."""

import re

_PART = re.compile(
    r"`[^`]+`"
    r"|(?P<flag>(?<![\w-])--?[a-z][a-z-]*)"
    r"|(?<![\w/.-])(?P<name>/?[A-Za-z]\w*(\[\])?([./][A-Za-z]\w*(\[\])?)*)"
    r"|(?P<mark>[\\`*_\[\]<>|{}#$~])"
)


def plain(text: str) -> str:
    """Code, options and names of members as code, and all else as it is written."""
    return _PART.sub(_written, " ".join(text.split()))


def slug(heading: str) -> str:
    """The anchor of a heading, as repositories and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _written(found: re.Match[str]) -> str:
    name = found["name"]
    if found["flag"]:
        return f"`{found[0]}`"
    if name and ("_" in name or "[]" in name):
        return f"`{name}`"
    return f"\\{found[0]}" if found["mark"] else found[0]
