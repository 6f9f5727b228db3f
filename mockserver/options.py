"""The options of `aios-mock`."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aios_conformance.mockserver.catalogue import KINDS
from aios_conformance.mockserver.faults import FaultRate, parse_rate
from aios_conformance.mockserver.pacing import NO_PACING, Pacing
from aios_conformance.serving.engine import Model
from aios_conformance.serving.limits import Limits
from aios_conformance.serving.options import (
    DIALECT,
    SERVING,
    Option,
    OptionError,
    limits,
    resolve,
    whole,
)
from aios_conformance.serving.run import Address
from aios_conformance.spec import MODEL_APIS, ApiSpec, apis

PREFIX = "AIOS_MOCK"


def _fit(api: ApiSpec) -> str:
    """The kind of model that suits an API best."""
    if api.generates:
        return "chat"
    return "reranker" if api.reads_pairs else "embedding"


_API_KINDS: Mapping[str, str] = {
    name: _fit(apis()[name]) for name in MODEL_APIS if name not in KINDS
}


@dataclass(frozen=True, slots=True)
class MockOptions:
    """What the mock was asked to be."""

    address: Address
    dialects: tuple[str, ...] = ("aios",)  # the first one has the root
    models: tuple[Model, ...] = ()  # beside those that the documents name
    any_model: bool = False
    seed: int = 0
    api_key: str | None = None
    body_limit: int = 16 * 1024 * 1024  # bytes
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    request_timeout: float = 60.0  # seconds
    cors: tuple[str, ...] = ()  # origins of pages that may call the API
    until_eof: bool = False
    self_check: bool = False
    access_log: bool = False
    defects: tuple[str, ...] = ()
    pacing: Pacing = NO_PACING
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
    as_json: bool = False


def read_options(argv: Sequence[str] | None, environ: Mapping[str, str]) -> MockOptions:
    """Resolve command line, environment and file; raises OptionError."""
    parser = argparse.ArgumentParser(
        prog="aios-mock",
        description="A mock of AIOS-compatible servers. Without options it serves "
        "all APIs on 127.0.0.1:8000, under the model names of the documents.",
        epilog="Command line > environment > file (--config) > default.",
    )
    listing = parser.add_argument_group("information")
    listing.add_argument(
        "--list-defects", action="store_true", help="list the defects and exit"
    )
    listing.add_argument("--json", action="store_true", help="list as JSON")
    values = resolve(_OPTIONS, argv=argv, environ=environ, prefix=PREFIX, parser=parser)
    if values["record"] and not values["replay"]:
        raise OptionError("--record needs --replay FILE to write to")
    return MockOptions(
        address=Address(values["host"], values["port"]),
        dialects=tuple(dict.fromkeys(values["dialect"])),
        models=tuple(values["model"]),
        any_model=values["models"] == "any",
        seed=values["seed"],
        api_key=values["api_key"] or None,
        body_limit=values["body_limit"],
        limits=limits(values),
        request_timeout=values["request_timeout"],
        cors=tuple(values["cors_origin"]),
        until_eof=values["until_eof"],
        self_check=values["self_check"],
        access_log=values["access_log"],
        defects=tuple(values["defect"]),
        pacing=_pacing(values),
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
        as_json=values["json"],
    )


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
    return Pacing(values["ttft_ms"], values["itl_ms"], values["jitter"], values["seed"])


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


def _models(text: str) -> str:
    if text not in ("any", "listed"):
        raise argparse.ArgumentTypeError(f"must be any or listed, got {text!r}")
    return text


_OPTIONS = (
    *SERVING,
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
        parse=_models,
        metavar="any|listed",
    ),
    Option("seed", "another world of texts and vectors", 0, whole, "N"),
    DIALECT,
    Option(
        "defect",
        "break one promise, to prove a judge; repeatable",
        default=(),
        metavar="NAME",
        repeat=True,
    ),
    Option("ttft-ms", "milliseconds to the first token", 0.0, _amount, "MS"),
    Option("itl-ms", "milliseconds between two tokens", 0.0, _amount, "MS"),
    Option(
        "jitter", "vary each delay by up to this share (0 to 1)", 0.0, _share, "SHARE"
    ),
    Option(
        "fault",
        "a bad day: a status or drop, cut, truncate, stall, ..., with @N to let N "
        "events of a stream pass, for this share of requests; repeatable",
        default=(),
        parse=parse_rate,
        metavar="FAULT[=RATE]",
        repeat=True,
    ),
    Option("rules", "YAML file with scripted answers", None, Path, "FILE"),
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
    Option("replay", "tape of recorded exchanges to play", None, Path, "FILE"),
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
