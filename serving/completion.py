"""Shell completion of a server command, by argcomplete, which speaks to shells.

It is imported only when a shell asks.
"""

import argparse
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from argcomplete import autocomplete
from argcomplete.completers import (
    DirectoriesCompleter,
    FilesCompleter,
)
from argcomplete.shell_integration import shellcode

from aios_conformance.serving.options import COMPLETING, OptionParser, Words

_WITHIN: Final = 2  # words from which on a line is within a command

SHELLS = ("bash", "zsh", "fish", "powershell")


def shell_code(command: str, words: Sequence[str]) -> str:
    """Return what a shell evaluates; `words` follow `COMMAND completion`."""
    parser = OptionParser(
        prog=f"{command} completion",
        description=f'Print what makes a shell complete {command}: eval "$({command} '
        'completion bash)" in ~/.bashrc, likewise in zsh.',
    )
    parser.add_argument("shell", choices=SHELLS)
    written: str = shellcode([command], shell=parser.parse_args(words).shell)
    return written


def command_of_line(commands: Collection[str]) -> str | None:
    """Return the command within which a shell asks; the line then begins with it."""
    words = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])].split(" ")
    if len(words) <= _WITHIN or words[1] not in commands:
        return None
    os.environ[COMPLETING] = str(_WITHIN)
    return words[1]


def complete(
    parser: argparse.ArgumentParser,
    values: Mapping[str, Words] = MappingProxyType({}),
    commands: Sequence[str] = (),
) -> None:
    """Answer the shell that asks, and end the process.

    `values` are those that options can have, by the names under which they are parsed.
    """
    for action in parser._actions:  # noqa: SLF001 - there is no public way to them
        words = str(action.metavar).split("|")
        if action.dest in values:
            completer: object = _offering(values[action.dest])
        elif action.choices:
            completer = _offering(partial(map, str, action.choices))
        elif "DIR" in words:
            completer = DirectoriesCompleter()
        elif "FILE" in words:
            completer = FilesCompleter()
        elif words == [word.lower() for word in words]:  # any|listed, 429|503
            completer = _offering(words.copy)
        else:
            completer = _offering(tuple)
        action.completer = completer  # type: ignore[attr-defined]
    if commands:
        first = parser.add_argument("command", nargs="?")
        first.completer = _offering(lambda: commands)  # type: ignore[attr-defined]
    autocomplete(parser, always_complete_options=False)


def _offering(words: Words) -> Callable[..., Iterable[str]]:
    return lambda **_: words()
