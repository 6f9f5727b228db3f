"""Where the contract's files lie, and how they are read.

Every error of this package is a `SpecError`: what is wrong, where, what is valid.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent

DIALECTS = ("aios", "infinity", "aigne-hub", "aihubmix")
"""The dialects that come with this package."""

_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)


class SpecError(ValueError):
    """A dialect, id, reference or file that the contract does not know."""


def read_yaml(path: Path) -> Any:
    """Parse one YAML file with the C loader where it is built in.

    Raises:
        SpecError: the file is missing or is not YAML.

    """
    try:
        with path.open("rb") as stream:
            return yaml.load(stream, _LOADER)  # noqa: S506  both are safe loaders
    except (OSError, yaml.YAMLError) as error:
        raise SpecError(f"cannot read {path}: {error}") from error


@cache
def read_once(path: Path) -> Any:
    """Parse a YAML file once; callers must not change the result."""
    return read_yaml(path)
