"""The judge's catalogue: requirements, probes and checks of one dialect together.

Probes are found as the `PROBES` of the modules in conformance.probes, in which order
they are played. The checks of a module in conformance.checks are all that it defines,
or, where it makes some in a loop, its `CHECKS`. What cannot be right is refused here: a
name that stands twice, a requirement that does not exist, a MAY row with findings.
"""

import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType

from aios_conformance.conformance.options.values import OptionError, SuiteError
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.probe import Probe
from aios_conformance.spec import (
    DIALECTS,
    Level,
    Requirement,
    SpecError,
    known_dialects,
    requirement,
    requirements,
)


@dataclass(frozen=True)
class Catalogue:
    """All that a run in one dialect can ask and judge."""

    dialect: str
    requirements: Mapping[str, Requirement]  # by id, excluded ones too
    probes: Mapping[str, Probe]  # by name
    checks: tuple[Check, ...]

    @property
    def scored(self) -> Iterator[Requirement]:
        """The rows that a report lists: all but the excluded ones."""
        return (r for r in self.requirements.values() if r.excluded is None)

    def ids_of(self, check: Check) -> tuple[str, ...]:
        """The rows of this dialect that a check declares."""
        return tuple(row for row in check.ids if row in self.requirements)


@cache
def catalogue(dialect: str = "aios") -> Catalogue:
    """Gather the catalogue of a dialect.

    Raises:
        OptionError: no such dialect.
        SuiteError: a name twice, an unknown id, or a MAY row with findings.

    """
    if dialect not in known_dialects():
        raise OptionError(
            f"--dialect: unknown dialect {dialect!r}",
            code="unknown-dialect",
            hint=f"valid are {', '.join(known_dialects())}",
        )
    rows = {row.id: row for row in requirements(dialect)}
    checks = tuple(
        check for check in all_checks() if not check.ids or rows.keys() & {*check.ids}
    )
    probes = {probe.name: probe for probe in probes_of(dialect)}
    return Catalogue(dialect, MappingProxyType(rows), MappingProxyType(probes), checks)


def probes_of(dialect: str) -> tuple[Probe, ...]:
    """The probes of a dialect: of one of ours its own, of another its document's."""
    if dialect in DIALECTS:
        return tuple(probe for probe in all_probes() if dialect in probe.dialects)
    made = import_module("aios_conformance.conformance.probes.from_document")
    found: tuple[Probe, ...] = made.document_probes(dialect)
    return found


@cache
def all_checks() -> tuple[Check, ...]:
    """The checks of every dialect, in the order of their modules' names."""
    modules = _modules("aios_conformance.conformance.checks")
    found = tuple(check for module in modules for check in checks_in(module))
    verify_checks(found)
    return found


@cache
def all_probes() -> tuple[Probe, ...]:
    """The probes of every dialect, in the order of their modules' names."""
    modules = _modules("aios_conformance.conformance.probes")
    listed = (probe for module in modules for probe in getattr(module, "PROBES", ()))
    # a module may export another's as its own
    found = tuple({id(probe): probe for probe in listed}.values())
    _refuse_duplicates((probe.name for probe in found), "probe")
    return found


def verify_checks(checks: Iterable[Check]) -> None:
    """Raise SuiteError for a duplicate, an unknown id, or a MAY row with findings."""
    known = tuple(checks)
    _refuse_duplicates((check.name for check in known), "check")
    for check in known:
        _refuse_duplicates(check.ids, f"row of check {check.name}")
        levels = {_row(check, row).level for row in check.ids}
        if Level.MAY in levels and "Finding" in check.judge.__code__.co_names:
            raise SuiteError(
                f"check {check.name} makes findings, but serves a MAY row",
                code="may-row-with-findings",
            )


def _row(check: Check, row: str) -> Requirement:
    try:
        return requirement(row)
    except SpecError as error:
        raise SuiteError(f"check {check.name}: {error}", code="unknown-id") from error


def _refuse_duplicates(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SuiteError(f"{what} {name} stands twice", code="duplicate")
        seen.add(name)


def checks_in(module: ModuleType) -> tuple[Check, ...]:
    """The checks of a module, in their order."""
    own = (
        value
        for name, value in vars(module).items()
        if isinstance(value, Check)
        and value.judge.__module__ == module.__name__
        and not name.startswith("_")
    )
    return tuple(getattr(module, "CHECKS", own))


def _modules(package: str) -> Iterator[ModuleType]:
    home = import_module(package)
    for name in sorted(found.name for found in pkgutil.iter_modules(home.__path__)):
        yield import_module(f"{package}.{name}")
