"""The options of `aios-reference`."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_path

from aios_conformance.serving.limits import Limits
from aios_conformance.serving.options import (
    DIALECT,
    SERVING,
    Option,
    limits,
    positive,
    resolve,
)
from aios_conformance.serving.run import Address
from aios_conformance.spec import MODEL_APIS, operations

PREFIX = "AIOS_REFERENCE"
_JOBS = ", ".join(MODEL_APIS)
DEFAULT = "default"  # names the packaged model of a job


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model to serve, and what for."""

    job: str  # one of MODEL_APIS
    source: str  # a folder, a GGUF file, a hub name, or DEFAULT


@dataclass(frozen=True, slots=True)
class ReferenceOptions:
    """What the reference was asked to be."""

    address: Address
    cache: Path
    models: tuple[Wanted, ...]
    aliases: Mapping[str, str]
    dialects: tuple[str, ...]  # the first one has the root
    device: str
    dtype: str
    batch: int | None  # rows that decode together; None: by device
    queue: int
    context: int | None  # cap on prompt and answer, in tokens
    threads: int | None
    pull: bool
    api_key: str | None
    body_limit: int  # bytes
    limits: Limits
    request_timeout: float
    cors: tuple[str, ...]  # origins of pages that may call the API
    until_eof: bool
    self_check: bool
    access_log: bool


def read_options(
    argv: Sequence[str] | None, environ: Mapping[str, str]
) -> ReferenceOptions:
    """Resolve command line, environment and file; raises OptionError."""
    parser = argparse.ArgumentParser(
        prog="aios-reference",
        description="Real models behind the AIOS API. Without options it serves small "
        "default models on 127.0.0.1:8001, fetching them first if need be; "
        "`aios-reference pull` only fetches them.",
        epilog="Command line > environment > file (--config) > default.",
    )
    values = resolve(_OPTIONS, argv=argv, environ=environ, prefix=PREFIX, parser=parser)
    dialects = tuple(dict.fromkeys(values["dialect"]))
    return ReferenceOptions(
        address=Address(values["host"], values["port"]),
        cache=values["cache_dir"] or cache_folder(),
        models=tuple(values["model"]) or _default_models(dialects),
        aliases=dict(values["alias"]),
        dialects=dialects,
        device=values["device"],
        dtype=values["dtype"],
        batch=values["batch"],
        queue=values["queue"],
        context=values["context"],
        threads=values["threads"],
        pull=values["pull"],
        api_key=values["api_key"] or None,
        body_limit=values["body_limit"],
        limits=limits(values),
        request_timeout=values["request_timeout"],
        cors=tuple(values["cors_origin"]),
        until_eof=values["until_eof"],
        self_check=values["self_check"],
        access_log=values["access_log"],
    )


def read_pull_options(argv: Sequence[str] | None, environ: Mapping[str, str]) -> Path:
    """Read the options of `aios-reference pull`: the cache folder."""
    parser = argparse.ArgumentParser(
        prog="aios-reference pull",
        description="Fetch the default models (about 180 MB) and convert them once.",
    )
    values = resolve(
        (_CACHE,), argv=argv, environ=environ, prefix=PREFIX, parser=parser
    )
    folder: Path = values["cache_dir"] or cache_folder()
    return folder


def cache_folder() -> Path:
    """Return the platform's folder for what can be fetched again."""
    return user_cache_path("aios-reference", appauthor=False, opinion=False)


def wanted_model(text: str) -> Wanted:
    """Parse JOB=PATH_OR_ID."""
    job, _, source = text.partition("=")
    if job not in MODEL_APIS or not source:
        raise argparse.ArgumentTypeError(
            f"must be JOB=PATH_OR_ID with JOB one of {_JOBS}, got {text!r}"
        )
    return Wanted(job, source)


def _default_models(dialects: Sequence[str]) -> tuple[Wanted, ...]:
    """Return the packaged models of what the dialects document."""
    apis = {api for each in dialects for api in operations(each).values()}
    jobs = ("chat", "embeddings") if {"chat", "completions"} & apis else ("embeddings",)
    return tuple(Wanted(job, DEFAULT) for job in jobs)


def _alias(text: str) -> tuple[str, str]:
    alias, _, name = text.partition("=")
    if not alias or not name:
        raise argparse.ArgumentTypeError(f"must be ALIAS=NAME, got {text!r}")
    return alias, name


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(
                f"must be one of {', '.join(choices)}, got {text!r}"
            )
        return text

    return parse


def _folder(text: str) -> Path:
    return Path(text).expanduser()


_CACHE = Option(
    "cache-dir",
    "where fetched and converted models are kept",
    parse=_folder,
    metavar="DIR",
    variable="AIOS_CACHE_DIR",
)
_OPTIONS = (
    *(replace(o, default=8001) if o.name == "port" else o for o in SERVING),
    _CACHE,
    Option(
        "model",
        f"serve a folder, GGUF file or hub model; JOB is one of {_JOBS}; "
        f"PATH_OR_ID {DEFAULT!r} is the packaged one; repeatable (default: "
        "the packaged models of the dialect)",
        default=(),
        parse=wanted_model,
        metavar="JOB=PATH_OR_ID",
        repeat=True,
    ),
    Option(
        "alias",
        "serve a model under one more name; repeatable",
        default=(),
        parse=_alias,
        metavar="ALIAS=NAME",
        repeat=True,
    ),
    Option(
        "device",
        "auto (a GPU where there is one), cuda or cpu",
        "auto",
        _one_of("auto", "cuda", "cpu"),
        "DEVICE",
    ),
    Option(
        "dtype",
        "auto (bfloat16 on a GPU, else float32), bfloat16 or float32",
        "auto",
        _one_of("auto", "bfloat16", "float32"),
        "DTYPE",
    ),
    Option("batch", "sequences that decode together", None, positive, "N"),
    Option("queue", "requests that may wait; more get 503", 256, positive, "N"),
    Option("context", "cap on prompt and answer in tokens", None, positive, "TOKENS"),
    Option("threads", "CPU threads (default: torch's choice)", None, positive, "N"),
    Option(
        "pull", "fetch the default models if they are missing", default=True, flag=True
    ),
    DIALECT,
)
