"""`aios-conformance`: its subcommands, and how their errors are told.

This is the edge of the program: the environment is read here, and nowhere below.
"""

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from rich.console import Console

from aios_conformance.conformance.options.config_file import with_config
from aios_conformance.conformance.options.lost_values import refuse_lost_values
from aios_conformance.conformance.options.settings import read_dialect
from aios_conformance.conformance.options.table import (
    AGAINST,
    ONLY,
    OPTIONS,
    TARGET,
    Option,
    declare,
)
from aios_conformance.conformance.options.values import (
    ConformanceError,
    ExitCode,
    OptionError,
)
from aios_conformance.conformance.prove.arguments import declare as declare_prove
from aios_conformance.conformance.reporting.json_report import suite_version
from aios_conformance.conformance.reporting.terminal import console
from aios_conformance.conformance.reporting.wording import paragraph
from aios_conformance.conformance.terms.visible import brief
from aios_conformance.spec import SpecError

_EPILOG = """\
examples:
  aios-conformance run mock                      judge the bundled mock server
  aios-conformance run http://127.0.0.1:8000     judge a server of your own
  aios-conformance run URL --preset smoke        with few requests
  aios-conformance explain RERANK-SEM-006        what a requirement means
  aios-conformance diff reports/old reports/new  what has become worse

exit codes: 0 judged and not red, 1 red, 2 cut short, 3 an error of the suite, 4 bad
option or file, unreachable target or no usable model, 5 nothing passed or failed
"""
_DEFAULT_DIR = "reports/latest"


class _Parser(argparse.ArgumentParser):
    """Errors are raised, and name the nearest valid word."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read a command line; each command says itself what it does not know."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        raise OptionError(
            message + self._nearest(message),
            code="bad-arguments",
            hint=f"see {self.prog} --help",
        )

    def _nearest(self, message: str) -> str:
        for pattern, known in (
            (r"invalid choice: '([^']*)'", re.findall(r"'([^']+)'", message)[1:]),
            (r"unrecognized arguments: (--[^\s=]+)", self._option_string_actions),
        ):
            if found := re.search(pattern, message):
                longer = [word for word in known if word.endswith(found[1].strip("-"))]
                near = longer or get_close_matches(found[1], known, n=1)
                return f" (did you mean {near[0]}?)" if near else ""
        return ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    out, err = console(sys.stdout), console(sys.stderr)
    try:
        grammar = parser()
        if "_ARGCOMPLETE" in os.environ:  # a shell asks what may follow
            import_module("aios_conformance.conformance.cli.completing").complete(
                grammar
            )
        refuse_lost_values(grammar, sys.argv[1:] if argv is None else argv)
        arguments = grammar.parse_args(argv)
        vars(arguments).update(with_config(vars(arguments)))
        # a subcommand's modules are imported when it is asked for
        module, _, function = arguments.handler.partition(":")
        handler = getattr(
            import_module(f"aios_conformance.conformance.{module}"), function
        )
        return int(handler(arguments, out, os.environ))
    except ConformanceError as error:
        _tell(err, paragraph(error))
        return int(error.exit_code)
    except SpecError as error:
        _tell(err, str(error))
        return int(ExitCode.UNUSABLE)
    except KeyboardInterrupt:
        _tell(err, "interrupted")
        return int(ExitCode.CUT_SHORT)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.JUDGED)
    except Exception as error:  # noqa: BLE001  the last resort: exit code 3
        if isinstance(error, OSError) and error.strerror is not None:
            _tell(err, f"{error.filename or 'the output'}: {error.strerror}")
            return int(ExitCode.UNUSABLE)
        traceback.print_exception(error)
        _tell(err, "this is a fault of the suite itself; please report it")
        return int(ExitCode.OWN_ERROR)


def _tell(err: Console, message: str) -> None:
    told = f"aios-conformance: error: {brief(message)}"
    with suppress(OSError):  # nobody can be told, yet the exit code says it
        err.print(told, style="red", soft_wrap=True)


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    top = _Parser(
        prog="aios-conformance",
        description="Judge servers against the AIOS documents, and read the results.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"aios-conformance {suite_version()}"
    top.add_argument("--version", action="version", version=version)
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, handler: str, summary: str, examples: Iterable[str] = ()
    ) -> argparse.ArgumentParser:
        shown = "\n".join(["examples:", *(f"  {each}" for each in examples)])
        made = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=shown if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made.set_defaults(handler=handler)
        return made

    _add_judging(command)
    _add_looking(command)
    _add_editions(command)
    _add_comparing(command)
    _add_folders(command)
    _add_completion(command)
    return top


_Command = Callable[..., argparse.ArgumentParser]


def _add_judging(command: _Command) -> None:
    run = command(
        "run",
        "cli.judging:run",
        "judge a live server and write the reports",
        [
            "aios-conformance run mock",
            "aios-conformance run https://llm.example --api-key-env MY_KEY",
            "aios-conformance run http://127.0.0.1:8000 --apis rerank,score",
            "aios-conformance run URL --model llama --model embeddings=bge-m3",
            "aios-conformance run URL --dialect all",
            "aios-conformance run URL --only RERANK-SEM-006,top-n-is-a-prefix",
            "aios-conformance run https://gateway --against http://127.0.0.1:8000",
        ],
    )
    _add_target(run)
    declare(run.add_argument, (*OPTIONS, *AGAINST))
    declare(run.add_argument, [ONLY])
    plan = command(
        "plan",
        "cli.judging:show_plan",
        "print what a run would send at most; nothing is sent",
        [
            "aios-conformance plan http://127.0.0.1:8000",
            "aios-conformance plan --preset deep --apis chat",
            "aios-conformance plan --only RERANK-SEM-006",
        ],
    )
    _add_target(plan)
    declare(plan.add_argument, [each for each in OPTIONS if each.name != "plan"])
    declare(plan.add_argument, [ONLY])
    judge = command(
        "judge",
        "cli.judging:judge_again",
        "judge a recorded run again, offline, with the checks of this version",
        ["aios-conformance judge reports/latest --report-dir reports/again"],
    )
    _add_run_dir(judge)
    declare(
        judge.add_argument,
        _named(
            "waivers",
            "baseline",
            "requirements",
            "fail_on",
            "config",
            dialect="whose rows it is held against (default: those of the run)",
            report_dir="where the reports go (default: none are written)",
        ),
    )
    report = command(
        "report",
        "cli.judging:rewrite",
        "write the reports of a recorded run anew from its report.json",
        ["aios-conformance report reports/latest"],
    )
    _add_run_dir(report)
    annotate = command(
        "annotate",
        "cli.judging:annotate",
        "print annotations for GitHub at the files of waivers and of the baseline",
        ["aios-conformance annotate reports/latest --waivers waivers.yaml"],
    )
    _add_run_dir(annotate)
    declare(annotate.add_argument, _named("waivers", "baseline"))
    prove = command(
        "prove",
        "prove.command:prove",
        "prove the suite: run it against every defect of the mock (the kill matrix)",
        ["aios-conformance prove", "aios-conformance prove --only 'rerank*' --jobs 2"],
    )
    declare_prove(prove)


def _add_looking(command: _Command) -> None:
    listing = command(
        "list",
        "cli.looking:list_requirements",
        "list the requirements, or with --coverage what judged each of them in a run",
        [
            "aios-conformance list --api rerank --level MUST",
            "aios-conformance list --coverage reports/latest",
        ],
    )
    _add_dialect(listing)
    listing.add_argument(
        "--level", choices=["MUST", "SHOULD", "MAY"], help="only the rows of one level"
    )
    listing.add_argument("--api", metavar="API", help="only the rows of one API")
    listing.add_argument(
        "--coverage",
        metavar="RUN_DIR",
        nargs="?",
        const=_DEFAULT_DIR,
        help="requirement, checks and exchanges of a run (default: %(const)s)",
    )
    explain = command(
        "explain",
        "cli.looking:explain",
        "explain a requirement: statement, level, sources, ruling, checks",
        [
            "aios-conformance explain RERANK-SEM-006",
            "aios-conformance explain temperature-range",
            "AIOS_SOURCES_DIR=documents aios-conformance explain A-036",
        ],
    )
    _add_dialect(explain)
    explain.add_argument(
        "id", metavar="ID", help="a requirement, a topic, or a ruling (A-036)"
    )


def _add_editions(command: _Command) -> None:
    listing = command(
        "editions",
        "cli.looking:list_editions",
        "list the frozen sets of requirements that --requirements takes",
        ["aios-conformance run URL --requirements 2026.1"],
    )
    _add_dialect(listing)


def _add_comparing(command: _Command) -> None:
    diff = command(
        "diff",
        "cli.comparing:diff",
        "compare two runs, verdicts and answers; exit 1 if a requirement has "
        "become worse or a server answers otherwise",
        [
            "aios-conformance diff reports/old reports/new",
            "aios-conformance diff monday friday --report-dir reports/drift",
            "aios-conformance diff monday friday --fail-on slower",
        ],
    )
    _add_place(diff, "before", "A", "the folder of the earlier run")
    _add_place(diff, "after", "B", "the folder of the later run")
    diff.add_argument(
        "--report-dir", metavar="DIR", help="write drift.json, .md and .html there"
    )
    diff.add_argument(
        "--fail-on",
        metavar="LIST",
        help="what else is red: slower, first tokens that come later than within a "
        "run they lie apart",
    )
    site = command(
        "site",
        "cli.site:site",
        "make a static site of the history of servers, from the folders of their runs",
        ["aios-conformance site reports reports/site"],
    )
    _add_place(site, "runs_dir", "RUNS_DIR", "a folder of runs, one each")
    _add_place(site, "out", "OUT", "the folder to write the site to")


def _add_completion(command: _Command) -> None:
    made = command(
        "completion",
        "cli.completing:show",
        "print what makes a shell complete this command",
        [
            'eval "$(aios-conformance completion bash)"       in ~/.bashrc',
            'eval "$(aios-conformance completion zsh)"        in ~/.zshrc',
            "aios-conformance completion fish | source",
        ],
    )
    made.add_argument("shell", choices=["bash", "zsh", "fish", "powershell"])


def _add_folders(command: _Command) -> None:
    new = command(
        "new-dialect",
        "cli.dialect_folder:new_dialect",
        "write a folder to start a dialect of your own from",
        ["aios-conformance new-dialect acme --from infinity"],
    )
    _add_place(new, "folder", "DIR", "the folder to write")
    new.add_argument(
        "--from",
        dest="origin",
        default="aios",
        type=partial(read_dialect, flag="--from"),
        metavar="NAME|DIR",
        help="the dialect to copy (default: %(default)s)",
    )
    lint = command(
        "lint",
        "cli.dialect_folder:lint",
        "check the folder of a dialect, and say what judges each of its rows",
        ["aios-conformance lint acme"],
    )
    _add_place(lint, "folder", "DIR", "the folder to check")


def _add_target(made: argparse.ArgumentParser) -> None:
    made.add_argument("target", nargs="?", metavar=TARGET.metavar, help=TARGET.help)


def _add_dialect(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--dialect",
        default="aios",
        type=read_dialect,
        metavar="NAME|DIR",
        help="whose rows (default: %(default)s)",
    )


def _add_run_dir(made: argparse.ArgumentParser) -> None:
    _add_place(made, "run_dir", "RUN_DIR", "the folder of its reports")


def _add_place(made: argparse.ArgumentParser, name: str, shown: str, told: str) -> None:
    made.add_argument(name, type=_place, metavar=shown, help=told)


def _place(word: str) -> str:
    if not word.strip():  # of a variable that is not set, say: it means no `.`
        raise argparse.ArgumentTypeError("is empty")
    return word


def _named(*names: str, **told: str) -> list[Option]:
    """Options of a run by name; `told` are those that mean something else here."""
    return [
        replace(option, help=told.get(option.name, option.help))
        for option in OPTIONS
        if option.name in (*names, *told)
    ]
