"""The options of `aios-mock`."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aios_conformance.mockserver.catalogue import KINDS
from aios_conformance.mockserver.defects import plantable
from aios_conformance.mockserver.faults.kinds import KINDS as FAULTS
from aios_conformance.mockserver.faults.kinds import FaultRate, parse_rate
from aios_conformance.mockserver.faults.pacing import NO_PACING, SPEEDS, Pacing
from aios_conformance.mockserver.faults.quotas import Quota
from aios_conformance.mockserver.faults.room import Room
from aios_conformance.mockserver.profile.profiles import PROFILES
from aios_conformance.serving.digits import whole_number
from aios_conformance.serving.engine import Model
from aios_conformance.serving.located import unknown
from aios_conformance.serving.options import (
    Option,
    OptionError,
    OptionParser,
    Words,
    add,
    offered,
    resolve,
)
from aios_conformance.serving.profile import DOCUMENTS, Profile
from aios_conformance.serving.server_options import (
    DIALECT,
    SERVING,
    ServerOptions,
    positive,
    served,
    whole,
)
from aios_conformance.spec import MODEL_APIS, ApiSpec, apis

PREFIX = "AIOS_MOCK"
COMMANDS = ("check", "completion", "drift", "grade")
"""What the first word can be."""


def _fit(api: ApiSpec) -> str:
    """The kind of model that suits an API best."""
    if api.generates:
        return "chat"
    return "reranker" if api.reads_pairs else "embedding"


_API_KINDS: Mapping[str, str] = {
    name: _fit(apis()[name]) for name in MODEL_APIS if name not in KINDS
}


@dataclass(frozen=True, slots=True)
class MockOptions(ServerOptions):
    """What the mock was asked to be."""

    workers: int = 1  # processes
    profile: Profile = DOCUMENTS  # of AIOS
    unknown: str = "warn"  # or refuse or ignore: members without effect
    models: tuple[Model, ...] = ()  # beside those that the documents name
    any_model: bool = False
    seed: int = 0
    defects: tuple[str, ...] = ()
    answer_tokens: tuple[int, int] | None = None  # fewest and most
    pacing: Pacing = NO_PACING
    quota: Quota = Quota()  # noqa: RUF009 - frozen
    room: Room = Room()  # noqa: RUF009 - frozen
    faults: tuple[FaultRate, ...] = ()
    rules: Path | None = None
    strict: bool = False
    journal: int = 1_000  # exchanges kept
    control: bool = True
    hosts: tuple[str, ...] = ()  # under which /_mock/ is served as well
    replay: Path | None = None
    record: str | None = None  # base URL
    replay_speed: float = 0.0
    list_defects: bool = False
    explain: bool = False
    as_json: bool = False


def read_options(argv: Sequence[str] | None, environ: Mapping[str, str]) -> MockOptions:
    """Resolve command line, environment and file; raises OptionError."""
    parser = OptionParser(
        prog="aios-mock",
        description="A mock of AIOS-compatible servers. Without options it serves "
        "all APIs on 127.0.0.1:8000, under the model names of the documents.",
        epilog="Command line > environment > file (--config) > default. "
        "`aios-mock grade -- COMMAND` judges a client, "
        "`aios-mock check FILE...` tells what is wrong with rules, tapes and files of "
        "options, `aios-mock drift URL` where a real server differs.",
    )
    listing = parser.add_argument_group("information")
    listing.add_argument(
        "--list-defects", action="store_true", help="list the defects and exit"
    )
    listing.add_argument(
        "--explain",
        action="store_true",
        help="list how the --profile deviates from the documents, and exit",
    )
    listing.add_argument("--json", action="store_true", help="list as JSON")
    values = resolve(
        OPTIONS,
        argv=argv,
        environ=environ,
        prefix=PREFIX,
        parser=parser,
        commands=COMMANDS,
    )
    if values["record"] and not values["replay"]:
        raise OptionError("--record needs --replay FILE to write to")
    if values["profile"] != DOCUMENTS.name and "aios" not in values["dialect"]:
        raise OptionError(
            "--profile concerns the dialect aios only, which is not served"
        )
    if values["max_waiting"] is not None and values["max_running"] is None:
        raise OptionError("--max-waiting needs --max-running N to wait for")
    return MockOptions(
        **served(values),
        workers=values["workers"],
        profile=PROFILES[values["profile"]],
        unknown=values["unknown"],
        models=tuple(values["model"]),
        any_model=values["models"] == "any",
        seed=values["seed"],
        defects=tuple(values["defect"]),
        answer_tokens=values["answer_tokens"],
        pacing=_pacing(values),
        quota=Quota(values["rpm"], values["tpm"]),
        room=Room(values["max_running"], values["max_waiting"], values["overflow"]),
        faults=_faults(values["fault"]),
        rules=values["rules"],
        strict=values["strict"],
        journal=values["journal"],
        control=values["control"],
        hosts=tuple(name.lower() for name in values["allow_host"]),
        replay=values["replay"],
        record=values["record"],
        replay_speed=values["replay_speed"],
        list_defects=values["list_defects"],
        explain=values["explain"],
        as_json=values["json"],
    )


def offer_beside(parser: argparse.ArgumentParser) -> Mapping[str, Words]:
    """Add the mock's options to those of a command, and return what they can have."""
    add(parser, OPTIONS, PREFIX)
    return offered(OPTIONS)


def named_model(text: str) -> Model:
    """Parse NAME=KIND; the name may hold `=`, the kind does not."""
    name, _, kind = text.rpartition("=")
    make = KINDS.get(_API_KINDS.get(kind, kind))
    if not name or make is None:
        kinds = ", ".join([*KINDS, *_API_KINDS])
        raise argparse.ArgumentTypeError(
            f"must be NAME=KIND with KIND one of {kinds}, got {text!r}"
        )
    return make(name)


def _pacing(values: Mapping[str, Any]) -> Pacing:
    """Return the pacing of --speed, with what is said by itself instead."""
    said = {
        name: values[name]
        for name in ("ttft_ms", "itl_ms", "jitter")
        if values[name] is not None
    }
    speed = SPEEDS.get(values["speed"], NO_PACING)
    return replace(speed, seed=values["seed"], **said)


def _faults(rates: Sequence[FaultRate]) -> tuple[FaultRate, ...]:
    total = sum(one.rate for one in rates)
    if total > 1 + 1e-9:
        raise OptionError(f"the rates of --fault must add up to at most 1, got {total}")
    return tuple(rates)


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number from 0, got {text!r}")
    return number


def _share(text: str) -> float:
    number = _amount(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, got {text}")
    return number


def _count(text: str) -> int:
    number = whole(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, got {text}")
    return number


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"must be an http or https URL, got {text!r}")
    return text


def _speed(text: str) -> str:
    if text not in SPEEDS:
        raise argparse.ArgumentTypeError(unknown("the mock", text, SPEEDS))
    return text


def _lengths(text: str) -> tuple[int, int]:
    """Parse N or MIN-MAX."""
    fewest, dash, most = text.partition("-")
    least, largest = whole_number(fewest), whole_number(most if dash else fewest)
    if least and largest and least <= largest:
        return least, largest
    raise argparse.ArgumentTypeError(
        f"must be N or MIN-MAX, from 1 and the smaller first, got {text!r}"
    )


OPTIONS: tuple[Option, ...] = (
    *SERVING,
    Option(
        "workers",
        "processes that answer on the one port and are one mock",
        1,
        positive,
        "N",
    ),
    Option(
        "model",
        "serve one more model; repeatable",
        default=(),
        parse=named_model,
        metavar="NAME=KIND",
        repeat=True,
    ),
    Option(
        "models",
        "any: serve whatever model is asked for; listed: those of /v1/models",
        default="listed",
        metavar="any|listed",
        choices=("any", "listed"),
    ),
    Option("seed", "another world of texts and vectors", 0, whole, "N"),
    DIALECT,
    Option(
        "profile",
        "documents: AIOS to the letter; vllm: as the server behind it really answers",
        DOCUMENTS.name,
        metavar="NAME",
        choices=tuple(PROFILES),
    ),
    Option(
        "unknown",
        "members of a body that have no effect, misspelt ones for instance: warn (in "
        "the journal, and once on standard error), refuse or ignore",
        "warn",
        metavar="warn|refuse|ignore",
        choices=("warn", "refuse", "ignore"),
    ),
    Option(
        "answer-tokens",
        "how many tokens free text has, its end counted; without this a few sentences",
        None,
        _lengths,
        "N|MIN-MAX",
    ),
    Option(
        "defect",
        "break one promise, to prove a judge; repeatable",
        default=(),
        metavar="NAME",
        repeat=True,
        words=plantable,
    ),
    Option(
        "speed",
        f"a speed by name, for illustration: {', '.join(SPEEDS)}",
        None,
        _speed,
        "NAME",
        words=SPEEDS.keys,
    ),
    Option("ttft-ms", "milliseconds to the first token", None, _amount, "MS"),
    Option("itl-ms", "milliseconds between two tokens", None, _amount, "MS"),
    Option(
        "jitter", "vary each delay by up to this share (0 to 1)", None, _share, "SHARE"
    ),
    Option(
        "rpm",
        "requests a minute that each key may make; more are refused (429), with the "
        "time to wait",
        None,
        positive,
        "N",
    ),
    Option("tpm", "tokens a minute that each key may use", None, positive, "N"),
    Option("max-running", "answers that are made at a time", None, positive, "N"),
    Option(
        "max-waiting",
        "requests that may wait while --max-running are made; more are refused",
        None,
        _count,
        "N",
    ),
    Option(
        "overflow",
        "the status that refuses who finds no place to wait",
        503,
        int,
        "429|503",
        choices=("429", "503"),
    ),
    Option(
        "fault",
        "a bad day: a status or drop, cut, truncate, stall, ..., with @N to let N "
        "events of a stream pass, for this share of requests; repeatable",
        default=(),
        parse=parse_rate,
        metavar="FAULT[=RATE]",
        repeat=True,
        words=FAULTS.keys,
    ),
    Option("rules", "YAML file with scripted answers", None, Path, "FILE", single=True),
    Option(
        "strict",
        "refuse (404) what neither a rule nor the tape answers",
        default=False,
        flag=True,
    ),
    Option("journal", "exchanges to remember", 1_000, _count, "N"),
    Option("control", "obey /_mock/ and X-Mock- headers", default=True, flag=True),
    Option(
        "allow-host",
        "serve /_mock/ under this name too, not only under loopback and the address "
        "listened on; repeatable",
        default=(),
        metavar="HOST",
        repeat=True,
    ),
    Option(
        "replay", "tape of recorded exchanges to play", None, Path, "FILE", single=True
    ),
    Option(
        "record",
        "server to ask for what is not on the --replay tape, and to record",
        None,
        _url,
        "URL",
    ),
    Option(
        "replay-speed",
        "1: as recorded, 2: twice as fast, 0: no waiting",
        0.0,
        _amount,
        "FACTOR",
    ),
)
"""All of them."""
