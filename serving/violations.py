"""Say what is wrong with a body: where it is and what would be valid.

The validator's own messages repeat the offending value, however long, and name no
branch of a choice; these do not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from jsonschema_rs import ValidationError

from aios_conformance.serving.errors import Violation
from aios_conformance.serving.pointers import pointer_to

_SHOWN = 60  # characters of an offending value
_CHOICES = ("anyOf", "oneOf")


def violations(
    errors: Iterable[ValidationError], schema: Mapping[str, Any]
) -> list[Violation]:
    """Turn the errors of one body against `schema` into sentences, one a member."""
    found: dict[str, Violation] = {}
    for error in errors:
        named = _violation(error, schema)
        found.setdefault(named.pointer, named)
    return list(found.values())


def _violation(error: ValidationError, schema: Mapping[str, Any]) -> Violation:
    reason = _reason(error.schema_path, schema)
    error = _likeliest(error)
    kind: Any = error.kind
    path = list(error.instance_path)
    if kind.name == "required":
        path.append(kind.property)
    pointer = pointer_to(path)
    sentence = f"{pointer or 'the body'} {_sentence(error)}"
    if reason:
        sentence += f" ({reason.rstrip('.')})"
    return Violation(pointer, sentence, kind.name)


def _sentence(error: ValidationError) -> str:
    kind: Any = error.kind
    if kind.name == "required":
        return "is required"
    if kind.name == "propertyNames":
        return f"has a member whose name {_sentence(kind.error)}"
    say = _SENTENCES.get(kind.name)
    text = say(kind) if say else f"breaks {kind.name} {_short(kind.value)}"
    return f"{text}, got {_short(error.instance)}"


def _alternatives(kind: Any) -> str:
    """Say what a choice offers when a value fits none of its branches."""
    offered = dict.fromkeys(
        offer for branch in kind.context for offer in _offers(branch)
    )
    return "must be " + (_listed(list(offered)) if offered else "of another form")


def _offers(branch: Sequence[ValidationError]) -> Iterator[str]:
    """Say what one branch would have taken, judged by what it objected to."""
    for error in branch:
        kind: Any = error.kind
        if kind.name in _CHOICES:
            for inner in kind.context:
                yield from _offers(inner)
        elif kind.name == "enum":
            yield from map(_short, kind.options)
        elif kind.name == "const":
            yield _short(kind.expected_value)
        elif kind.name == "type" and not error.instance_path:
            yield from map(_articled, kind.types)
        elif kind.name == "type" and isinstance(error.instance_path[-1], int):
            yield f"an array of {' or '.join(kind.types)}s"
        elif kind.name == "type":
            yield from map(_articled, kind.types)


def _articled(name: str) -> str:
    if name == "null":
        return "null"
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _short(value: Any) -> str:
    """Write a value as JSON, shortened."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_SENTENCES: Mapping[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be {_listed([_articled(t) for t in kind.types])}",
    "enum": lambda kind: f"must be {_listed([_short(v) for v in kind.options])}",
    "const": lambda kind: f"must be {_short(kind.expected_value)}",
    "minimum": lambda kind: f"must be at least {kind.limit}",
    "maximum": lambda kind: f"must be at most {kind.limit}",
    "exclusiveMinimum": lambda kind: f"must be greater than {kind.limit}",
    "exclusiveMaximum": lambda kind: f"must be less than {kind.limit}",
    "minItems": lambda kind: f"must hold at least {kind.limit} items",
    "maxItems": lambda kind: f"must hold at most {kind.limit} items",
    "minLength": lambda kind: f"must have at least {kind.limit} characters",
    "maxLength": lambda kind: f"must have at most {kind.limit} characters",
    "pattern": lambda kind: f"must match {kind.pattern}",
    "anyOf": _alternatives,
    "oneOf": _alternatives,
}


def _likeliest(error: ValidationError) -> ValidationError:
    """Descend into the branch of a choice that the client probably meant.

    That is the only one whose type and constants fit, so that what remains is the
    mistake; when none or several fit, the choice itself is named.
    """
    while error.kind.name in _CHOICES:
        kind: Any = error.kind
        depth = len(error.instance_path)
        fitting = [branch for branch in kind.context if not _foreign(branch, depth)]
        if len(fitting) != 1 or not fitting[0]:
            return error
        error = fitting[0][0]
    return error


def _foreign(branch: Iterable[ValidationError], depth: int) -> bool:
    """Tell whether a branch fails for what the value is, not for what is in it."""
    return any(
        error.kind.name == "const"
        or (error.kind.name in ("type", "enum") and len(error.instance_path) <= depth)
        for error in branch
    )


def _reason(path: Sequence[str | int], schema: Mapping[str, Any]) -> str | None:
    """Return the description of the conditional rule that an error belongs to."""
    reason: str | None = None
    node: Any = schema
    for step in path:
        if step in ("then", "else"):
            reason = node.get("description")
        node = node[step]
    return reason
