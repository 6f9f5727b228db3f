"""Answers in marks that a prompt prescribes: XML tags, and lists parted by commas."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from aios_conformance.mockserver.model.conversation import Conversation
from aios_conformance.mockserver.model.printed import described, spoken
from aios_conformance.mockserver.model.schema_text import write_json
from aios_conformance.mockserver.model.told import Material

_ASKS: Final = re.compile(
    r"\b(?:respond|wrap\w*|put|write|enclose\w*|place|return|output|answer|give|provide|"
    r"include|using|within|inside|between)\b",
    re.IGNORECASE,
)
_NAMES_TAGS: Final = re.compile(r"\btags?\b", re.IGNORECASE)
_TAG: Final = re.compile(r"<([A-Za-z][\w-]{0,40})>")
_LISTED: Final = re.compile(r"output tags:\s*(?:```\s*)?\[([^\]\n]{1,1000})\]")
_ELEMENT: Final = re.compile(r"<([A-Za-z][\w-]{0,40})>([^<]{2,20000})</\1>")
_A_HOLE: Final = re.compile(r"and|or|\{\w+\}|\[.*\]|(?:\.{3}|…).*")
_COMMAS: Final = re.compile(
    r"\b(?:list of )?comma[- ]separated (?:values|list|items)", re.IGNORECASE
)
_SHAPE: Final = re.compile(
    r"(?:The|Your) (?:output|response|answer) should"
    r"|(?:Respond|Answer|Reply) (?:with|in|as)"
)
"""Where a question ends, and the shape of its answer begins."""
_ITEMS: Final = 3
_TAGS: Final = 20


def marked(text: str, talk: Conversation, variation: int) -> str | None:
    """Return the answer in the marks that a prompt prescribes; None if there are none.

    `text` is what system and user say.
    """
    if listed := _LISTED.search(text):
        root, *inner = re.findall(r"[A-Za-z][\w-]{0,40}", listed[1])[:_TAGS]
        told = Material(_SHAPE.split(talk.stated, maxsplit=1)[0])
        return f"<{root}>\n{_elements(inner, told, variation)}\n</{root}>"
    if tags := _tags(text):
        return _elements(tags, Material(_said(talk), talk.results), variation)
    if _COMMAS.search(text):
        strings = {"type": "array", "items": {"type": "string"}, "minItems": _ITEMS}
        told = Material(_SHAPE.split(talk.stated, maxsplit=1)[0])
        return ", ".join(json.loads(write_json(strings, variation, told)))
    return None


def _tags(text: str) -> list[str]:
    """Return the tags that an answer is to stand in, and no one's that hold input."""
    told = [one for one in re.split(r"[.\n]", text) if _NAMES_TAGS.search(one)]
    asked = [name for one in told if _ASKS.search(one) for name in _TAG.findall(one)]
    filled = {name for name, _ in _filled(text)}
    return [name for name in dict.fromkeys(asked) if name not in filled][:_TAGS]


def _filled(text: str) -> list[tuple[str, str]]:
    """Return the elements of a text that hold something."""
    return [(name, s) for name, s in _ELEMENT.findall(text) if not _is_hole(s)]


def _is_hole(inner: str) -> bool:
    """Tell whether an element shows but where something is to stand."""
    return bool(_A_HOLE.fullmatch(inner.strip()))


def _said(talk: Conversation) -> str:
    """Return what the user says, input in tags without them."""
    inner = "\n".join(inner.strip() for _, inner in _filled(talk.stated))
    return inner or spoken(talk.stated)


def _elements(names: Sequence[str], source: Material, variation: int) -> str:
    members = {name: described(name, "") for name in names}
    schema = {"type": "object", "properties": members, "required": list(names)}
    values = json.loads(write_json(schema, variation, source))
    written = {name: _plain(value) for name, value in values.items()}
    return "\n".join(f"<{name}>\n{written[name]}\n</{name}>" for name in names)


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
