"""`--option=--`, which argparse reads as an option with an empty list for its value."""

import argparse
import re
from collections.abc import Iterable

_LOST = re.compile(r"(--[a-z-]+)=--")


def refuse_lost_values(parser: argparse.ArgumentParser, words: Iterable[str]) -> None:
    """Say of such an option that its value is missing, as of one that ends the line."""
    for word in words:
        if found := _LOST.fullmatch(word):
            parser.error(f"argument {found[1]}: expected one argument")
