"""The engine of vLLM put together: here, or before a vLLM elsewhere."""

from typing import Any

from transformers import GenerationConfig

from aios_conformance.reference_impl.errors import WrongKind
from aios_conformance.reference_impl.options import ReferenceOptions
from aios_conformance.reference_impl.plans import JUDGING, READING, WRITING
from aios_conformance.reference_impl.sources import (
    Kind,
    ModelSource,
    Say,
    is_matryoshka,
    limit_of,
    text_settings,
    tokenizer_of,
    vocabulary_of,
)
from aios_conformance.reference_impl.tokenizing.chat import Chat
from aios_conformance.reference_impl.vllm_engine.engine import ServedModel, VllmEngine
from aios_conformance.reference_impl.vllm_engine.runner import Runner
from aios_conformance.serving.engine import Model

MOST = 256  # requests of a model that vLLM works on at once, where nobody says


def load_engine(options: ReferenceOptions, say: Say) -> VllmEngine:
    """Find every model, here or upstream; raises LoadError."""
    if options.upstreams:
        from aios_conformance.reference_impl.vllm_engine.discovery import (  # noqa: PLC0415
            found,
        )
    else:
        from aios_conformance.reference_impl.vllm_engine.in_process import (  # noqa: PLC0415 - imports vllm
            found,
        )
    served = found(options, say)
    for one in served:
        say(f"{one.card.name}: {', '.join(sorted(one.card.apis))} by vLLM")
    most = (options.batch or MOST) + options.queue
    return VllmEngine(served, options.aliases, most)


def served(
    source: ModelSource,
    kind: Kind,
    runner: Runner,
    *,
    name: str,
    job: str | None,
    context: int,
    created: int,
    dimensions: int = 0,
) -> ServedModel:
    """Return a model with its tokenizer; `context` is what vLLM reads of it.

    Raises LoadError for what is not fit for the job.
    """
    tokenizer = tokenizer_of(source)
    card: dict[str, Any] = {"name": name, "created": created, "backend": "vllm"}
    if kind == "causal":
        vocabulary = vocabulary_of(source, tokenizer, _generation(source))
        chat = Chat(tokenizer) if tokenizer.chat_template else None
        if job == "chat" and chat is None:
            raise WrongKind(
                f"{source.path}: the model has no chat template; serve it with "
                f"--model completions={source.path}"
            )
        model = Model(
            **card,
            apis=WRITING if chat else frozenset({"completions"}),
            context_length=context,
            reasoning=chat.reasoning if chat else None,
            vocabulary=vocabulary.size,
        )
        return ServedModel(model, runner, tokenizer, vocabulary, chat)
    limit = min(context, limit_of(source, tokenizer))
    if kind == "cross-encoder":
        model = Model(**card, apis=JUDGING, context_length=limit, cross_encoder=True)
        return ServedModel(model, runner, tokenizer)
    own, prefix = text_settings(source.file)
    model = Model(
        **card,
        apis=READING,
        context_length=min(limit, own or limit),
        dimensions=dimensions,
        matryoshka=is_matryoshka(source),
    )
    return ServedModel(model, runner, tokenizer, prefix=prefix)


def _generation(source: ModelSource) -> Any:
    try:
        return GenerationConfig.from_pretrained(source.path)
    except OSError:
        return GenerationConfig.from_model_config(source.config)
