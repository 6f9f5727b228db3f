"""HTML from values: text is escaped unless it was made here."""

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "link", "input", "br", "hr"})


class Markup(str):
    """HTML that may stand as it is."""

    __slots__ = ()


Child = str | int | float | None | Iterable["Child"]


def html(*children: Child) -> Markup:
    """Children one after another; None vanishes, plain text is escaped."""
    return Markup("".join(map(_one, children)))


def tag(
    name: str, /, *children: Child, **attributes: str | bool | int | None
) -> Markup:
    """An element. `class_` and `for_` lose the underscore, others gain dashes."""
    written = "".join(
        f" {_attribute(key)}"
        if value is True
        else f' {_attribute(key)}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{html(*children)}</{name}>")


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _one(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(child)
    if isinstance(child, int | float):
        return str(child)
    return "".join(map(_one, child))
