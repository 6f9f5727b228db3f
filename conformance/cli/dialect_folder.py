"""`new-dialect` and `lint`: a folder of data that becomes a contract."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from aios_conformance.conformance.options.values import ExitCode, RunOptions
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.scenario import Scenario
from aios_conformance.conformance.terms.traceability import annotations
from aios_conformance.spec import Level, each_operation, find_dialect, nodes
from aios_conformance.spec.lint import problems
from aios_conformance.spec.new_dialect import write_dialect

Environ = Mapping[str, str]


def new_dialect(arguments: argparse.Namespace, out: Console, _: Environ) -> int:
    """Write a folder to start from."""
    folder = Path(arguments.folder)
    name = write_dialect(folder, arguments.origin)
    out.print(
        f"{folder} is the dialect {name}, a copy of {arguments.origin}. "
        "Change it, then\n"
        f"  aios-conformance lint {folder}\n"
        f"  aios-conformance run mock --dialect {folder}",
        soft_wrap=True,
        highlight=False,
    )
    return ExitCode.JUDGED


def lint(arguments: argparse.Namespace, out: Console, _: Environ) -> int:
    """Check a folder; 1 if something is wrong with it."""
    folder = Path(arguments.folder)
    found = problems(folder.resolve())
    if found:
        for each in found:
            out.print(str(each), soft_wrap=True, highlight=False, markup=False)
        out.print(f"{len(found)} problems")
        return ExitCode.RED
    planned = plan(RunOptions("mock", dialect=find_dialect(str(folder.resolve()))))
    judges = _judges(planned.catalogue, _served(planned.scenarios))
    table = Table("requirement", "judged by", box=None)
    for row, names in judges.items():
        shown = ", ".join(names) or "nothing yet"
        table.add_row(row, shown, style="" if names else "red")
    out.print(table)
    idle = [row for row, names in judges.items() if not names]
    out.print(
        f"{len(judges) - len(idle)} of {len(judges)} MUST and SHOULD rows can be judged"
        + (f"; nothing can judge {', '.join(idle)}" if idle else ""),
        soft_wrap=True,
        highlight=False,
    )
    return ExitCode.JUDGED


def _served(scenarios: Iterable[Scenario]) -> Mapping[str, list[str]]:
    """The probes whose steps prove a row by being accepted or refused."""
    found: dict[str, dict[str, None]] = {}
    for scenario in scenarios:
        for step in scenario.steps:
            for row in step.serves:
                found.setdefault(row, {})[scenario.probe.name] = None
    return {row: list(names) for row, names in found.items()}


def _annotated(dialect: str) -> set[str]:
    """The rows that the schemas of whole successes embody."""
    walk = nodes(dialect)
    schemas = [
        schema
        for name, _ in each_operation(walk.document)
        for schema in walk.content(walk.success(name)).values()
    ]
    return annotations(walk, schemas)


def _judges(
    known: Catalogue, served: Mapping[str, list[str]]
) -> Mapping[str, tuple[str, ...]]:
    """What can judge each row: probes, the shape of answers, checks that declare it."""
    annotated = _annotated(known.dialect)

    def names(row: str) -> Iterator[str]:
        yield from served.get(row, ())
        if row in annotated:
            yield "the shape of answers"
        yield from (check.name for check in known.checks if row in check.ids)

    return {
        row.id: tuple(names(row.id))
        for row in known.scored
        if row.level is not Level.MAY
    }
