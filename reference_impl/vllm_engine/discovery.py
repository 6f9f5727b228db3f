"""Which models an upstream vLLM serves, and with which of our tokenizers."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aios_conformance.reference_impl.errors import LoadError, Missing
from aios_conformance.reference_impl.options import ModelOption, ReferenceOptions
from aios_conformance.reference_impl.plans import (
    DEMANDING,
    WRITING,
    check_aliases,
    resolved,
)
from aios_conformance.reference_impl.sources import (
    Kind,
    ModelSource,
    Say,
    find,
    kind_of,
)
from aios_conformance.reference_impl.vllm_engine.assembly import served
from aios_conformance.reference_impl.vllm_engine.engine import ServedModel, dimensions
from aios_conformance.reference_impl.vllm_engine.upstream import (
    Upstream,
    UpstreamRunner,
)
from aios_conformance.serving.engine import EngineError

ROUTES: Mapping[str, Kind] = {
    "/v1/completions": "causal",
    "/v1/embeddings": "encoder",
    "/score": "cross-encoder",
}
"""What a vLLM serves beside, first match, tells what kind of model it has."""

UNKNOWN = 2**31  # tokens of context where nobody says


def found(options: ReferenceOptions, say: Say) -> list[ServedModel]:
    """Ask every upstream for its models; raises LoadError."""
    models: dict[str, ServedModel] = {}
    unused = list(options.models)
    for url in options.upstreams:
        upstream = Upstream(url, options.upstream_key)
        listed, kind = _asked(upstream)
        for entry in listed:
            name = entry["id"]
            if name in models:
                raise LoadError(
                    f"{name}: two upstreams serve a model of this name; replicas need "
                    "a load balancer, whose URL is the one to name here"
                )
            wanted = _wanted(entry, unused, only=len(listed) == 1, options=options)
            if wanted:  # one folder may be named for each of its jobs
                unused = [each for each in unused if each.source != wanted.source]
            source = _source(entry, listed, wanted, options, say)
            length = min(
                int(entry.get("max_model_len") or UNKNOWN), options.context or UNKNOWN
            )
            models[name] = _one(upstream, entry, source, kind, wanted, length)
    if unused:
        raise LoadError(
            f"--model {unused[0].job}={unused[0].source}: no upstream serves a model "
            f"of this name; they serve {', '.join(models)}"
        )
    check_aliases(options, list(models))
    return list(models.values())


def named_by(url: str, options: ReferenceOptions) -> list[str]:
    """Return the names of what an upstream serves; raises LoadError."""
    listed, _ = _asked(Upstream(url, options.upstream_key))
    return [entry["id"] for entry in listed]


def _asked(upstream: Upstream) -> tuple[Sequence[Mapping[str, Any]], Kind | None]:
    try:
        return asyncio.run(_told(upstream))
    except EngineError as error:
        raise LoadError(
            f"--upstream {upstream.url}: no vLLM answers there ({error}); it must be "
            "ready before this server starts"
        ) from error


async def _told(upstream: Upstream) -> tuple[Sequence[Mapping[str, Any]], Kind | None]:
    """Return the upstream's list of models and their kind, if its routes tell it."""
    listed = (await upstream.read("/v1/models"))["data"]
    try:
        paths = (await upstream.read("/openapi.json"))["paths"]
    except EngineError:  # its documentation may be switched off
        paths = {}
    return listed, next((kind for path, kind in ROUTES.items() if path in paths), None)


def _wanted(
    entry: Mapping[str, Any],
    unused: Sequence[ModelOption],
    *,
    only: bool,
    options: ReferenceOptions,
) -> ModelOption | None:
    """Return the --model that means this entry of the list."""
    for wanted in unused:
        name, text = resolved(wanted, options.cache)
        if entry["id"] in (name, text) or entry.get("root") in (text, wanted.source):
            return wanted
    sources = {each.source for each in options.models}
    single = only and len(options.upstreams) == len(sources) == 1
    return unused[0] if single and unused else None


def _source(
    entry: Mapping[str, Any],
    listed: Sequence[Mapping[str, Any]],
    wanted: ModelOption | None,
    options: ReferenceOptions,
    say: Say,
) -> ModelSource:
    """Find the files of a model's tokenizer: an adapter has that of its parent."""
    parents = {one["id"]: one.get("root") for one in listed}
    root = parents.get(entry.get("parent")) or entry.get("root") or entry["id"]
    text = resolved(wanted, options.cache)[1] if wanted else str(root)
    try:
        return find(text, options.cache, say)
    except Missing as error:
        if wanted:
            raise
        name = Path(str(root)).name
        raise Missing(
            f"{entry['id']}: its tokenizer and configuration are needed here too, and "
            f"{root} has none ({error}); name a copy without the weights: "
            f"--model chat=.../{name}"
        ) from error


def _one(
    upstream: Upstream,
    entry: Mapping[str, Any],
    source: ModelSource,
    kind: Kind | None,
    wanted: ModelOption | None,
    context: int,
) -> ServedModel:
    runner = UpstreamRunner(upstream, entry["id"])
    kind = kind or kind_of(source)
    job = wanted.job if wanted and wanted.job in DEMANDING else None
    if wanted and (wanted.job in WRITING) != (kind == "causal"):
        raise LoadError(
            f"--model {wanted.job}={wanted.source}: {upstream.url} does not serve "
            f"{wanted.job} of {entry['id']}"
        )
    length = asyncio.run(_length(upstream, runner)) if kind == "encoder" else 0
    return served(
        source,
        kind,
        runner,
        name=entry["id"],
        job=job,
        context=context,
        created=int(entry.get("created") or time.time()),
        dimensions=length,
    )


async def _length(upstream: Upstream, runner: UpstreamRunner) -> int:
    """Return how long vectors are, by one of them."""
    await runner.start()
    try:
        return dimensions((await runner.embed([[1]], None))[0])
    except EngineError as error:
        raise LoadError(f"{upstream.url}: gives no vectors ({error})") from error
    finally:
        await runner.close()
