"""`aios-mock grade -- COMMAND`: run a client through bad days, and judge it.

Exit codes: 0 no rule failed, 1 one did, 4 bad option or no such command.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aios_conformance.mockserver.clients import endings, report
from aios_conformance.mockserver.clients.endings import PlayedRound
from aios_conformance.mockserver.clients.rounds import OWN, Hope, Round, rounds
from aios_conformance.mockserver.clients.rule import Mark
from aios_conformance.mockserver.clients.verdict import Verdict, combined
from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.mockserver.options import read_options
from aios_conformance.serving.codec import encode
from aios_conformance.serving.located import shown
from aios_conformance.serving.options import OptionError, OptionParser
from aios_conformance.serving.server_options import seconds

_KEY: Final = "mock"
_ABOUT: Final = """\
Runs COMMAND once for each round against a fresh mock, and prints the verdict on it.
COMMAND finds the mock in OPENAI_BASE_URL, OPENAI_API_KEY, CO_API_URL, CO_API_KEY and
AIOS_BASE_URL. Other options are those of aios-mock; with --fault, --rules or --replay
there is one round, which plays those. Exit codes: 0 no rule failed, 1 one did, 4 bad
option or no such command.
"""


@dataclass(frozen=True, slots=True)
class _Trial:
    """What was asked for."""

    command: Sequence[str]
    played: Sequence[Round]
    mock: Sequence[str]  # options of the mock
    key: str
    seconds: float
    show: bool


def main(argv: Sequence[str]) -> int:
    """Run the command `grade`; returns the exit code. Raises OptionError."""
    own, _, command = _parted(argv)
    options, mock = parser().parse_known_args(own)
    known = rounds(options.patience)
    if options.list_rounds:
        sys.stdout.writelines(f"{each.name}: {each.plays}\n" for each in known)
        return 0
    if not command:
        raise OptionError("grade needs a command: aios-mock grade -- python client.py")
    asked = read_options(mock, {})
    played = _chosen(known, options.round)
    if asked.faults or asked.rules or asked.replay:
        played = [OWN]
    trial = _Trial(
        command, played, mock, asked.api_key or _KEY, options.timeout, options.show
    )
    verdict = _tried(trial)
    if options.junit:
        _write(options.junit, report.junit(verdict))
    if options.json:
        sys.stdout.write(encode(verdict.described()).decode() + "\n")
    else:
        sys.stdout.write(shown(report.text(verdict)))
    failing = (Mark.FAIL, Mark.WARN) if options.fail_on == "warn" else (Mark.FAIL,)
    return int(verdict.mark in failing)


def _parted(argv: Sequence[str]) -> tuple[Sequence[str], str, Sequence[str]]:
    if "--" not in argv:
        return argv, "", ()
    at = list(argv).index("--")
    return argv[:at], "--", argv[at + 1 :]


def _round_names() -> Iterable[str]:
    return [each.name for each in rounds(patience=0)]


OFFERED: Final = {"round": _round_names}
"""What a shell may offer for options."""


def parser() -> argparse.ArgumentParser:
    """Return what parses the command's own options."""
    parser = OptionParser(
        prog="aios-mock grade",
        usage="aios-mock grade [options] -- COMMAND [argument ...]",
        description=_ABOUT,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="write a JUnit report as well"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, not text")
    parser.add_argument(
        "--round",
        action="append",
        default=[],
        metavar="NAME",
        help="play this round only, after the good one; repeatable",
    )
    parser.add_argument(
        "--list-rounds", action="store_true", help="list the rounds and exit"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="end COMMAND after this long in a round (60)",
    )
    parser.add_argument(
        "--patience",
        type=seconds,
        default=15.0,
        metavar="SECONDS",
        help="the same in the round with a silent stream (15)",
    )
    parser.add_argument(
        "--fail-on",
        choices=("fail", "warn"),
        default="fail",
        help="warn: exit with 1 for warnings too",
    )
    parser.add_argument(
        "--show",
        action="store_true",
        help="show the output of COMMAND in every round, not in the good one only",
    )
    return parser


def _chosen(known: Sequence[Round], names: Sequence[str]) -> Sequence[Round]:
    valid = [each.name for each in known]
    for name in names:
        if name not in valid:
            raise OptionError(f"no round {name!r}; there are {', '.join(valid)}")
    return [each for each in known if not names or each.name in ("good", *names)]


def _tried(trial: _Trial) -> Verdict:
    """Play the rounds, as long as the command shows anything."""
    outcomes: list[PlayedRound] = []
    with local_mock(*trial.mock) as mock:
        environ = _environ(mock, trial.key)
        for played in trial.played:
            mock.reset()
            if played.rules:
                mock.rules(*played.rules)
            outcome = _played(trial, played, mock, environ)
            outcomes.append(outcome)
            sys.stderr.write(
                f"{played.name}: {played.plays}: it {outcome.ending} "
                f"({outcome.verdict.exchanges} requests, {outcome.seconds:.1f} s)\n"
            )
            if not outcome.verdict.exchanges or _fails(outcome):
                break  # what fails on a good day cannot be tried on a bad one
    seen = combined({o.played.name: endings.completed(o) for o in outcomes})
    return replace(seen, results=[*endings.judged(outcomes), *seen.results])


def _fails(outcome: PlayedRound) -> bool:
    return outcome.played.hope is Hope.WORKS and outcome.code != 0


def _played(
    trial: _Trial, played: Round, mock: LocalMock, environ: Mapping[str, str]
) -> PlayedRound:
    seconds = min(trial.seconds, played.seconds or trial.seconds)
    shown = trial.show or not played.rules
    output = sys.stderr if shown else subprocess.DEVNULL
    begun = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 - what the user asked to run
            list(trial.command),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except OSError as error:
        raise OptionError(
            f"cannot run {trial.command[0]!r}: {error.strerror}"
        ) from None
    try:
        code: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        took = time.monotonic() - begun
        verdict = mock.verdict()  # while what waits still does
        _end(process)
    struck = not played.rules or any(entry["rule"] for entry in mock.requests)
    return PlayedRound(played, code, took, struck, verdict)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a command, and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environ(mock: LocalMock, key: str) -> Mapping[str, str]:
    """Return the environment of a command that leads its clients to the mock."""
    return {
        **os.environ,
        "OPENAI_BASE_URL": mock.base_url,
        "OPENAI_API_BASE": mock.base_url,
        "OPENAI_API_KEY": key,
        "CO_API_URL": mock.url,
        "CO_API_KEY": key,
        "AIOS_BASE_URL": mock.base_url,
        "AIOS_API_KEY": key,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OptionError(f"cannot write {path}: {error.strerror}") from None
