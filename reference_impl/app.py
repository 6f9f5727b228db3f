"""The reference put together: models, lanes, engine and the HTTP front."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from aiohttp import web
from transformers.utils import logging as transformers_logging

from aios_conformance import spec
from aios_conformance.reference_impl import load
from aios_conformance.reference_impl.chat import Chat
from aios_conformance.reference_impl.decode import DecodeLane, Limits
from aios_conformance.reference_impl.encode import Encoder, EncoderLimits
from aios_conformance.reference_impl.engine import (
    Embedder,
    PairScorer,
    ReferenceEngine,
    Served,
    Writer,
)
from aios_conformance.reference_impl.errors import LoadError, WrongKind
from aios_conformance.reference_impl.options import DEFAULT, ReferenceOptions, Wanted
from aios_conformance.reference_impl.packaged import DEFAULTS
from aios_conformance.reference_impl.pull import place as pulled
from aios_conformance.serving.app import Server, together
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.cors import allow_origins
from aios_conformance.serving.engine import Model
from aios_conformance.serving.stages import Stages

Say = Callable[[str], None]

BATCH = {"cpu": 8, "cuda": 64}  # sequences that decode together
CHUNK = {"cpu": 256, "cuda": 4096}  # prompt tokens in one forward pass
TEXTS = {"cpu": 32, "cuda": 128}  # texts in one forward pass of an encoder
TOKENS = {"cpu": 8192, "cuda": 65536}  # padded tokens in one such pass

WRITING = spec.served_by("generator")
READING = spec.served_by("embedding")
DEMANDING = frozenset(("chat", "embeddings"))  # what serves it can do the others too
JUDGING = spec.served_by("cross_encoder")


def reference_application(options: ReferenceOptions, say: Say) -> web.Application:
    """Load every model and return the application that serves them.

    Raises LoadError for a model that cannot be served.
    """
    engine = load_engine(options, say)
    app = together({name: _server(name, engine, options) for name in options.dialects})
    allow_origins(app, options.cors)
    return app


def _server(dialect: str, engine: ReferenceEngine, options: ReferenceOptions) -> Server:
    """Return the server of one dialect; all of them have the same models."""
    front = Front(
        engine=engine,
        contract=Contract(spec.openapi(dialect)),
        find=by_name(engine),
        api_key=options.api_key,
        body_limit=options.body_limit,
        limits=options.limits,
        request_timeout=options.request_timeout,
        self_check=options.self_check,
        plain=options.self_check,
    )
    return Server(front, Stages())


def load_engine(options: ReferenceOptions, say: Say) -> ReferenceEngine:
    """Load every model; raises LoadError."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    threads = options.threads or torch.get_num_threads()
    torch.set_num_threads(1)  # of this thread: the worker's are the only ones
    where = load.choose_place(options.device, options.dtype)
    spot = f"on {where.device} in {str(where.dtype).removeprefix('torch.')}"
    served = []
    for plan in _plans(options, say):
        started = time.monotonic()
        one = _served(plan, where, options)
        served.append(one)
        apis = ", ".join(sorted(one.card.apis))
        took = time.monotonic() - started
        say(f"{plan.name}: {apis} {spot}, loaded in {took:.1f} s")
    return ReferenceEngine(served, options.aliases, threads)


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A model to load: what is wanted of it, its served name, and where it lies."""

    wanted: Wanted
    name: str
    source: load.ModelSource


def _plans(options: ReferenceOptions, say: Say) -> list[ModelPlan]:
    """Find every model before any is loaded, for loading may take minutes."""
    plans: dict[tuple[str, str], ModelPlan] = {}
    for wanted in options.models:
        name, text = _resolved(wanted, options.cache)
        family = "text" if wanted.job in WRITING else "pairs and vectors"
        if known := plans.get((family, text)):
            if wanted.job in DEMANDING:
                plans[family, text] = replace(known, wanted=wanted)
            continue
        if name in (plan.name for plan in plans.values()):
            raise LoadError(f"two models are named {name}; serve one of them elsewhere")
        plans[family, text] = ModelPlan(
            wanted, name, load.find(text, options.cache, say)
        )
    names = [plan.name for plan in plans.values()]
    for alias, name in options.aliases.items():
        if name not in names or alias in names:
            raise LoadError(
                f"--alias {alias}={name}: NAME must be one of {', '.join(names)} and "
                "ALIAS a new name"
            )
    return list(plans.values())


def _resolved(wanted: Wanted, cache: Path) -> tuple[str, str]:
    """Return a wanted model's served name and where it lies."""
    if wanted.source != DEFAULT:
        path = Path(wanted.source).expanduser().resolve()
        if not path.exists():
            return wanted.source, wanted.source
        return path.stem if path.is_file() else path.name, wanted.source
    package = DEFAULTS["chat" if wanted.job in WRITING else "embeddings"]
    return package.name, str(pulled(package, cache))


def _served(plan: ModelPlan, where: load.Place, options: ReferenceOptions) -> Served:
    wanted, name, source = plan.wanted, plan.name, plan.source
    kind = where.device.type
    limits = EncoderLimits(TEXTS[kind], TOKENS[kind], options.queue * TEXTS[kind])
    now = int(time.time())
    if wanted.job in WRITING:
        causal = load.load_causal(source, where)
        chat = Chat(causal.tokenizer) if causal.tokenizer.chat_template else None
        if wanted.job == "chat" and chat is None:
            raise WrongKind(
                f"{wanted.source}: the model has no chat template; serve it with "
                f"--model completions={wanted.source}"
            )
        context = min(causal.context, options.context or causal.context)
        lane = DecodeLane(
            causal.model,
            causal.vocabulary,
            Limits(
                options.batch or BATCH[kind],
                options.queue,
                CHUNK[kind],
                context,
                causal.cells,
            ),
        )
        card = Model(
            name,
            WRITING if chat else frozenset[spec.Api](("completions",)),
            context,
            now,
            reasoning=chat.reasoning if chat else None,
        )
        return Writer(card, causal.vocabulary, chat, lane)
    if wanted.job == "embeddings" or load.kind_of(source) == "encoder":
        embedding = load.load_embedding(source, where)
        card = Model(
            name,
            READING,
            embedding.limit,
            now,
            embedding.dimensions,
            embedding.matryoshka,
        )
        return Embedder(card, embedding, Encoder(embedding, where.device, limits))
    cross = load.load_cross_encoder(source, where)
    card = Model(name, JUDGING, cross.limit, now, cross_encoder=True)
    return PairScorer(card, cross, Encoder(cross, where.device, limits))
