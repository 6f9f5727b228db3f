"""The catalogue as Markdown: every requirement with its sources, ruling and verdict."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent

from markdown_text import plain

from aios_conformance import spec
from aios_conformance.conformance.cli.command import parser
from aios_conformance.conformance.terms.catalogue import all_checks

_GROUPS = {
    "REQ": "Requests",
    "RES": "Answers",
    "SEM": "Meaning",
    "ERR": "Errors",
    "EX": "Printed examples",
    "META": "Relations between answers",
}
_REFUTED: Mapping[spec.PartsOf | None, str] = {
    None: "what is found",
    "acceptance": "a valid request that was refused, found",
    "refusal": "a mistake that was not refused as documented, found",
    "breach": "a JSON object that broke a rule and was not refused, found",
    "malformed": "a body that is no JSON object and was not refused, found",
    "omission": "a required member that was left out and not missed, found",
    "members": "a documented member that was missing, found",
}


def requirements(dialect: str, *apis: str) -> str:
    """The rows of a dialect's APIs (none named: all); those told elsewhere as links."""
    rows = [row for row in spec.requirements(dialect) if not apis or row.api in apis]
    own = [row for row in rows if row.dialects[0] == dialect]
    groups: dict[str, list[spec.Requirement]] = {}
    for row in own:
        groups.setdefault(_group(row.id), []).append(row)
    parts = [_counted(rows)]
    for title, members in groups.items():
        parts += [f"## {title}", *map(_row, members)]
    if others := [row for row in rows if row not in own]:
        parts += ["## Stated with other dialects", *map(_line, others)]
    return "\n\n".join(parts)


def _group(identifier: str) -> str:
    return next(
        (title for part, title in _GROUPS.items() if part in identifier.split("-")),
        "Others",
    )


def _counted(rows: Sequence[spec.Requirement]) -> str:
    counts = Counter(row.level for row in rows)
    seen = sum(1 for row in rows if row.excluded is None)
    told = ", ".join(f"{counts[level]} {level}" for level in spec.Level)
    return f"{len(rows)} rows: {told}; {seen} can be seen on the wire."


def _row(row: spec.Requirement) -> str:
    fields = "\n".join(f":{name}: {value}" for name, value in _fields(row))
    return (
        f'({row.id})=\n### {row.id} {row.topic}\n\n<a id="{row.topic}"></a>'
        f"**{row.level}** {plain(row.statement)}\n\n{fields}"
    )


def _fields(row: spec.Requirement) -> Iterator[tuple[str, str]]:
    yield "Operations", ", ".join(f"`{each}`" for each in row.operations)
    places = (
        f"{plain(each.words)} ({', '.join(each.references)})"
        if each.words
        else ", ".join(each.references)
        for each in spec.locators(row)
    )
    yield "Sources", "; ".join(places)
    if row.rulings:
        yield "Rulings", "; ".join(map(_ruling, row.rulings))
    if row.soft:
        yield "Only warns", plain(row.soft)
    if row.statistical:
        yield "Only warns", "It holds on average, so that no single run breaks it."
    if row.noisy:
        yield "May be unstable", "It compares generated texts of several calls."
    if row.evidence > 1:
        yield "Evidence", f"at least {row.evidence} observations"
    if row.needs:
        yield "Needs", ", ".join(f"`{each}`" for each in row.needs)
    if row.same_as:
        yield "The same as", f"[{row.same_as}](#{row.same_as})"
    if row.parts:
        on = ", ".join(row.parts.topics) or "any other row of its operations"
        yield "Refuted by", f"{_REFUTED[row.parts.of]} on {on}"
    if row.excluded:
        yield "Not judged", plain(row.excluded)
        return
    checks = [plain(each.promise) for each in all_checks() if row.id in each.ids]
    shape = "The shape of answers, and which requests are accepted and refused."
    yield "Judged by", " ".join(checks) or shape


def _ruling(name: str) -> str:
    ruling = spec.rulings()[name]
    return f"[{name}](#{name}): {plain(ruling.ruling)}"


def _line(row: spec.Requirement) -> str:
    return f"- [{row.id} {row.topic}](#{row.id}): {plain(row.statement)}"


def totals() -> str:
    """A table: how many rows of which level each dialect has."""
    lines = ["| dialect | rows | MUST | SHOULD | MAY | not visible |"]
    lines.append("|---|--|--|--|--|--|")
    for name in spec.DIALECTS:
        rows = spec.requirements(name)
        counts = Counter(row.level for row in rows)
        hidden = sum(1 for row in rows if row.excluded)
        levels = " | ".join(str(counts[level]) for level in spec.Level)
        lines.append(f"| `{name}` | {len(rows)} | {levels} | {hidden} |")
    return "\n".join(lines)


def documents() -> str:
    """A table of the documents that the rows cite."""
    lines = ["| id | document | address | lines | SHA-256 |", "|---|---|---|--|---|"]
    lines += [
        f"| {each.id} | {plain(each.title)} | {each.address or '(none printed)'} "
        f"| {each.lines} | `{each.sha256[:12]}…` |"
        for each in spec.sources().values()
    ]
    return "\n".join(lines)


def options(*commands: str) -> str:
    """The options of subcommands of `aios-conformance`, as --help tells them."""
    (choices,) = (
        action.choices
        for action in parser()._actions  # noqa: SLF001  argparse has no other way
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
    )
    return "\n\n".join(_options(name, choices[name]) for name in commands or choices)


def _options(name: str, command: argparse.ArgumentParser) -> str:
    lines = [f"## {name}", "", plain(command.description or ""), ""]
    lines += map(_definition, command._actions[1:])  # noqa: SLF001  but --help
    if command.epilog:
        examples = command.epilog.removeprefix("examples:\n")
        lines += ["", "```sh", dedent(examples), "```"]
    return "\n".join(lines)


def _definition(action: argparse.Action) -> str:
    value = str(action.metavar or "|".join(action.choices or ()))
    words = f"{', '.join(action.option_strings)} {value}".strip()
    formatter = argparse.HelpFormatter("")
    told = formatter._expand_help(action) if action.help else ""  # noqa: SLF001
    return f"- `{words}`: {plain(told)}".removesuffix(": ")
