"""The shape of JSON: which members there are, and of which types."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

Place = tuple[str, ...]
Shape = Mapping[Place, set[str]]
"""The types found at each place; `[]` stands for the items of an array."""

ITEMS: Final = "[]"
_ANY: Final = "*"  # a name that the data chose
_CHOSEN: Final = ("top_logprobs", "prompt_logprobs")  # members whose objects have those


def shape(values: Iterable[Any]) -> dict[Place, set[str]]:
    """Return the shape that all values have together."""
    found: dict[Place, set[str]] = defaultdict(set)
    rest: list[tuple[Place, Any]] = [((), value) for value in values]
    while rest:
        place, value = rest.pop()
        found[place].add(kind(value))
        if isinstance(value, dict):
            rest += [((*place, _name(place, name)), v) for name, v in value.items()]
        elif isinstance(value, list):
            rest += [((*place, ITEMS), item) for item in value[:_MOST]]
    return found


_MOST: Final = 200  # items of an array that are looked at


def _name(place: Place, name: str) -> str:
    chosen = name.isdecimal() or any(each in place for each in _CHOSEN)
    known = name in ("token", "logprob", "bytes", "rank", "decoded_token")
    return _ANY if chosen and not known else name


def kind(value: Any) -> str:
    """Return the JSON type of a value; a whole number is a number."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def spelled(place: Place) -> str:
    """Spell a place as people do.

    >>> spelled(("choices", "[]", "message", "content"))
    'choices[].message.content'
    """
    return ".".join(place).replace(f".{ITEMS}", ITEMS) or "the body"


def said(values: Iterable[Any], name: str) -> set[str]:
    """Return the texts that members of this name have, anywhere."""
    found: set[str] = set()
    rest = list(values)
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            text = value.get(name)
            if isinstance(text, str):
                found.add(text)
            rest += value.values()
        elif isinstance(value, list):
            rest += value[:_MOST]
    return found
