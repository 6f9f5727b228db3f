"""The models that the mock serves, under the names that the documents print.

The printed examples work as they stand, so every spelling that a request of a
document uses is a model of its own (000:358, 000:376, 000:415, 000:598, 000:741,
000:767). The doubled `sds/sds/bge-m3` of a printed reply is a slip (A-034).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from aios_conformance.serving.engine import Model
from aios_conformance.spec import served_by

CHAT_CONTEXT: Final = 131_072
"""Tokens of a chat model, prompt and completion together."""

ENCODER_CONTEXT: Final = 8_192
"""Tokens of one encoder input; the limit that 004:56 states for embeddings."""

DIMENSIONS: Final = 1_024
"""Length of a bge-m3 vector (000:767)."""

CREATED: Final = 1_748_574_112
"""Creation time of every model in Unix seconds: the date of a printed sample."""

_GENERATES: Final = served_by("generator")
_EMBEDS: Final = served_by("embedding")
_RERANKS: Final = served_by("cross_encoder")


def chat(name: str) -> Model:
    """Return a model that serves chat and completions."""
    return Model(name, _GENERATES, CHAT_CONTEXT, CREATED, repeatable=True)


def reasoning(name: str) -> Model:
    """Return a chat model that thinks aloud before it answers (000:459)."""
    return Model(
        name,
        _GENERATES,
        CHAT_CONTEXT,
        CREATED,
        reasoning=("<think>", "</think>"),
        repeatable=True,
    )


def embedding(name: str, dimensions: int = DIMENSIONS) -> Model:
    """Return an embedding model; it reranks and scores by cosine (000:25, 000:180)."""
    return Model(
        name,
        _EMBEDS,
        ENCODER_CONTEXT,
        CREATED,
        dimensions=dimensions,
        repeatable=True,
    )


def matryoshka(name: str, dimensions: int = 3_072) -> Model:
    """Return an embedding model whose vectors may be shortened (002:78, 004:81)."""
    return Model(
        name,
        _EMBEDS,
        ENCODER_CONTEXT,
        CREATED,
        dimensions=dimensions,
        matryoshka=True,
        repeatable=True,
    )


def reranker(name: str) -> Model:
    """Return a cross-encoder, which reads query and document jointly (000:26)."""
    return Model(
        name,
        _RERANKS,
        ENCODER_CONTEXT,
        CREATED,
        cross_encoder=True,
        repeatable=True,
    )


def everything(name: str) -> Model:
    """Return a model that serves all APIs, for a mock that accepts any name."""
    return Model(
        name,
        _GENERATES | _EMBEDS,
        CHAT_CONTEXT,
        CREATED,
        dimensions=DIMENSIONS,
        matryoshka=True,
        repeatable=True,
    )


KINDS: Final[Mapping[str, Callable[[str], Model]]] = MappingProxyType(
    {
        "chat": chat,
        "reasoning": reasoning,
        "embedding": embedding,
        "matryoshka": matryoshka,
        "reranker": reranker,
        "any": everything,
    }
)
"""What `--model NAME=KIND` accepts as KIND."""

_AIOS: Final = (
    chat("meta-llama/Llama-3.3-70B-Instruct"),
    chat("meta-llama/Meta-Llama-3.3-70B-Instruct"),
    chat("/mnt/models/Meta-Llama-3.3-70B-Instruct"),
    # before the embedding models, which rerank too: who takes the first that does gets
    # the one that the documents name for it (000:68)
    reranker("sds/bge-reranker-v2-m3"),
    embedding("sds/bge-m3"),
    embedding("sds-bge-m3"),
)
_LARGE: Final = matryoshka("text-embedding-3-large")
_SMALL: Final = matryoshka("text-embedding-3-small", 1_536)

DOCUMENTED: Final[Mapping[str, tuple[Model, ...]]] = MappingProxyType(
    {
        "aios": _AIOS,
        "infinity": (_LARGE, embedding("Qwen2-Embedding-48", 2_560)),
        "aigne-hub": (_SMALL, _LARGE, chat("gpt-4o-mini")),
        "aihubmix": (_SMALL, _LARGE, embedding("text-embedding-ada-002", 1_536)),
    }
)
"""Default models per dialect (002:17, 002:67, 003:36, 004:15).

Beside what is printed there is a chat model that must be refused (003:18) and one
that is older than the third generation, whose vectors have one length (004:87).
"""
