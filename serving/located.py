"""What is wrong with a file or a body, all of it, each with its place.

A reader collects Problems by path, as a program goes: keys and positions. Where that
is, for a person, says a `place`: file, line and column in YAML, a JSON pointer in a
body.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from aios_conformance.serving.pointers import pointer_to
from aios_conformance.spec import NoYaml, compose_yaml, read_plain, value_of

if TYPE_CHECKING:
    import yaml

Path = tuple[str | int, ...]

_WORD = 80  # characters of a wrong word that are looked at
_TOLD = 500  # problems that are told
_BRIEF = 1_200  # characters of what is said of an option


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a path: with the value there, or with its name."""

    path: Path
    message: str
    of_name: bool = False


Place = Callable[[Problem], str]


def at_pointer(problem: Problem) -> str:
    """Place a problem in a JSON body.

    >>> at_pointer(Problem(("rules", 0, "match"), ""))
    '/rules/0/match'
    """
    return pointer_to(problem.path) or "the body"


class Malformed(ValueError):  # noqa: N818 - reads as the fact it states
    """Something cannot be taken as it is; the text has a line for each problem."""

    def __init__(self, problems: Sequence[Problem], place: Place = at_pointer) -> None:
        """`place` says where a problem is."""
        super().__init__("\n".join(f"{place(one)}: {one.message}" for one in problems))
        self.problems = tuple(problems)
        self.place = place


class Problems(list[Problem]):
    """The problems that a reader has found so far."""

    def at(self, path: Path, message: str, *, of_name: bool = False) -> None:
        """Note one more, unless so many are known that nobody reads them all."""
        if len(self) < _TOLD:
            self.append(Problem(path, message, of_name))

    def refuse(self, place: Place = at_pointer) -> None:
        """Raise Malformed if there are any."""
        if self:
            raise Malformed(self, place)

    def mapping(
        self, value: Any, path: Path, known: Iterable[str], what: str
    ) -> dict[str, Any]:
        """Return what a mapping says under known names; the others are problems."""
        if not isinstance(value, dict):
            self.at(path, f"{what} must be a mapping, got {short(value)}")
            return {}
        for name in value:
            if name not in known:
                self.at((*path, name), unknown(what, name, known), of_name=True)
        return {name: value[name] for name in known if name in value}


def unknown(what: str, found: object, valid: Iterable[str]) -> str:
    """Say that a word is none of those that are valid, and which is near.

    >>> unknown("the api", "chatt", ("score", "chat"))
    "the api knows no 'chatt', the nearest is 'chat'; valid are score, chat"
    """
    valid = tuple(valid)
    near = get_close_matches(str(found)[:_WORD].lower(), valid, 1)
    nearest = f", the nearest is {near[0]!r}" if near else ""
    return f"{what} knows no {short(found)}{nearest}; valid are {', '.join(valid)}"


def shown(text: str) -> str:
    r"""Return a text with what hides, turns or commands a terminal spelled out.

    >>> shown("\x1b[31mred")
    '\\x1b[31mred'
    """
    return "".join(
        each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1]
        for each in text
    )


def brief(text: str) -> str:
    """Return a text as `shown` does, without its middle if it is long."""
    text = shown(text)
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF // 2]} … {text[-300:]}"


def short(value: object) -> str:
    """Return a value as text that is not too long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file that was read, and where in it everything stands."""

    name: str
    value: Any
    problems: Sequence[Problem]  # names that a mapping has twice
    _root: "yaml.Node | None" = None

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Raise Malformed for problems, if there are any, in the order of lines."""
        if problems:
            raise Malformed(sorted(problems, key=self.position), self.place)

    def place(self, problem: Problem) -> str:
        """Return `file:line:column` of a problem."""
        line, column = self.position(problem)
        return f"{self.name}:{line}:{column}"

    def position(self, problem: Problem) -> tuple[int, int]:
        """Return line and column of a problem, from 1."""
        node = self._root
        mark = node.start_mark if node else None
        for position, step in enumerate(problem.path, 1):
            found = _member(node, step)
            if found is None:  # such as the position of what need not be a list
                continue
            name, node = found
            last = problem.of_name and position == len(problem.path)
            mark = (name if last else node).start_mark
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _members(node: "yaml.Node") -> "Iterator[tuple[yaml.Node, Any, yaml.Node]]":
    """Yield names and values of a mapping (a merge key is none), items of a list."""
    for position, item in enumerate(node.value if isinstance(node.value, list) else ()):
        if not isinstance(item, tuple):
            yield item, position, item
        elif not item[0].tag.endswith(":merge"):
            yield item[0], item[0].value, item[1]


def _member(node: "yaml.Node | None", step: str | int) -> "tuple[Any, Any] | None":
    found = None
    for name, found_step, inner in _members(node) if node is not None else ():
        if str(found_step) == str(step):
            found = name, inner
    return found


def _repeated(root: "yaml.Node | None") -> Iterator[Problem]:
    """Yield names that a mapping has twice; YAML would take the later one."""
    seen: set[int] = set()
    rest: deque[tuple[Path, yaml.Node]] = deque([((), root)] if root else ())
    while rest:
        path, node = rest.popleft()
        if id(node) in seen:
            continue
        seen.add(id(node))
        names: set[str] = set()
        for _, step, inner in _members(node):
            rest.append(((*path, step), inner))
            if str(step) in names:
                yield Problem((*path, step), f"{step!r} is said twice", of_name=True)
            names.add(str(step))


def read_yaml(path: File) -> Document:
    """Read a YAML file; raises Malformed, with the place if it is no YAML."""

    def refused(message: str, place: tuple[int, int] | None = None) -> Malformed:
        where = f":{place[0]}:{place[1]}" if place else ""
        return Malformed([Problem((), message)], lambda _: f"{path}{where}")

    try:
        root = compose_yaml(read_plain(path))
        repeated = tuple(islice(_repeated(root), _TOLD))
        value = value_of(root)
    except OSError as error:
        raise refused(f"cannot be read: {error.strerror}") from None
    except NoYaml as error:
        raise refused(f"is no YAML: {error.message}", error.place) from None
    return Document(str(path), value, repeated, root)
