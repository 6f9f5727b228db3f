"""The engine of transformers put together: models and their lanes."""

import time

import torch
from transformers.utils import logging as transformers_logging

from aios_conformance import spec
from aios_conformance.reference_impl.errors import WrongKind
from aios_conformance.reference_impl.options import ReferenceOptions
from aios_conformance.reference_impl.plans import (
    JUDGING,
    READING,
    WRITING,
    ModelPlan,
    plans,
)
from aios_conformance.reference_impl.sources import Say, kind_of
from aios_conformance.reference_impl.tokenizing.chat import Chat
from aios_conformance.reference_impl.transformers_engine import load
from aios_conformance.reference_impl.transformers_engine.decode import (
    BatchLimits,
    DecodeLane,
)
from aios_conformance.reference_impl.transformers_engine.encode import (
    Encoder,
    EncoderLimits,
)
from aios_conformance.reference_impl.transformers_engine.engine import (
    Embedder,
    PairScorer,
    Served,
    TransformersEngine,
    Writer,
)
from aios_conformance.serving.engine import Model

BATCH = {"cpu": 8, "cuda": 64}  # sequences that decode together
CHUNK = {"cpu": 256, "cuda": 4096}  # prompt tokens in one forward pass
TEXTS = {"cpu": 32, "cuda": 128}  # texts in one forward pass of an encoder
TOKENS = {"cpu": 8192, "cuda": 65536}  # padded tokens in one such pass


def load_engine(options: ReferenceOptions, say: Say) -> TransformersEngine:
    """Load every model; raises LoadError."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    threads = options.threads or torch.get_num_threads()
    torch.set_num_threads(1)  # of this thread: the worker's are the only ones
    where = load.choose_place(options.device, options.dtype)
    spot = f"on {where.device} in {where.precision}"
    served = []
    for plan in plans(options, say):
        started = time.monotonic()
        one = _served(plan, where, options)
        served.append(one)
        apis = ", ".join(sorted(one.card.apis))
        took = time.monotonic() - started
        say(f"{plan.name}: {apis} {spot}, loaded in {took:.1f} s")
    return TransformersEngine(served, options.aliases, threads)


def _served(
    plan: ModelPlan, where: load.Placement, options: ReferenceOptions
) -> Served:
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
            BatchLimits(
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
        return Writer(card, causal.vocabulary, causal.grammars, chat, lane)
    if wanted.job == "embeddings" or kind_of(source) == "encoder":
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
