"""JSON that a prompt asks for in its own words: a schema, an example, or names."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from aios_conformance.mockserver.model.facts import how_much, words_of

# ruff: noqa: SIM905 - word lists read best as text

_READ: Final = 32_000  # characters of a prompt that are looked through
_TRIES: Final = 64  # braces at which JSON may begin
_LISTED: Final = 40  # names that are listed in prose
_DECODER: Final = json.JSONDecoder()

_WANTED: Final = re.compile(
    r"\b(?:respond|return|reply|output|answer|format\w*|provide|produce|write|give|"
    r"generate|conform\w*|compatible|use|outputs?)\b[^.]{0,120}\bjson\b"
    r"|\bjson\b[^.]{0,80}\b(?:conform\w*|schema|format|object|structure|codeblock)\b",
    re.IGNORECASE,
)
_ABOUT_JSON: Final = re.compile(r"json|schema|markdown|```", re.IGNORECASE)
_FENCED: Final = re.compile(r"```json|code ?block|markdown code snippet", re.IGNORECASE)
_PLAIN: Final = re.compile(
    r"\b(?:without|no|not|n't include)\b.{0,40}markdown", re.IGNORECASE
)
_SENTENCES: Final = re.compile(r"(?<=[.!?:])\s+|\n+")
_TYPED: Final = re.compile(
    r'(?:^\s*"|[{,;]\s*["\'`]?)(\w{1,64})["\'`]?\??\s*:\s*'
    r"(string|str|number|float|integer|int|boolean|bool|array|list|object|dict)\b(\[\])?",
    re.MULTILINE | re.IGNORECASE,
)
_HOLE: Final = re.compile(r"(:[ \t]*|[\[,]\s*)<[A-Za-z][^<>\n]{0,200}>")
_PAIRED: Final = re.compile(r"^.*\}\W{0,3}(?:=>|->|→)\W{0,3}\{.*$", re.MULTILINE)
"""A line that shows by a schema and JSON of it what schemas are."""
_HEADING: Final = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_LINE: Final = re.compile(
    r'^([ \t]*"\w{1,64}": ")((?:[^"\\\n]|"(?!,?[ \t]*$)){0,2000})("[, \t]*)$',
    re.MULTILINE,
)
_CHOICES: Final = re.compile(
    r"['\"`](\w{1,64})['\"`][^.\n]{0,80}?\b(?:be|either|only|one of)\b[^'\"`\n]{0,30}"
    r"((?:['\"`][\w /-]{1,30}['\"`](?: \([^)\n]{0,80}\))?(?:, or |, | or |/)?){2,8})"
)
_WORDS: Final = re.compile(r"['\"`]([\w /-]{1,30})['\"`]")
_SKETCH: Final = re.compile(r"\{[^{}]{1,2000}\}")
_NAMES: Final = re.compile(
    r"\b(?:keys?|fields?|properties|attributes|members)\b(?: (?:called|named|are|is))?"
    r"[:\s]+((?:[`\"']?[A-Za-z_]\w{0,40}[`\"']?(?: \([^)\n]{0,300}\))?"
    r"(?:, then |, and |,? and |, )?){1,40})",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(
    r"((?:[`\"'][A-Za-z_]\w{0,40}[`\"'](?:,? and |, | )){1,40})"
    r"(?:keys?|fields?|properties|attributes|members)\b",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"[`\"']?([A-Za-z_]\w{0,40})[`\"']?(?: \(([^)\n]{0,300})\))?")
_TYPES: Final = {
    word: kind
    for kind, words in {
        "string": "string str text",
        "integer": "integer int",
        "number": "number float decimal",
        "boolean": "boolean bool",
        "array": "array list",
        "object": "object dict",
    }.items()
    for word in words.split()
}
_KINDS: Final = frozenset(_TYPES.values()) | {"null"}
_SAYS: Final = frozenset({"$ref", "anyOf", "allOf", "oneOf"})
_TYPE: Final = re.compile(rf"\b({'|'.join(_TYPES)})\b(?:\[(\w+)\])?", re.IGNORECASE)
_WHOLE: Final = frozenset(
    """age year years count quantity number days hours minutes seconds points votes
    likes views calories""".split()
)
_REAL: Final = frozenset(
    "price amount total score rating temperature confidence cost sum".split()
)
_SEVERAL: Final = frozenset(
    "tags items keywords topics names list steps ingredients entities".split()
)
_PLURAL: Final = re.compile(r"[a-z]{2}(?:[^aiusy\W]|ie)s$", re.IGNORECASE)
_LITERAL: Final = re.compile(r"\bLiteral\[([^\]]{1,300})\]")
_ONE_OF: Final = re.compile(r"(?:one of|either)[: ]+(.{1,300})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the text of an answer is to be: JSON of a schema, in a fence or bare."""

    schema: str  # as JSON, so that it can be remembered by
    fenced: bool


@lru_cache(maxsize=64)
def wanted(system: str, said: str) -> Wanted | None:
    """Return the JSON that a prompt wants; None if it prints no shape of it."""
    texts = [_repaired(system[:_READ]), _repaired(said[:_READ])]
    text = "\n".join(texts)
    options = _options(text)
    if _WANTED.search(system) and not _WANTED.search(said):
        texts.reverse()  # what the user shows is data
    objects = [found for one in texts for found, _, _ in _objects(one)]
    schema = (
        next(filter(None, map(_schema, reversed(objects))), None)
        or _typed(text)
        or next((_example(one, options) for one in reversed(objects) if one), None)
        or _named(text)
    )
    if schema is None:
        return None
    fenced = bool(_FENCED.search(text)) and not _PLAIN.search(text)
    return Wanted(json.dumps(schema), fenced)


def wants_json(system: str, said: str) -> bool:
    """Tell whether a prompt asks for JSON in words."""
    return bool(_WANTED.search(said[:_READ]) or _WANTED.search(system[:_READ]))


@lru_cache(maxsize=64)
def spoken(said: str) -> str:
    """Return what a message says beside the shape that it prints."""
    text = _SKETCH.sub(_without_types, _repaired(said[:_READ]))
    text = _HEADING.sub("", text)
    spans = [(start, end) for _, start, end in _objects(text)]
    pieces, begun = [], 0
    for start, end in spans:
        pieces.append(text[begun:start])
        begun = end
    pieces.append(text[begun:])
    kept = [
        " ".join(s for s in _SENTENCES.split(piece) if s and not _ABOUT_JSON.search(s))
        for piece in pieces
    ]
    told = [piece for piece in reversed(kept) if len(piece.split()) > 1]
    return max(told, key=how_much, default=_NAMES.sub(" ", _QUOTED.sub(" ", said)))


def _without_types(sketch: re.Match[str]) -> str:
    return " " if _TYPED.search(sketch[0]) else sketch[0]


def _objects(text: str) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Yield the JSON objects of a text, each with its place."""
    start = text.find("{")
    for _ in range(_TRIES):
        if start < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        if isinstance(found, dict):
            yield found, start, end
        start = text.find("{", end)


def _schema(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return an object if it is a JSON schema, or the one that it wraps."""
    members = found.get("properties")
    if isinstance(members, dict) and all(isinstance(m, dict) for m in members.values()):
        return {**found, "type": "object"} if members else None
    if isinstance(found.get("$defs"), dict) and isinstance(found.get("$ref"), str):
        return found
    if (mapped := _of_members(found)) is not None:
        return mapped
    for wrapper in ("schema", "parameters", "json_schema", "input_schema"):
        inner = found.get(wrapper)
        if isinstance(inner, dict) and (schema := _schema(inner)):
            return schema
    return None


def _of_members(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of an object that prints its members' schemas alone."""
    members = {name: one for name, one in found.items() if name != "$defs"}
    if not members or not all(map(_is_schema, members.values())):
        return None
    shared = found.get("$defs")
    named = {
        name: one if _is_schema(one) else _of_members(one) or one
        for name, one in (shared.items() if isinstance(shared, dict) else ())
        if isinstance(one, dict)
    }
    return {"$defs": named, **_object(members)}


def _is_schema(value: Any) -> bool:
    """Tell whether a value is a JSON schema that says what it is of."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    return kind in _KINDS if isinstance(kind, str) else bool(value.keys() & _SAYS)


def _example(value: Any, options: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """Return a schema of values like one; a word for a type stands for the type.

    `options` are the schemas of members that are known by their names.
    """
    match value:
        case dict():
            members = {key: _example(one, options, key) for key, one in value.items()}
            return _object(members)
        case list():
            first = value[0] if value else "string"
            if value and all(isinstance(one, dict) for one in value):
                first = {key: inner for one in value for key, inner in one.items()}
            return {"type": "array", "items": _example(first, options), "minItems": 1}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return options.get(name) or _described(value)
    return {"type": ["string", "null"]}


def _options(text: str) -> dict[str, Any]:
    """Return the schemas of members that are said to be one of quoted words."""
    return {
        name: {"enum": _WORDS.findall(options)}
        for name, options in _CHOICES.findall(text)
    }


def _repaired(text: str) -> str:
    """Make JSON of what is nearly so: `{{`, `<holes>` and quotes within quotes."""
    if "{" not in text:
        return text
    text = _PAIRED.sub("", text)
    if text.count("{") == 2 * text.count("{{"):
        text = text.replace("{{", "{").replace("}}", "}")
    holes = _HOLE.sub(r'\1"string"', text)
    return _LINE.sub(lambda line: line[1] + line[2].replace('"', "'") + line[3], holes)


def _object(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(members),
        "required": list(members),
        "additionalProperties": False,
    }


def _described(text: str) -> dict[str, Any]:
    """Return the schema of a value that words describe, such as `int` or `a | b`."""
    if literal := _LITERAL.search(text):
        return {"enum": [one.strip(" \"'") for one in literal[1].split(",")]}
    options = [one.strip(" \"'`<>") for one in text.split("|")]
    if len(options) > 1:
        kinds = [_TYPES.get(option.lower()) for option in options]
        if not any(kinds):
            return {"enum": options}
    if listed := _ONE_OF.search(text):
        options = [o.strip(" \"'`.") for o in re.split(r"[,;]| or ", listed[1])]
        return {"enum": [option for option in options if option]}
    short = len(text) <= 60
    if short and (found := _TYPE.search(text)):
        kind = _TYPES[found[1].lower()]
        if kind == "array":
            items = _TYPES.get((found[2] or "").lower(), "string")
            return {"type": "array", "items": {"type": items}, "minItems": 1}
        return {"type": kind}
    return {"type": "string"}


def described(name: str, about: str) -> dict[str, Any]:
    """Return the schema of a value by its name and what is said of it."""
    return _described(about) if about else _guessed(name)


def _guessed(name: str) -> dict[str, Any]:
    """Return the schema of a value that has nothing but a name."""
    words = words_of(name)
    if words & _WHOLE:
        return {"type": "integer"}
    if words & _REAL:
        return {"type": "number"}
    if name.startswith(("is_", "has_")):
        return {"type": "boolean"}
    if words & _SEVERAL or _PLURAL.search(name):
        return {"type": "array", "items": {"type": "string"}, "minItems": 1}
    return {"type": "string"}


def _typed(text: str) -> Mapping[str, Any] | None:
    """Return the schema of `"answer": string  // what it is` or `{answer: string}`."""
    members = {
        name: _described(f"list[{kind}]" if several else kind)
        for name, kind, several in _TYPED.findall(text)
    }
    return _object(members) if members else None


def _named(text: str) -> Mapping[str, Any] | None:
    """Return the schema of names that are listed in prose."""
    listed = [[*pattern.finditer(text)] for pattern in (_QUOTED, _NAMES)]
    lists: list[list[tuple[str, str]]] = [
        _NAME.findall(found[-1][1])[:_LISTED] for found in listed if found
    ]
    named: Sequence[tuple[str, str]] = max(lists, key=len, default=[])
    members = {
        name: described(name, about)
        for name, about in named
        if name not in ("and", "then")
    }
    return _object(members) if members else None
