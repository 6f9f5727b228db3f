"""Deciding whether a pytest run is ours, and making it ours.

A run is ours when `--target` names a target of ours and nothing else is asked for on
the command line than our own items. It then reads no conftest.py and no ini file of
the folder: those are there for the folder's own tests.
"""

import copy
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import pytest

from aios_conformance.conformance.options.config_file import with_config
from aios_conformance.conformance.options.settings import (
    is_target,
    read_options,
    read_target,
    take_options,
)
from aios_conformance.conformance.options.table import (
    AGAINST,
    ONLY,
    OPTIONS,
    TARGET,
)
from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.plugin.helping import is_declared, show_options
from aios_conformance.conformance.plugin.items import NODE, item_id, usage_error
from aios_conformance.conformance.plugin.session import SuitePlugin

_PACKAGE = Path(__file__).resolve().parent.parent
_OURS = re.compile(rf"{re.escape(NODE)}(::.*)?")


def claim(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> bool:
    """Make the run ours if it is meant for us; tell whether it was.

    Raises UsageError (exit 4) for a bad option.
    """
    of_ini = len(config.getini("addopts"))
    words = args[of_ini:]
    if not is_target(_last_target(words)):
        return False
    try:
        given, rest = take_options(words)
        values = with_config(given)
        known, unknown = parser.parse_known_and_unknown_args(rest)
        asked = known.file_or_dir
        _check_spelling(unknown)
        if not all(map(_is_ours, asked)):
            return False
        options = read_options(values, os.environ)
    except OptionError as error:
        raise usage_error(error) from error
    args[:] = [word for word in rest if word not in asked]
    _forget_the_folder(config)
    show_options(parser)
    config.known_args_namespace = parser.parse_known_args(
        args, namespace=copy.copy(config.option)
    )
    config.known_args_namespace.noconftest = True
    config.known_args_namespace.confcutdir = str(config.rootpath)
    plugin = SuitePlugin(options, is_plan=values["plan"], asked=_ids(asked))
    config.pluginmanager.register(plugin, "aios-conformance")
    return True


def explain_unclaimed(config: pytest.Config, parser: pytest.Parser) -> None:
    """Say why --target was not ours, unless somebody else has declared it.

    Raises UsageError, for nobody would understand the option otherwise.
    """
    if is_declared(parser, TARGET.flag):
        return
    target = _last_target(map(str, config.invocation_params.args))
    try:
        read_target(target)
    except OptionError as error:
        raise usage_error(error) from error
    _, rest = take_options(tuple(map(str, config.invocation_params.args)))
    known, unknown = parser.parse_known_and_unknown_args(rest)
    paths = " ".join(known.file_or_dir)
    flags = " ".join(word for word in unknown if word.startswith("-"))
    hint = f" Nobody here knows {flags}: is its plugin installed?" if flags else ""
    raise pytest.UsageError(
        f"--target={target} runs the conformance suite, which takes no path: leave "
        f"out {paths!r}. To select requirements, use -k.{hint}"
    )


def _check_spelling(unknown: Iterable[str]) -> None:
    """Raise OptionError for an unknown option that looks like one of ours."""
    flags = [option.flag for option in OPTIONS]
    for word in unknown:
        flag = word.partition("=")[0]
        if flag in {option.flag for option in (ONLY, *AGAINST)}:
            raise OptionError(
                f"{flag} belongs to `aios-conformance run`",
                code="bad-option",
                hint="here -k selects requirements" if flag == ONLY.flag else "",
            )
        if near := get_close_matches(flag, flags, n=1, cutoff=0.75):
            raise OptionError(
                f"unknown option {flag}: did you mean {near[0]}?", code="bad-option"
            )


def _last_target(words: Iterable[str]) -> str:
    """The value of --target without understanding any other option."""
    value, expected = "", False
    for word in words:
        if expected:
            value, expected = ("" if word.startswith("-") else word), False
        elif word == TARGET.flag:
            expected = True
        elif word.startswith(f"{TARGET.flag}="):
            value = word.partition("=")[2]
    return value


def _is_ours(argument: str) -> bool:
    if _OURS.fullmatch(argument):
        return True
    path = Path(argument).resolve()
    return path.exists() and path.is_relative_to(_PACKAGE)


def _ids(asked: Iterable[str]) -> frozenset[str] | None:
    """The requirements that the command line names; None: it names none."""
    named = [argument for argument in asked if "::" in argument]
    try:
        return frozenset(map(item_id, named)) or None
    except OptionError as error:
        raise usage_error(error) from error


def _forget_the_folder(config: pytest.Config) -> None:
    """Drop what the folder's ini file says; `-o` of the command line stays."""
    ini = config._inicfg if hasattr(config, "_inicfg") else config.inicfg  # noqa: SLF001
    for name in [name for name, value in ini.items() if _is_of_file(value)]:
        del ini[name]
    config._inicache.clear()  # noqa: SLF001  there is no public way to re-read


def _is_of_file(value: object) -> bool:
    return getattr(value, "origin", "file") != "override"
