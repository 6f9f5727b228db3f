"""The options of `prove`; declared here so that a parser needs nothing else."""

import argparse
import os
import re

from aios_conformance.conformance.options.settings import read_dialect
from aios_conformance.conformance.options.values import PRESETS


def _count(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text}")
    return int(text)


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    add = parser.add_argument
    add(
        "--only",
        action="append",
        metavar="PATTERN",
        default=[],
        help="defects to try, by name, or by id or topic of the row that they break, "
        "with * and ?; repeatable",
    )
    add(
        "--sample",
        type=_count,
        metavar="N",
        help="try N of them: always the same ones, spread over the APIs",
    )
    add(
        "--dialect",
        type=read_dialect,
        metavar="NAME|DIR",
        help="only the defects of one dialect",
    )
    add(
        "--museum",
        action="store_true",
        help="the real bugs of real servers, in place of the planted defects",
    )
    add("--preset", choices=PRESETS, default="standard", help="default: %(default)s")
    add("--seed", type=int, default=0, metavar="N", help="another draw of the plan")
    add(
        "--jobs",
        type=_count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="trials at a time (default: one per processor)",
    )
    add(
        "--dir",
        default="reports/proof",
        metavar="DIR",
        help="where the matrix goes (default: %(default)s)",
    )
    add("--fresh", action="store_true", help="forget the trials of an earlier call")
