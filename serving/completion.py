"""Shell completion of a server command, by argcomplete, which speaks to shells.

It is imported only when a shell asks.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence

from argcomplete import autocomplete
from argcomplete.completers import (
    DirectoriesCompleter,
    FilesCompleter,
)
from argcomplete.shell_integration import shellcode

Words = Callable[[], Iterable[str]]

SHELLS = ("bash", "zsh", "fish", "powershell")


def shell_code(command: str, words: Sequence[str]) -> str:
    """Return what a shell evaluates; `words` follow `COMMAND completion`."""
    parser = argparse.ArgumentParser(
        prog=f"{command} completion",
        description=f'Print what makes a shell complete {command}: eval "$({command} '
        'completion bash)" in ~/.bashrc, likewise in zsh.',
    )
    parser.add_argument("shell", choices=SHELLS)
    written: str = shellcode([command], shell=parser.parse_args(words).shell)
    return written


def complete(
    parser: argparse.ArgumentParser,
    values: Mapping[str, Words],
    commands: Sequence[str],
) -> None:
    """Answer the shell that asks, and end the process.

    `values` are those that options can have, by the names under which they are parsed.
    """
    for action in parser._actions:  # noqa: SLF001 - there is no public way to them
        words = str(action.metavar).split("|")
        if action.dest in values:
            completer: object = _offering(values[action.dest])
        elif "DIR" in words:
            completer = DirectoriesCompleter()
        elif "FILE" in words:
            completer = FilesCompleter()
        elif words == [word.lower() for word in words]:  # any|listed, 429|503
            completer = _offering(words.copy)
        else:
            completer = _offering(tuple)
        action.completer = completer  # type: ignore[attr-defined]
    first = parser.add_argument("command", nargs="?")
    first.completer = _offering(lambda: commands)  # type: ignore[attr-defined]
    autocomplete(parser, always_complete_options=False)


def _offering(words: Words) -> Callable[..., Iterable[str]]:
    return lambda **_: words()
