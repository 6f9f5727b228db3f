"""Options of a server command: command line > environment > file > default.

An option has one name in all three places: `--body-limit`, `AIOS_MOCK_BODY_LIMIT`,
`body_limit:`. Repeatable options are separated by commas in the environment and are
lists in the file.
"""

import argparse
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from aios_conformance.serving.located import (
    Document,
    Malformed,
    Problems,
    brief,
    read_yaml,
)

COMPLETING = "_ARGCOMPLETE"
"""Set by a shell that asks what may follow."""

_TRUE = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class OptionError(Exception):
    """An option has a value that it cannot have; the text says where and what."""


Words = Callable[[], Iterable[str]]
"""What a shell may offer, found when one asks."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `parse` turns text into a value and raises ValueError.

    With `choices` no other text is taken.
    """

    name: str  # with dashes: "body-limit"
    help: str
    default: Any = None
    parse: Callable[[str], Any] = str
    metavar: str | None = None
    flag: bool = False  # without a value on the command line
    repeat: bool = False
    single: bool = False  # said twice, both may be meant, and one would be lost
    variable: str | None = None  # another environment variable than PREFIX_NAME
    words: Words | None = None  # that a shell may offer
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name in the file and in the resolved options."""
        return self.name.replace("-", "_")

    def read(self, text: str) -> Any:
        """Return the value of a text; raises ArgumentTypeError or ValueError."""
        if self.choices and text not in self.choices:
            *others, last = self.choices
            valid = f"{', '.join(others)} or {last}"
            raise argparse.ArgumentTypeError(f"must be {valid}, got {text!r}")
        return self.parse(text)

    def read_given(self, text: str) -> Any:
        """Return what a command line says; empty is what was left out by mistake."""
        if not text.strip():
            raise argparse.ArgumentTypeError("is empty")
        try:
            return self.read(text)
        except ValueError as error:
            got = "" if ", got " in str(error) else f", got {text!r}"
            raise argparse.ArgumentTypeError(f"{error}{got}") from None

    def offered(self) -> Iterable[str]:
        """Return the words that a shell may offer."""
        return self.words() if self.words is not None else self.choices

    def environment(self, prefix: str) -> str:
        """The environment variable's name."""
        return self.variable or f"{prefix}_{self.key.upper()}"


class OptionParser(argparse.ArgumentParser):
    """Says what is wrong with a command line in letters that all can be seen."""

    commands: Sequence[str] = ()
    """What the first word may be instead of an option."""

    def error(self, message: str) -> NoReturn:
        """Raise OptionError, with the name that may be meant."""
        word = re.match(r"unrecognized arguments: (-*)([^\s=]+)", message)
        known = self._option_string_actions
        near = get_close_matches("".join(word.groups()), known, 1) if word else ()
        meant = f" (did you mean {near[0]}?)" if near else ""
        if word and not word[1] and self.commands:
            meant = f" (the commands are {', '.join(self.commands)})"
        if message.startswith(("unrecognized", "the following")):
            meant += f"; {self.prog} --help tells all"
        raise OptionError(brief(message) + meant)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read a command line; a value that is `--` would be read as a list."""
        for word in sys.argv[1:] if args is None else args:
            if word == "--":
                break
            if word.startswith("--") and word.endswith("=--") and word.count("=") == 1:
                self.error(f"argument {word[:-3]}: expected one argument")
        return super().parse_known_args(args, namespace)


class _Single(argparse.Action):
    """An option whose first value must not be lost without a word."""

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: Any = None
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"argument {option_string}: can be given once only")
        setattr(namespace, self.dest, values)


class _Version(argparse.Action):
    """The version of the distribution, looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            found = version("aios-conformance")
        except PackageNotFoundError:
            found = "0+unknown"
        sys.stdout.write(f"{parser.prog} {found}\n")
        parser.exit()


CONFIG = Option(
    "config", "YAML file with options, by name", metavar="FILE", single=True
)


def resolve(
    options: Sequence[Option],
    *,
    argv: Sequence[str] | None,
    environ: Mapping[str, str],
    prefix: str,
    parser: OptionParser,
    commands: Sequence[str] = (),
) -> dict[str, Any]:
    """Return every option's value by key, and what `parser` knows beside them.

    `parser` is given the options and parses `argv` (None: the process's arguments).
    A shell that wants to complete a line is answered with these, or with `commands`.
    Raises OptionError; a bad command line exits as argparse does.
    """
    options = (*options, CONFIG)
    parser.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        default=argparse.SUPPRESS,
        help="show the version and exit",
    )
    add(parser, options, prefix)
    if COMPLETING in environ:
        from aios_conformance.serving.completion import complete  # noqa: PLC0415

        complete(parser, offered(options), commands)
    parser.commands = commands
    given = vars(parser.parse_args(argv))
    _warn_of_strangers(environ, prefix, {o.environment(prefix) for o in options})
    set_ = {
        option.key: _from_text(option, environ[name], f"${name}")
        for option in options
        if (name := option.environment(prefix)) in environ
    }
    file = given.get("config") or set_.get("config")
    filed = _from_file(Path(file), options) if file else {}
    values: dict[str, Any] = dict(given)
    for option in options:
        sources = (given.get(option.key), set_.get(option.key), filed.get(option.key))
        chosen = next((value for value in sources if value is not None), None)
        values[option.key] = option.default if chosen is None else chosen
    return values


def _warn_of_strangers(
    environ: Mapping[str, str], prefix: str, known: Collection[str]
) -> None:
    """Tell of variables that look like options and are none.

    They are no mistakes for sure: where services are linked, others set such names.
    """
    for name in sorted(environ.keys() - known):
        if name.startswith(f"{prefix}_"):
            near = get_close_matches(name, known, 1, cutoff=0.8)
            meant = f"; did you mean ${near[0]}?" if near else ""
            sys.stderr.write(brief(f"${name} has no effect{meant}") + "\n")


def add(
    parser: argparse.ArgumentParser, options: Iterable[Option], prefix: str
) -> None:
    """Let a parser read options, but for those that it has of its own."""
    own = {name for action in parser._actions for name in action.option_strings}  # noqa: SLF001 - there is no public way to them
    for option in options:
        if f"--{option.name}" not in own:
            _add(parser, option, prefix)


def offered(options: Iterable[Option]) -> Mapping[str, Words]:
    """Return what a shell may offer for options, by the names they are parsed under."""
    return {one.key: one.offered for one in options if one.words or one.choices}


def _add(parser: argparse.ArgumentParser, option: Option, prefix: str) -> None:
    text = f"{option.help} [${option.environment(prefix)}]"
    if option.flag:
        parser.add_argument(
            f"--{option.name}",
            action=argparse.BooleanOptionalAction,
            default=None,
            help=text,
        )
        return
    parser.add_argument(
        f"--{option.name}",
        type=option.read_given,
        metavar=option.metavar,
        action=_Single if option.single else "append" if option.repeat else "store",
        default=None,
        help=text,
    )


def _from_text(option: Option, text: str, where: str) -> Any:
    try:
        if option.flag:
            return _TRUE[text.lower()]
        if option.repeat:
            return [option.read(part.strip()) for part in text.split(",") if part]
        return option.read(text)
    except KeyError:
        raise OptionError(f"{where} must be true or false, got {text!r}") from None
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise OptionError(f"{where}: {error}") from None


def config_values(
    options: Sequence[Option], document: Document, problems: Problems
) -> dict[str, Any]:
    """Return the options that a file sets, by key; note what is wrong with it."""
    problems.extend(document.problems)
    known = {option.key: option for option in options if option is not CONFIG}
    content = {} if document.value is None else document.value
    content = problems.mapping(content, (), known, "the file of options")
    values = {}
    for key, value in content.items():
        try:
            if value is not None:
                values[key] = _from_yaml(known[key], value, key)
        except OptionError as error:
            problems.at((key,), str(error))
    return values


def _from_file(path: Path, options: Sequence[Option]) -> dict[str, Any]:
    problems = Problems()
    try:
        document = read_yaml(path)
        values = config_values(options, document, problems)
        document.refuse(problems)
    except Malformed as error:
        raise OptionError(str(error)) from None
    return values


def _from_yaml(option: Option, value: Any, where: str) -> Any:
    if option.repeat:
        items = value if isinstance(value, list) else [value]
        return [_from_text_value(option, item, where) for item in items]
    return _from_text_value(option, value, where)


def _from_text_value(option: Option, value: Any, where: str) -> Any:
    if isinstance(value, dict | list):
        raise OptionError(f"{where} must be a single value")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _from_text(replace(option, repeat=False), text, where)
