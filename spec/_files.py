"""Where the contract's files lie, and how they are read.

Every error of this package is a `SpecError`: what is wrong, where, what is valid.
"""

from functools import cache
from pathlib import Path
from typing import Any

from aios_conformance.spec._parsed import kept

HERE = Path(__file__).parent

DIALECTS = ("aios", "infinity", "aigne-hub", "aihubmix")
"""The dialects that come with this package."""


class SpecError(ValueError):
    """A dialect, id, reference or file that the contract does not know."""


def read_yaml(path: Path) -> Any:
    """Parse one YAML file with the C loader where it is built in; ours only once.

    Raises:
        SpecError: the file is missing or is not YAML.

    """
    try:
        text = path.read_bytes()
        ours = HERE.resolve() in path.resolve().parents  # a checkout has links
        return kept(path.stem, text, _parse) if ours else _parse(text)
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot read {path}: {error}") from error


def _parse(text: bytes) -> Any:
    import yaml  # noqa: PLC0415 - where nothing has to be parsed, the start is quicker

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error


@cache
def read_once(path: Path) -> Any:
    """Parse a YAML file once; callers must not change the result."""
    return read_yaml(path)
