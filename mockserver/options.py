"""The options of `aios-mock`."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mockserver.catalogue import KINDS
from serving.engine import Model
from serving.options import SERVING, Option, resolve, whole
from serving.run import Address

PREFIX = "AIOS_MOCK"
DIALECTS = ("aios",)
_API_KINDS = {
    "completions": "chat",
    "embeddings": "embedding",
    "rerank": "reranker",
    "score": "reranker",
}


@dataclass(frozen=True, slots=True)
class MockOptions:
    """What the mock was asked to be."""

    address: Address
    dialect: str = "aios"
    models: tuple[Model, ...] = ()  # beside those that the documents name
    any_model: bool = False
    seed: int = 0
    api_key: str | None = None
    body_limit: int = 16 * 1024 * 1024  # bytes
    self_check: bool = False
    access_log: bool = False
    defects: tuple[str, ...] = ()
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
    return MockOptions(
        address=Address(values["host"], values["port"]),
        dialect=values["dialect"],
        models=tuple(values["model"]),
        any_model=values["models"] == "any",
        seed=values["seed"],
        api_key=values["api_key"],
        body_limit=values["body_limit"],
        self_check=values["self_check"],
        access_log=values["access_log"],
        defects=tuple(values["defect"]),
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


def _dialect(text: str) -> str:
    if text not in DIALECTS:
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(DIALECTS)}, got {text!r}"
        )
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
    Option("dialect", "whose documents to follow", "aios", _dialect, "NAME"),
    Option(
        "defect",
        "break one promise, to prove a judge; repeatable",
        default=(),
        metavar="NAME",
        repeat=True,
    ),
)
