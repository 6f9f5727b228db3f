"""`--config FILE`: the options of a run in a TOML file, named as they are.

    target = "https://llm.example"
    apis = ["rerank", "score"]
    max-requests = 300
    waivers = "waivers.yaml"     # relative to the file

What the command line says goes first. A key that is no option is an error.
"""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from aios_conformance.conformance.options.table import (
    AGAINST,
    ONLY,
    OPTIONS,
    TARGET,
    Option,
)
from aios_conformance.conformance.options.values import OptionError
from aios_conformance.spec import known_dialects, read_plain

CONFIG = "config"
KEYS = "config_keys"
"""Under this name the values say which of them stem from the file."""

_KNOWN = {
    option.name: option
    for option in (TARGET, *OPTIONS, ONLY, *AGAINST)
    if option.name != CONFIG
}
_NUMBERS = frozenset({"N", "S"})
_PATHS = frozenset({"FILE", "DIR", "RUN|FILE"})


def with_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a command line, completed by the file that it names.

    Only options that `values` knows are taken. Raises OptionError, which names the
    file, the key, and what is valid.
    """
    if not values.get(CONFIG):
        return dict(values)
    path = Path(values[CONFIG])
    read = {key: _word(path, key, value) for key, value in _content(path).items()}
    named = {key.replace("-", "_"): value for key, value in read.items()}
    used = {k: v for k, v in named.items() if k in values and not values[k]}
    return {**values, **used, KEYS: frozenset(used)}


def located(error: OptionError, values: Mapping[str, Any]) -> OptionError:
    """The error, told of the file's key where the bad value stems from there."""
    flag, space, said = str(error).partition(" ")
    name = flag.removeprefix("--").rstrip(":").replace("-", "_")
    if name not in values.get(KEYS, ()):
        return error
    told = f"{values[CONFIG]}: {flag.removeprefix('--')}{space}{said}"
    return OptionError(told, code=error.code, hint=error.hint)


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_plain(path).decode())
    except OSError as error:
        raise _bad(f"--config {path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # 5,000 digits, or brackets
        raise _bad(f"{path}: cannot be read as TOML: {error}") from error


def _word(path: Path, key: str, value: Any) -> Any:
    """The value as a command line would give it."""
    option = _KNOWN.get(key.replace("-", "_"))
    if option is None:
        keys = [each.flag.removeprefix("--") for each in _KNOWN.values()]
        near = get_close_matches(key.replace("_", "-"), keys, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise _bad(f"{path}: unknown key {key}{meant}; valid are {', '.join(keys)}")
    wanted = _wanted(option)
    kind = type(value)
    if wanted == "true or false" and kind is bool:
        return value
    if wanted == "a number" and kind in (int, float):
        return _spelled(value)
    if wanted == "a text or a list of texts" and _is_texts(value):
        return value if option.repeatable else ",".join(value)
    if wanted not in ("true or false", "a number") and kind is str:
        return [value] if option.repeatable else _placed(path, option, value)
    shown = "something else" if "header" in option.name else _spelled(value)
    raise _bad(f"{path}: {key} must be {wanted}, and is {shown}")


def _wanted(option: Option) -> str:
    if option.metavar is None:
        return "true or false"
    if option.metavar in _NUMBERS:
        return "a number"
    is_list = option.repeatable or option.metavar == "LIST"
    return "a text or a list of texts" if is_list else "a text"


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _placed(path: Path, option: Option, word: str) -> str:
    """A path is relative to the file, a dialect's folder too."""
    is_path = option.metavar in _PATHS
    if option.name == "dialect" and word not in known_dialects():
        is_path = (path.parent / word).is_dir()
    return str(path.parent / word) if is_path else word


def _spelled(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    try:
        return "a list" if isinstance(value, list) else repr(value)
    except ValueError:  # 0xfff…, of more digits than Python writes
        return hex(value)


def _bad(message: str) -> OptionError:
    return OptionError(message, code="bad-config")
