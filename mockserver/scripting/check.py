"""`aios-mock check FILE...`: what is wrong with rules, tapes and files of options.

A file whose name ends with .jsonl is a tape; one with `rules` at its top holds rules;
any other YAML file sets options. Exit codes: 0 all can be used, 2 some cannot.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from aios_conformance.mockserver.options import OPTIONS
from aios_conformance.mockserver.scripting.rule_reader import document_rules
from aios_conformance.mockserver.scripting.suspicions import suspicions
from aios_conformance.mockserver.scripting.tape import parse_take, tape_lines
from aios_conformance.serving.located import Malformed, Problems, read_yaml, shown
from aios_conformance.serving.options import OptionParser, config_values
from aios_conformance.serving.server_options import dialect

_BAD = 2
_NAMING = ("rules",)  # options that name a file that has to be there


@dataclass(frozen=True, slots=True)
class RuleRemark:
    """One line of the report."""

    place: str
    severity: Literal["error", "warning"]
    message: str


def parser() -> argparse.ArgumentParser:
    """Return what parses the command's options."""
    parser = OptionParser(
        prog="aios-mock check",
        description="Tell what is wrong with rules (YAML with `rules`), tapes (.jsonl) "
        "and files of options (other YAML): every error and warning, with its place.",
        epilog="Exit codes: 0 all can be used (warnings may be told), 2 some cannot.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--dialect",
        action="append",
        type=dialect,
        metavar="NAME|DIR",
        help="a dialect whose APIs rules may name, beside ours",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = parser().parse_args(argv)
    bad = False
    for file in options.files:
        found = list(remarks(file))
        bad = bad or any(one.severity == "error" for one in found)
        for one in found:
            if options.json:
                print(json.dumps({f.name: getattr(one, f.name) for f in fields(one)}))  # noqa: T201
            else:
                print(shown(f"{one.place}: {one.severity}: {one.message}"))  # noqa: T201
        if not found and not options.json:
            print(shown(f"{file}: ok"))  # noqa: T201
    sys.stdout.flush()
    return _BAD if bad else 0


def remarks(file: Path) -> Iterator[RuleRemark]:
    """Yield all that is to be said about a file, in the order of its lines."""
    if file.suffix == ".jsonl":
        yield from _of_tape(file)
        return
    try:
        document = read_yaml(file)
    except Malformed as error:
        place = error.place(error.problems[0])
        yield RuleRemark(place, "error", error.problems[0].message)
        return
    errors, warnings = Problems(), Problems()
    content = document.value
    in_file = content.get("rules", "") if isinstance(content, dict) else content
    if in_file is not None and not isinstance(in_file, str):
        rules = document_rules(document, errors)
        if not errors:
            warnings.extend(suspicions(rules))
    else:
        values = config_values(OPTIONS, document, errors)
        for name in _NAMING:
            if name in values and not values[name].is_file():
                errors.at((name,), f"there is no file {values[name]}")
    for problem in sorted([*errors, *warnings], key=document.position):
        severity: Any = "warning" if problem in warnings else "error"
        yield RuleRemark(document.place(problem), severity, problem.message)


def _of_tape(file: Path) -> Iterator[RuleRemark]:
    try:
        for number, line in tape_lines(file):
            try:
                parse_take(line)
            except ValueError as error:
                column = getattr(error, "colno", 1)
                yield RuleRemark(f"{file}:{number}:{column}", "error", str(error))
    except OSError as error:
        yield RuleRemark(str(file), "error", f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        yield RuleRemark(str(file), "error", f"cannot be read: {error}")
