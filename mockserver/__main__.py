"""`aios-mock`: serve the mock until told to stop, or run one of its commands.

Exit codes: 0 stopped as told, 1 one of several workers died, 4 bad option or file or
an address in use; commands have their own, which their `--help` tells.
"""

import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from aios_conformance.mockserver.announcement import said
from aios_conformance.mockserver.defects import plantable
from aios_conformance.mockserver.options import MockOptions, offer_beside, read_options
from aios_conformance.mockserver.profile.profiles import explained
from aios_conformance.serving.located import brief
from aios_conformance.serving.options import COMPLETING, OptionError
from aios_conformance.serving.profile import Profile
from aios_conformance.serving.run import (
    CannotListen,
    CannotWrite,
    Died,
    serve,
    standard_output,
)

_BAD_OPTION = 4
_DIED = 1
_COMMANDS = {
    "drift": "aios_conformance.mockserver.drift.command",
    "check": "aios_conformance.mockserver.scripting.check",
    "grade": "aios_conformance.mockserver.clients.grade",
}
"""Modules whose `main` runs the command of a name, and whose `parser` reads it.

What options can have, if it is more than their choices, is in `OFFERED`.
"""
_BESIDE = ("drift", "grade")
"""Commands that take the options of the mock beside their own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    try:
        if COMPLETING in os.environ:
            _complete_command()
        with standard_output():
            return _run(words)
    except (OptionError, CannotListen, CannotWrite) as error:
        lines = str(error).splitlines()
        sys.stderr.writelines(f"aios-mock: {brief(line)}\n" for line in lines)
        return _BAD_OPTION
    except Died as error:
        sys.stderr.write(f"aios-mock: {error}\n")
        return _DIED
    except SystemExit as leaving:  # argparse has said why
        return _BAD_OPTION if leaving.code else 0
    return 0  # who reads the output has seen enough


def _run(words: Sequence[str]) -> int:
    if words and words[0] in _COMMANDS:
        code: int = import_module(_COMMANDS[words[0]]).main(words[1:])
        return code
    if words[:1] == ["completion"]:
        from aios_conformance.serving.completion import shell_code  # noqa: PLC0415

        sys.stdout.write(shell_code("aios-mock", words[1:]))
        return 0
    options = read_options(words, os.environ)
    if options.list_defects:
        _list_defects(options.dialects, as_json=options.as_json)
    elif options.explain:
        _explain(options.profile, as_json=options.as_json)
    else:
        _serve(options)
    return 0


def _complete_command() -> None:
    """Answer a shell that asks within a command, and end the process."""
    from aios_conformance.serving import completion  # noqa: PLC0415

    command = completion.command_of_line(_COMMANDS)
    if command is not None:
        module = import_module(_COMMANDS[command])
        parser, offered = module.parser(), getattr(module, "OFFERED", {})
        beside = offer_beside(parser) if command in _BESIDE else {}
        completion.complete(parser, {**beside, **offered})


def _serve(options: MockOptions) -> None:
    ready = partial(said, options)
    if options.workers > 1:
        from aios_conformance.mockserver.workers import processes  # noqa: PLC0415

        processes.serve(options, ready)
        return
    from aios_conformance.mockserver.app import mock_application  # noqa: PLC0415 - --help is quick

    serve(
        mock_application(options),
        options.address,
        ready,
        access_log=options.access_log,
        request_timeout=options.request_timeout,
        until_eof=options.until_eof,
    )


def _list_defects(dialects: Sequence[str], *, as_json: bool) -> None:
    described = [defect.describe() for defect in plantable(tuple(dialects)).values()]
    if as_json:
        sys.stdout.write(json.dumps(described, indent=2) + "\n")
    else:
        for one in described:
            sys.stdout.write(f"{one['name']}: {one['description']}\n")


def _explain(profile: Profile, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(profile.described(), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in explained(profile))


if __name__ == "__main__":
    sys.exit(main())
