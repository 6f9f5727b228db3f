"""The models that the mock serves: what each kind is; `models.yaml` names them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Final

from aios_conformance import spec
from aios_conformance.serving.engine import Model
from aios_conformance.spec import ServedModel, SpecError, served_by

CHAT_CONTEXT: Final = 131_072
"""Tokens of a chat model, prompt and completion together."""

ENCODER_CONTEXT: Final = 8_192
"""Tokens of one encoder input; the limit that 004:56 states for embeddings."""

DIMENSIONS: Final = 1_024
"""Length of a bge-m3 vector (000:767)."""

CREATED: Final = 1_748_574_112
"""Creation time of every model in Unix seconds: the date of a printed sample."""

_VOCABULARIES: Final = (
    (r"gpt-4o|gpt-4\.1|gpt-5|chatgpt|\bo[1-9]\b", 200_019),  # o200k_base
    (r"gpt-oss", 201_088),
    (r"gpt|text-embedding|ada-002", 100_277),  # cl100k_base
    (r"llama-(guard-)?4", 202_048),
    (r"llama", 128_256),
    (r"bge-m3|reranker-v2-m3|xlm|multilingual-e5", 250_002),
    (r"qwen|qwq", 151_936),
    (r"deepseek", 129_280),
    (r"gemma", 262_144),
    (r"mistral", 131_072),
)
"""Token ids of the models that a name stands for; the first that is found counts."""

_GENERATES: Final = served_by("generator")
_EMBEDS: Final = served_by("embedding")
_RERANKS: Final = served_by("cross_encoder")


def vocabulary(name: str) -> int:
    """Return how many token ids the model has that a name stands for."""
    sizes = (size for part, size in _VOCABULARIES if re.search(part, name.lower()))
    return next(sizes, 128_256)


def chat(name: str) -> Model:
    """Return a model that serves chat and completions."""
    return Model(
        name,
        _GENERATES,
        CHAT_CONTEXT,
        CREATED,
        vocabulary=vocabulary(name),
        calls="as written",
    )


def reasoning(name: str) -> Model:
    """Return a chat model that thinks aloud before it answers (000:459)."""
    return Model(
        name,
        _GENERATES,
        CHAT_CONTEXT,
        CREATED,
        vocabulary=vocabulary(name),
        reasoning=("<think>", "</think>"),
        calls="as written",
    )


def vision(name: str) -> Model:
    """Return a chat model whose messages may hold images."""
    return replace(chat(name), images=True)


def code(name: str) -> Model:
    """Return a chat model that answers with a program."""
    return replace(chat(name), trade="code")


def guard(name: str) -> Model:
    """Return a chat model that judges what was said: safe, or unsafe and why."""
    return replace(chat(name), trade="guard", images=True)


def embedding(name: str, dimensions: int = DIMENSIONS) -> Model:
    """Return an embedding model; it reranks and scores by cosine (000:25, 000:180)."""
    return Model(
        name,
        _EMBEDS,
        ENCODER_CONTEXT,
        CREATED,
        vocabulary=vocabulary(name),
        dimensions=dimensions,
    )


def matryoshka(name: str, dimensions: int = 3_072) -> Model:
    """Return an embedding model whose vectors may be shortened (002:78, 004:81)."""
    return replace(embedding(name, dimensions), matryoshka=True)


def reranker(name: str) -> Model:
    """Return a cross-encoder, which reads query and document jointly (000:26)."""
    return Model(
        name,
        _RERANKS,
        ENCODER_CONTEXT,
        CREATED,
        vocabulary=vocabulary(name),
        cross_encoder=True,
    )


def everything(name: str) -> Model:
    """Return a model that serves all APIs, for a mock that accepts any name."""
    return Model(
        name,
        _GENERATES | _EMBEDS,
        CHAT_CONTEXT,
        CREATED,
        vocabulary=vocabulary(name),
        dimensions=DIMENSIONS,
        matryoshka=True,
        images=True,
        calls="as written",
    )


KINDS: Final[Mapping[str, Callable[[str], Model]]] = MappingProxyType(
    {
        "chat": chat,
        "reasoning": reasoning,
        "vision": vision,
        "code": code,
        "guard": guard,
        "embedding": embedding,
        "matryoshka": matryoshka,
        "reranker": reranker,
        "any": everything,
    }
)
"""What `--model NAME=KIND` accepts as KIND."""


@cache
def documented(dialect: str) -> tuple[Model, ...]:
    """Return the models that the documents of a dialect name, in its order."""
    return tuple(_made(each) for each in spec.models(dialect))


def _made(served: ServedModel) -> Model:
    if served.kind not in KINDS:
        raise SpecError(
            f"model {served.name}: unknown kind {served.kind!r}; valid are "
            f"{', '.join(KINDS)}"
        )
    made = KINDS[served.kind](served.name)
    if served.dimensions is None:
        return made
    return replace(made, dimensions=served.dimensions)
