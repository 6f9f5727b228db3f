"""JSON schemas without references and combinators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aios_conformance.mockserver.model.pattern_text import Steps
from aios_conformance.mockserver.model.schema_values import Impossible
from aios_conformance.serving.pointers import steps as pointer_steps

# ruff: noqa: SIM905 - word lists read best as text

_LARGEST: Final = frozenset(
    "minimum exclusiveMinimum minLength minItems minProperties minContains".split()
)
_SMALLEST: Final = frozenset(
    "maximum exclusiveMaximum maxLength maxItems maxProperties maxContains".split()
)
_BOTH: Final = frozenset("items additionalProperties contains propertyNames".split())

_LISTED: Final = 10  # names or values that are looked at in one step

Choices = list[Sequence[Any]]


def resolve(reference: str, root: Any) -> Any:
    """Follow a local reference (`#/$defs/name`). Raises Impossible for others."""
    if not reference.startswith("#"):
        raise Impossible(f"{reference} lies outside the schema")
    found = root
    inside = reference[1:].strip("/")
    for key in pointer_steps(f"/{inside}") if inside else ():
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, ValueError, IndexError, TypeError):
            raise Impossible(f"{reference} leads nowhere") from None
    return found


def flatten(schema: Any, root: Any, steps: Steps) -> tuple[dict[str, Any], Choices]:
    """Merge a schema with what it refers to and with its allOf parts.

    Returns the merged schema and its open choices (one list per anyOf, oneOf or
    if). Raises Impossible where parts contradict each other, and Exhausted.
    """
    flat: dict[str, Any] = {}
    choices: Choices = []
    _Collector(root, flat, choices, steps).collect(schema, ())
    if "enum" in flat:
        steps.take(len(flat["enum"]) // _LISTED)
        flat["enum"] = [v for v in flat["enum"] if _fits(v, flat.get("type"))]
    return flat, choices


@dataclass(frozen=True, slots=True)
class _Collector:
    """Gathers what a schema says with all that it refers to."""

    root: Any
    flat: dict[str, Any]
    choices: Choices
    steps: Steps

    def collect(self, schema: Any, path: tuple[str, ...]) -> None:
        self.steps.take()
        if schema is False:
            raise Impossible("a part of it allows nothing")
        if not isinstance(schema, dict):
            return
        for keyword, value in schema.items():
            match keyword:
                case "$ref":
                    if value in path:
                        raise Impossible(f"{value} refers to itself")
                    self.collect(resolve(value, self.root), (*path, value))
                case "allOf":
                    for part in value:
                        self.collect(part, path)
                case "anyOf" | "oneOf":
                    self.choices.append(value)
                case "if":
                    met = {"allOf": [value, schema.get("then", True)]}
                    self.choices.append([met, schema.get("else", True)])
                case _:
                    self.steps.take(_size(self.flat.get(keyword)))
                    _merge(self.flat, keyword, value)


def _size(value: Any) -> int:
    """Count the steps to merge something with what is there already."""
    return len(value) // _LISTED if isinstance(value, list | dict) else 0


def _merge(  # noqa: C901 - one case per keyword
    flat: dict[str, Any], keyword: str, value: Any
) -> None:
    if keyword == "type":
        value = [value] if isinstance(value, str) else list(value)
    if keyword == "const":
        keyword, value = "enum", [value]
    if keyword not in flat:
        flat[keyword] = value
        return
    old = flat[keyword]
    if keyword == "type":
        flat[keyword] = _common_types(old, value)
    elif keyword == "enum":
        flat[keyword] = [v for v in old if v in value]
    elif keyword == "required":
        flat[keyword] = list(dict.fromkeys([*old, *value]))
    elif keyword in ("properties", "patternProperties"):
        merged = dict(old)
        for name, part in value.items():
            merged[name] = {"allOf": [old[name], part]} if name in old else part
        flat[keyword] = merged
    elif keyword in _LARGEST:
        flat[keyword] = max(old, value)
    elif keyword in _SMALLEST:
        flat[keyword] = min(old, value)
    elif keyword in _BOTH:
        # False stays visible, as writers ask for it.
        flat[keyword] = False if False in (old, value) else {"allOf": [old, value]}


def _common_types(old: Sequence[str], new: Sequence[str]) -> list[str]:
    both = [kind for kind in old if kind in new]
    if "integer" in (*old, *new) and "number" in (*old, *new):
        both.append("integer")
    return list(dict.fromkeys(both))


def _fits(value: Any, kinds: Sequence[str] | None) -> bool:
    if kinds is None:
        return True
    return any(_is(value, kind) for kind in kinds)


_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
}


def _is(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return kind == "number" or value == int(value)
    return isinstance(value, _PYTHON[kind])
