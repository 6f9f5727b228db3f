"""Shell completion: what may stand where, for argcomplete, which speaks to shells."""

import argparse
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from argcomplete import autocomplete
from argcomplete.completers import (
    DirectoriesCompleter,
    FilesCompleter,
)
from argcomplete.finders import CompletionFinder
from argcomplete.shell_integration import shellcode
from rich.console import Console

from aios_conformance.conformance.options.settings import (
    ALL_DIALECTS,
    BUNDLED,
    capabilities,
)
from aios_conformance.conformance.options.values import FAIL_ON, PRESETS, ExitCode
from aios_conformance.spec import (
    MODEL_APIS,
    editions,
    known_dialects,
    requirements,
    rulings,
)

_COMMAND = "aios-conformance"


def show(arguments: argparse.Namespace, out: Console, _: Mapping[str, str]) -> int:
    """Print the line of code that a shell evaluates."""
    code = shellcode([_COMMAND], shell=arguments.shell)
    out.file.write(code)
    return ExitCode.JUDGED


def complete(
    parser: argparse.ArgumentParser,
    finder: CompletionFinder = autocomplete,
    **protocol: Any,
) -> None:
    """Answer the shell and end the process, if it is a shell that asks.

    `finder`, `protocol`: other ways than a shell's to hand over the answer and to end.
    """
    for made in _all(parser):
        for action in made._actions:  # noqa: SLF001  there is no public way to them
            if action.choices is None:
                action.completer = _completer(action)  # type: ignore[attr-defined]
    finder(parser, always_complete_options=False, **protocol)


def _all(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.values()


def _completer(action: argparse.Action) -> Callable[..., object]:
    metavar = str(action.metavar)
    if words := _WORDS.get(action.dest):
        is_list = metavar == "LIST"
        return lambda prefix, **_: _listed(prefix, words()) if is_list else words()
    if metavar in ("DIR", "RUN_DIR", "A", "B"):
        return DirectoriesCompleter()
    if metavar in ("FILE", "RUN|FILE"):
        return FilesCompleter()
    return lambda **_: ()  # argcomplete's own SuppressCompleter hides the option too


def _listed(prefix: str, words: Sequence[str]) -> list[str]:
    """The words that may follow in a list, those that it holds left out."""
    head, comma, _ = prefix.rpartition(",")
    said = head.split(",")
    return [f"{head}{comma}{word}" for word in words if word not in said]


def _named() -> list[str]:
    rows = [row for name in known_dialects() for row in requirements(name)]
    names = [name for row in rows for name in (row.id, row.topic)]
    return [*dict.fromkeys(names), *rulings()]


_WORDS: Mapping[str, Callable[[], Sequence[str]]] = {
    "target": lambda: BUNDLED,
    "dialect": lambda: [*known_dialects(), ALL_DIALECTS],
    "origin": lambda: list(known_dialects()),
    "apis": lambda: MODEL_APIS,
    "api": lambda: sorted({row.api for row in requirements("aios")}),
    "without": capabilities,
    "preset": lambda: PRESETS,
    "fail_on": lambda: FAIL_ON,
    "requirements": lambda: list(editions()),
    "api_key_env": lambda: sorted(os.environ),
    "model": lambda: [f"{api}=" for api in MODEL_APIS],
    "id": _named,
}
