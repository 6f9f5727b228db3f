"""YAML of which nobody knows who wrote it: read within bounds.

An alias stands for all that it names. So a few lines can mean more than any memory
holds, or something within itself; neither is what a person wants to say.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import yaml

_DEEPEST: Final = 128
_DEEP: Final = f"is nested deeper than {_DEEPEST}"
_MOST: Final = 1_000_000  # values, each as often as an alias names it
_LONGEST: Final = 1_000  # characters of a number


_HINTS: Final = {
    "cannot start any token": " (a tab? lines are indented with spaces)",
    "unknown escape character": " (in double quotes a backslash is doubled; in single "
    "quotes it stands as it is)",
}


class NoYaml(ValueError):  # noqa: N818 - reads as the fact it states
    """A text is no YAML, or none that anybody needs."""

    def __init__(self, message: str, place: tuple[int, int] | None = None) -> None:
        """`place` is line and column, from 1, if they are known."""
        told = f"line {place[0]}, column {place[1]}: {message}" if place else message
        super().__init__(told)
        self.message = message
        self.place = place


def parse_yaml(text: str | bytes) -> Any:
    """Return what a text says. Raises NoYaml."""
    return value_of(compose_yaml(text))


def compose_yaml(text: str | bytes) -> "yaml.Node | None":
    """Return the root of what a text holds, each part with its place. Raises NoYaml."""
    import yaml  # noqa: PLC0415 - where nothing has to be parsed, the start is quicker

    make: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as quick
    with _refused():
        depth = 0
        for event in yaml.parse(text, make):  # the loader's own stack would overflow
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _DEEPEST:
                    raise NoYaml(_DEEP, _place(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        root: yaml.Node | None = make(text).get_single_node()
        if root is not None:
            _weigh(root, {})
        return root


def value_of(root: "yaml.Node | None") -> Any:
    """Return what a node says; one that merges others changes by it. Raises NoYaml."""
    from yaml.constructor import SafeConstructor  # noqa: PLC0415 - as above

    with _refused():
        return None if root is None else SafeConstructor().construct_document(root)


@contextmanager
def _refused() -> Iterator[None]:
    import yaml  # noqa: PLC0415 - as above

    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else None
        told = str(error.problem or error.context)
        meant = next((hint for part, hint in _HINTS.items() if part in told), "")
        raise NoYaml(told + meant, place) from None
    except NoYaml:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise NoYaml(str(error)) from None
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        # a value that its tag does not fit: `!!bool x`
        raise NoYaml(f"a value does not fit its tag: {error}") from None


def _weigh(
    node: "yaml.Node", known: dict[int, tuple[int, int] | None]
) -> tuple[int, int]:
    """Return how many values a node stands for, and how deep; raises NoYaml."""
    if isinstance(node.value, str):
        if len(node.value) > _LONGEST and node.tag.endswith((":int", ":float")):
            raise NoYaml(f"a number has more than {_LONGEST} digits", _place(node))
        return 1, 1
    if id(node) in known:
        found = known[id(node)]
        if found is None:  # it is being weighed
            raise NoYaml("holds itself, by an alias", _place(node))
        return found
    known[id(node)] = None
    weight = height = 1
    for item in node.value:
        for each in item if isinstance(item, tuple) else (item,):
            more, below = _weigh(each, known)
            weight, height = weight + more, max(height, below + 1)
    if weight > _MOST:
        raise NoYaml(f"stands for more than {_MOST} values", _place(node))
    if height > _DEEPEST:
        raise NoYaml(_DEEP, _place(node))
    known[id(node)] = weight, height
    return weight, height


def _place(what: Any) -> tuple[int, int]:
    return what.start_mark.line + 1, what.start_mark.column + 1
