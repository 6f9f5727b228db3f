"""`list` and `explain`: what there is to keep, and why."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from textwrap import indent

from rich.console import Console
from rich.table import Table

from aios_conformance.conformance.cli.saved import saved_result
from aios_conformance.conformance.options.values import ExitCode, OptionError
from aios_conformance.conformance.reporting.wording import VERDICT_WORDS
from aios_conformance.conformance.terms.catalogue import all_checks
from aios_conformance.conformance.terms.result import RequirementResult
from aios_conformance.spec import (
    Requirement,
    Ruling,
    editions,
    locators,
    named,
    requirements,
    rulings,
    source_lines,
    sources,
)

Environ = Mapping[str, str]
SOURCES_VARIABLE = "AIOS_SOURCES_DIR"
_EXCHANGES_SHOWN = 4


def list_requirements(arguments: argparse.Namespace, out: Console, _: Environ) -> int:
    """List rows, or what judged them."""
    if arguments.coverage is not None:
        _list_coverage(arguments, out)
        return ExitCode.JUDGED
    rows = [row for row in requirements(arguments.dialect) if _fits(row, arguments)]
    table = _table("id", "topic", "level", "statement")
    for row in rows:
        mark = f"  (not judged: {row.excluded})" if row.excluded else ""
        table.add_row(row.id, row.topic, str(row.level), row.statement + mark)
    out.print(table)
    out.print(f"\n{len(rows)} requirements")
    return ExitCode.JUDGED


def list_editions(arguments: argparse.Namespace, out: Console, _: Environ) -> int:
    """Each edition with its rows under a dialect, their hash, and what is newer."""
    dialect = arguments.dialect
    today = {row.id for row in requirements(dialect) if row.excluded is None}
    table = _table("edition", "published", "rows", "newer rows", "sha256")
    for each in editions().values():
        rows = each.rows.get(dialect)
        if rows is not None:
            newer = str(len(today - rows.keys()))
            table.add_row(
                each.name, each.published, str(len(rows)), newer, each.sha256(dialect)
            )
    if table.row_count:
        out.print(table)
    else:
        out.print(f"there is no edition of the dialect {dialect}")
    return ExitCode.JUDGED


def _fits(row: Requirement, arguments: argparse.Namespace) -> bool:
    apis = sorted({each.api for each in requirements(arguments.dialect)})
    if arguments.api is not None and arguments.api not in apis:
        near = get_close_matches(arguments.api, apis, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise OptionError(
            f"--api {arguments.api}: valid are {', '.join(apis)}{meant}",
            code="bad-option",
        )
    return (arguments.api in {None, row.api}) and (
        arguments.level in {None, str(row.level)}
    )


def _list_coverage(arguments: argparse.Namespace, out: Console) -> None:
    result = saved_result(arguments.coverage)
    shown = [each for each in result.requirements if _fits(each.requirement, arguments)]
    table = _table("id", "level", "verdict", "check", "judged", "exchanges")
    for each in shown:
        for cells in _coverage_rows(each):
            table.add_row(*cells)
    out.print(table)
    bare = sum(not each.coverage for each in shown)
    out.print(f"\n{len(shown)} requirements, {bare} without a check that judged them")


def _coverage_rows(each: RequirementResult) -> Iterator[Sequence[str]]:
    head = (
        each.requirement.id,
        str(each.requirement.level),
        VERDICT_WORDS[each.verdict],
    )
    if not each.coverage:
        yield (*head, "(none)", "", each.reason or "")
    for check in each.coverage:
        exchanges = ", ".join(check.exchanges[:_EXCHANGES_SHOWN])
        more = len(check.exchanges) - _EXCHANGES_SHOWN
        yield (
            *head,
            check.check,
            f"{check.judged} of {check.needed}",
            exchanges + (f" and {more} more" if more > 0 else ""),
        )
        head = ("", "", "")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(
            column,
            header_style="bold",
            no_wrap=column in {"id", "topic", "level", "verdict", "judged"},
            overflow="fold",
        )
    return table


def explain(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Everything that is known about a requirement, a topic's rows, or a ruling."""
    identifier = arguments.id.upper()
    if identifier in rulings():
        ruling = rulings()[identifier]
        out.print("\n".join(_ruling_lines(ruling)), soft_wrap=True)
        out.print(f"\nrests on it: {', '.join(ruling.requirements)}", soft_wrap=True)
        cited: Sequence[str] = ruling.where
    else:
        rows = named(arguments.id)
        told = ("\n".join(_requirement_lines(row)) for row in rows)
        out.print("\n\n".join(told), soft_wrap=True)
        cited = list(dict.fromkeys(chain.from_iterable(row.sources for row in rows)))
    _print_documents(cited, out, environ)
    return ExitCode.JUDGED


def _requirement_lines(row: Requirement) -> Iterator[str]:
    yield f"{row.id}  {row.level}  ({', '.join(row.dialects)})"
    yield f"\n  {row.statement}\n"
    yield f"topic       {row.topic}"
    if row.parts:
        of = f"{row.parts.of or 'findings'} of "
        yield f"parts       {of}{', '.join(row.parts.topics) or 'all rows'}"
    if row.same_as:
        yield f"states      what {row.same_as} states"
    yield f"applies to  {', '.join(row.operations)}"
    yield f"sources     {', '.join(row.sources)}"
    for each in locators(row):
        yield f"says so     {each.words}  ({', '.join(each.references)})"
    if row.needs:
        yield f"needs       {', '.join(row.needs)}"
    yield f"evidence    at least {row.evidence} judged observations"
    if row.soft:
        yield f"only warns  {row.soft}"
    if row.noisy:
        yield "noisy       texts that differ, and not again, are unstable"
    if row.statistical:
        yield "statistical no single run can break it"
    if row.excluded:
        yield f"not judged  {row.excluded}"
    yield from _judges(row)
    for name in row.rulings:
        yield ""
        yield from _ruling_lines(rulings()[name])


def _judges(row: Requirement) -> Iterator[str]:
    checks = [check for check in all_checks() if row.id in check.ids]
    if checks:
        yield "\njudged by"
        for check in checks:
            yield f"  {check.name}: {check.promise}"
    elif not row.excluded:
        yield (
            "\njudged by the shape of answers, and by which requests are accepted "
            "and refused"
        )


def _ruling_lines(ruling: Ruling) -> Iterator[str]:
    yield f"ruling {ruling.id}  ({', '.join(ruling.where)})"
    yield f"  problem   {ruling.problem}"
    yield f"  read as   {ruling.ruling}"
    yield f"  because   {ruling.reason}"
    for reading in ruling.readings:
        yield f"  accepted  {reading.name}: {reading.meaning}"


def _print_documents(cited: Sequence[str], out: Console, environ: Environ) -> None:
    directory = environ.get(SOURCES_VARIABLE)
    if not directory:
        out.print(
            f"\nSet {SOURCES_VARIABLE} to the folder of the documents to read the "
            f"lines themselves.",
            style="dim",
        )
        return
    document = ""
    for line in source_lines(cited, Path(directory)):
        if line.source != document:
            document = line.source
            out.print(f"\n{document}: {sources()[document].title}", style="bold")
        out.print(
            indent(f"{line.number:>4}  {line.text.strip()}", "  "), soft_wrap=True
        )
