"""The options of `aios-reference`."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_cache_path

from aios_conformance.serving.options import Option, OptionError, OptionParser, resolve
from aios_conformance.serving.server_options import (
    DIALECT,
    SERVING,
    ServerOptions,
    positive,
    served,
)
from aios_conformance.spec import MODEL_APIS, operations

PREFIX = "AIOS_REFERENCE"
_JOBS = ", ".join(MODEL_APIS)
ENGINES = ("transformers", "vllm")
_DTYPES = ("auto", "bfloat16", "float32", "int8")
DEFAULT = "default"  # names the packaged model of a job


@dataclass(frozen=True, slots=True)
class ModelOption:
    """A model to serve, and what for."""

    job: str  # one of MODEL_APIS
    source: str  # a folder, a GGUF file, a hub name, or DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceOptions(ServerOptions):
    """What the reference was asked to be."""

    engine: str  # one of ENGINES
    engine_args: tuple[str, ...]  # KEY=VALUE, for vLLM
    upstreams: tuple[str, ...]  # base URLs of vLLM servers
    upstream_key: str | None
    cache: Path
    models: tuple[ModelOption, ...]
    aliases: Mapping[str, str]
    device: str
    dtype: str
    batch: int | None  # rows that decode together; None: by device
    queue: int
    context: int | None  # cap on prompt and answer, in tokens
    threads: int | None
    pull: bool
    request_log: bool


def read_options(
    argv: Sequence[str] | None, environ: Mapping[str, str]
) -> ReferenceOptions:
    """Resolve command line, environment and file; raises OptionError."""
    parser = OptionParser(
        prog="aios-reference",
        description="Real models behind the AIOS API. Without options it serves small "
        "default models on 127.0.0.1:8001, fetching them first if need be; "
        "`aios-reference pull` only fetches them, and `aios-reference doctor` with a "
        "server's options says what it would use and what is missing.",
        epilog="Command line > environment > file (--config) > default.",
    )
    values = resolve(
        _OPTIONS,
        argv=argv,
        environ=environ,
        prefix=PREFIX,
        parser=parser,
        commands=("completion", "doctor", "pull"),
    )
    for name in ("engine_arg", "upstream"):
        if values[name] and values["engine"] != "vllm":
            given = name.replace("_", "-")
            raise OptionError(f"--{given} is for --engine vllm only")
    if values["engine_arg"] and values["upstream"]:
        raise OptionError(
            "--engine-arg is for a vLLM in this process; give it to the upstream itself"
        )
    for name, unset in (("device", "auto"), ("dtype", "auto"), ("threads", None)):
        if values["upstream"] and values[name] != unset:
            raise OptionError(
                f"--{name} has no effect before an upstream; set it there"
            )
    common = served(values)
    return ReferenceOptions(
        **common,
        engine=values["engine"],
        engine_args=tuple(values["engine_arg"]),
        upstreams=tuple(values["upstream"]),
        upstream_key=values["upstream_key"] or None,
        cache=values["cache_dir"] or cache_folder(),
        models=tuple(values["model"])
        or (() if values["upstream"] else _default_models(common["dialects"])),
        aliases=dict(values["alias"]),
        device=values["device"],
        dtype=values["dtype"],
        batch=values["batch"],
        queue=values["queue"],
        context=values["context"],
        threads=values["threads"],
        pull=values["pull"],
        request_log=values["request_log"],
    )


def read_pull_options(argv: Sequence[str] | None, environ: Mapping[str, str]) -> Path:
    """Read the options of `aios-reference pull`: the cache folder."""
    parser = OptionParser(
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


def wanted_model(text: str) -> ModelOption:
    """Parse JOB=PATH_OR_ID."""
    job, _, source = text.partition("=")
    if job not in MODEL_APIS or not source:
        raise argparse.ArgumentTypeError(
            f"must be JOB=PATH_OR_ID with JOB one of {_JOBS}, got {text!r}"
        )
    return ModelOption(job, source)


def _default_models(dialects: Sequence[str]) -> tuple[ModelOption, ...]:
    """Return the packaged models of what the dialects document."""
    apis = {api for each in dialects for api in operations(each).values()}
    jobs = ("chat", "embeddings") if {"chat", "completions"} & apis else ("embeddings",)
    return tuple(ModelOption(job, DEFAULT) for job in jobs)


def _alias(text: str) -> tuple[str, str]:
    alias, _, name = text.partition("=")
    if not alias or not name:
        raise argparse.ArgumentTypeError(f"must be ALIAS=NAME, got {text!r}")
    return alias, name


def _engine_arg(text: str) -> str:
    key, equals, _ = text.partition("=")
    job, colon, _ = key.partition(":")
    if not key or not equals or (colon and job not in MODEL_APIS):
        raise argparse.ArgumentTypeError(
            f"must be KEY=VALUE or JOB:KEY=VALUE with JOB one of {_JOBS}, got {text!r}"
        )
    return text


def _upstream(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).netloc:
        raise argparse.ArgumentTypeError(
            f"must be a URL such as http://gpu-1:8000, got {text!r}"
        )
    return text.rstrip("/").removesuffix("/v1")


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
    Option(
        "engine",
        f"what runs the models: {' or '.join(ENGINES)}",
        ENGINES[0],
        metavar="NAME",
        choices=ENGINES,
    ),
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
        "engine-arg",
        "an option of vLLM's own (tensor_parallel_size=2), of every model, or of a "
        "job's (chat:max_num_seqs=64); repeatable; for --engine vllm",
        default=(),
        parse=_engine_arg,
        metavar="[JOB:]KEY=VALUE",
        repeat=True,
    ),
    Option(
        "upstream",
        "serve the models of a vLLM server at this URL, with the tokenizers that "
        "--model names or the server's own models have; repeatable; for --engine vllm",
        default=(),
        parse=_upstream,
        metavar="URL",
        repeat=True,
    ),
    Option(
        "upstream-key",
        "the bearer key of the upstream",
        metavar="KEY",
        variable="AIOS_UPSTREAM_KEY",
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
        metavar="DEVICE",
        choices=("auto", "cuda", "cpu"),
    ),
    Option(
        "dtype",
        "auto (bfloat16 on a GPU, else float32), bfloat16, float32, or int8: on a "
        "CPU, chat and completions in 8 bits",
        "auto",
        metavar="DTYPE",
        choices=_DTYPES,
    ),
    Option("batch", "sequences that decode together", None, positive, "N"),
    Option("queue", "requests that may wait; more get 503", 256, positive, "N"),
    Option("context", "cap on prompt and answer in tokens", None, positive, "TOKENS"),
    Option("threads", "CPU threads (default: torch's choice)", None, positive, "N"),
    Option(
        "pull", "fetch the default models if they are missing", default=True, flag=True
    ),
    Option(
        "request-log",
        "write a line of JSON for each request to standard error: id, model, tokens, "
        "durations, nothing of the content",
        default=False,
        flag=True,
    ),
    DIALECT,
)
