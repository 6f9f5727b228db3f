"""Broken promises, to prove that a judge notices, and freedoms, to prove its fairness.

One folder per API or dialect; `registry()` lists all that their modules define, or,
where these are tables or made in a loop, call DEFECTS.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from aios_conformance import spec
from aios_conformance.mockserver.defects.planting import Defect

_MUSEUM = f"{__name__}.museum"


@cache
def registry(dialects: tuple[str, ...] = ()) -> Mapping[str, Defect]:
    """Every defect and variation by name; raises ValueError for a name twice.

    Beside our own it has those of dialects from elsewhere, made of their documents.
    """
    found: dict[str, Defect] = {}
    for defect in (*_declared(), *_made(dialects)):
        if found.setdefault(defect.name, defect) is not defect:
            raise ValueError(f"two defects are named {defect.name}")
    return found


def plantable(dialects: tuple[str, ...] = ()) -> Mapping[str, Defect]:
    """The registry and the museum: all that can be planted, by name."""
    exhibits: Mapping[str, Defect] = import_module(_MUSEUM).museum()
    return {**registry(dialects), **exhibits}


def _made(dialects: Iterable[str]) -> Iterator[Defect]:
    for dialect in dialects:
        if dialect not in spec.DIALECTS:
            home = import_module(f"{__name__}.from_document")
            yield from home.document_defects(dialect)


def _declared() -> Iterator[Defect]:
    for found in iter_modules(__path__, f"{__name__}."):
        if found.ispkg and found.name != _MUSEUM:
            folder = import_module(found.name)
            for module in iter_modules(folder.__path__, f"{folder.__name__}."):
                yield from defects_in(import_module(module.name))


def defects_in(module: ModuleType, table: str = "DEFECTS") -> Iterable[Defect]:
    """Return the defects of a module, in their order."""
    own = (
        value
        for name, value in vars(module).items()
        if isinstance(value, Defect) and not name.startswith("_")
    )
    return getattr(module, table, own)
