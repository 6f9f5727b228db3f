"""Dialects: folders of data, ours and anybody else's, each with a `dialect.yaml`.

    name: acme                      # what reports and paths call it
    title: Acme embeddings
    openapi: openapi.yaml           # paths are relative to the folder
    requirements: [requirements.yaml]
    include: []                     # more files, of which only rows count that name it
    rulings: rulings.yaml
    sources: sources.yaml
    examples: examples/index.yaml
    models: models.yaml             # what the mock serves

A folder from elsewhere has to be found once in a process (`find_dialect`); from then
on its name is as good as that of one of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from aios_conformance.spec._files import DIALECTS, HERE, SpecError, read_yaml

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP = "aios_conformance.dialects"
"""The entry points by which a published package offers a dialect."""

MANIFEST = "dialect.yaml"
FILES = ("openapi", "rulings", "sources", "examples", "models")
LISTS = ("requirements", "include")
MEMBERS = ("name", "title", *FILES, *LISTS)
KINDS = (
    "chat",
    "reasoning",
    "vision",
    "code",
    "guard",
    "embedding",
    "matryoshka",
    "reranker",
    "any",
)
"""What a model of `models.yaml` can be."""

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where the parts of one dialect lie; None or () where it has no such part.

    Attributes:
        name: lower-case letters, digits and dashes.
        title: as a reader calls it.
        home: its folder.
        openapi: its OpenAPI document.
        requirements: its rows.
        include: files that it shares; only rows count whose `dialects` name it.
        rulings: contradictions and gaps of its documents.
        sources: the documents that its rows cite.
        examples: the index of what they print.
        models: what the mock serves for it.

    """

    name: str
    title: str
    home: Path
    openapi: Path
    requirements: tuple[Path, ...]
    include: tuple[Path, ...] = ()
    rulings: Path | None = None
    sources: Path | None = None
    examples: Path | None = None
    models: Path | None = None

    @property
    def is_ours(self) -> bool:
        """It comes with this package."""
        return self.name in DIALECTS

    @property
    def word(self) -> str:
        """What `--dialect` takes for it in any process."""
        return self.name if self.is_ours else str(self.home)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that the mock serves; the first one of an API is the one to try."""

    name: str
    kind: str  # one of KINDS
    dimensions: int | None = None


_brought: dict[str, Dialect] = {}
_sound: set[str] = set()  # of those, what was looked through


def known_dialects() -> tuple[str, ...]:
    """Names of our dialects, and of those that were found so far."""
    return (*DIALECTS, *_brought)


@cache
def _own(name: str) -> Dialect:
    return read_manifest(HERE / "dialects" / name)


def dialect(name: str) -> Dialect:
    """The parts of a dialect that is known by its name.

    Raises:
        SpecError: no such dialect; the message names the valid ones.

    """
    if name in DIALECTS:
        return _own(name)
    if name in _brought:
        return _brought[name]
    raise SpecError(_unknown(name))


def find_dialect(word: str) -> str:
    """The name of a dialect of ours, of an installed package, or of a folder.

    Raises:
        SpecError: there is none; the message names the nearest valid names.

    """
    if word in known_dialects():
        return word
    try:
        if "/" in word or Path(word).is_dir():
            return _bring(Path(word))
    except OSError as error:  # of a name that is too long, say
        raise SpecError(f"{word}: {error.strerror}") from error
    for point in _offered():
        if point.name == word:
            return _bring(_folder_of(point))
    raise SpecError(_unknown(word))


def sound_dialect(word: str) -> str:
    """What `find_dialect` gives, of a folder that has nothing wrong with it.

    Raises:
        SpecError: there is none, or the first thing that is wrong, with its line.

    """
    name = find_dialect(word)
    if name in DIALECTS or name in _sound:
        return name
    from aios_conformance.spec.lint import problems  # noqa: PLC0415 - stands on this

    home = _brought[name].home
    if found := problems(home):
        del _brought[name]  # nothing may rely on it
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise SpecError(
            f"{found[0]}{more}; `aios-conformance lint {home}` lists what is wrong"
        )
    _sound.add(name)
    return name


def _bring(folder: Path) -> str:
    found = read_manifest(folder.resolve())
    known = _brought.get(found.name)
    if found.is_ours or (known is not None and known.home != found.home):
        raise SpecError(
            f"{folder}: the name {found.name!r} is taken by another dialect; "
            f"choose one of its own in {MANIFEST}"
        )
    _brought[found.name] = found
    return found.name


def _offered() -> "EntryPoints":
    """The dialects of installed packages."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - seldom needed

    return entry_points(group=GROUP)


def _folder_of(point: "EntryPoint") -> Path:
    """The folder that an entry point names: a package, a module in it, or a path."""
    found = point.load()
    if isinstance(found, ModuleType):
        return Path(next(iter(getattr(found, "__path__", ())), found.__file__ or "."))
    return Path(found)


def _unknown(word: str) -> str:
    offered = [point.name for point in _offered()]
    valid = tuple(dict.fromkeys((*known_dialects(), *offered)))
    near = get_close_matches(word, valid, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return (
        f"unknown dialect {word!r}: valid are {', '.join(valid)}{meant} "
        f"and a folder with a {MANIFEST}"
    )


def read_manifest(folder: Path) -> Dialect:
    """Read a folder's `dialect.yaml`.

    Raises:
        SpecError: it is missing, says too little, or names what is not there.

    """
    where = folder / MANIFEST
    members = read_yaml(where)
    if not isinstance(members, Mapping):
        raise SpecError(f"{where}: an object with {', '.join(MEMBERS)} is expected")
    for member in members:
        if member not in MEMBERS:
            near = get_close_matches(str(member), MEMBERS, n=1)
            meant = f": did you mean {near[0]}?" if near else ""
            raise SpecError(
                f"{where}: unknown key {member!r}{meant} (valid are "
                f"{', '.join(MEMBERS)})"
            )
    for member in ("name", "openapi", "requirements"):
        if member not in members:
            raise SpecError(f"{where}: {member} is missing")
    name = members["name"]
    if not isinstance(name, str) or not name.strip("-") or not _NAME.issuperset(name):
        raise SpecError(
            f"{where}: name is {name!r}; valid are lower-case letters, digits and -"
        )
    files: dict[str, Any] = {
        each: _file(where, members[each]) for each in FILES if each in members
    }
    files |= {
        each: tuple(_file(where, one) for one in _list(where, each, members[each]))
        for each in LISTS
        if each in members
    }
    title = str(members.get("title", name))
    return Dialect(name=name, title=title, home=folder, **files)


def _list(where: Path, member: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise SpecError(f"{where}: {member} must be a list of files")
    return value


def _file(where: Path, name: Any) -> Path:
    path = where.parent / str(name)
    if not path.is_file():
        raise SpecError(f"{where}: there is no file {name}")
    return path.resolve()


@cache
def models(name: str) -> tuple[ServedModel, ...]:
    """The models of a dialect, in the order in which they are to be tried.

    Raises:
        SpecError: no such dialect, or a model without a name or a kind.

    """
    path = dialect(name).models
    rows = (read_yaml(path) or {}).get("models") or () if path else ()
    try:
        return tuple(ServedModel(**row) for row in rows)
    except TypeError as error:
        raise SpecError(f"{path}: {error}") from error
