"""Where the contract's files lie, and how they are read.

Every error of this package is a `SpecError`: what is wrong, where, what is valid.
"""

from functools import cache
from pathlib import Path
from typing import Any

from aios_conformance.spec._parsed import kept
from aios_conformance.spec._plain import read_plain
from aios_conformance.spec._yaml import parse_yaml

HERE = Path(__file__).parent

DIALECTS = ("aios", "infinity", "aigne-hub", "aihubmix")
"""The dialects that come with this package."""


class SpecError(ValueError):
    """A dialect, id, reference or file that the contract does not know."""


def read_yaml(path: Path) -> Any:
    """Parse one YAML file; ours only once.

    Raises:
        SpecError: the file is missing or is not YAML.

    """
    try:
        text = read_plain(path)
        ours = HERE.resolve() in path.resolve().parents  # a checkout has links
        return kept(path.stem, text, parse_yaml) if ours else parse_yaml(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SpecError(f"cannot read {path}: {reason}") from error


@cache
def read_once(path: Path) -> Any:
    """Parse a YAML file once; callers must not change the result."""
    return read_yaml(path)
