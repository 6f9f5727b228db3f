"""No answer counts more tokens than its own limit lets a model read.

That a limit strikes at all is shown by the relations that send one text with and
without it; beside whatever else is asked for, no more than this is known.
"""

from collections.abc import Iterator
from typing import Any

from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.views import (
    Answer,
    EmbeddingAnswer,
    RerankAnswer,
    ScoreAnswer,
    is_whole,
)


def _texts(given: object) -> int:
    return len(given) if isinstance(given, list) else 1


def _bounded(answer: Answer, member: str, inputs: int) -> Iterator[Note]:
    limit: Any = answer.sent.get("truncate_prompt_tokens")
    count: Any = answer.usage.get(member)
    if answer.exchange.expect != "accept" or not (is_whole(limit) and is_whole(count)):
        return
    if count > limit * inputs:
        yield Finding(
            expected=f"at most {limit * inputs}: {inputs} inputs of {limit} tokens",
            actual=count,
            pointer=f"/usage/{member}",
            kind="silent",
        )


def _of_pair(answer: Answer, api: Api) -> int:
    """Inputs of a pair: a cross-encoder reads both texts at once (A-046)."""
    is_usual = answer.sent.get("model") == answer.facts.models.get(api)
    return 1 if is_usual and answer.kind(api) == "cross_encoder" else 2


@check("EMB-SEM-005", "META-099", evidence=0, witness=True)
def no_embedding_counts_more_than_its_limit(answer: EmbeddingAnswer) -> Iterator[Note]:
    """prompt_tokens is at most the limit times the number of texts, in any answer."""
    yield from _bounded(answer, "prompt_tokens", _texts(answer.sent.get("input")))


@check("RERANK-SEM-009", "META-014", evidence=0, witness=True)
def no_ranking_counts_more_than_its_limit(answer: RerankAnswer) -> Iterator[Note]:
    """total_tokens is at most the limit times the number of inputs, in any answer."""
    inputs = len(answer.documents) * _of_pair(answer, "rerank")
    yield from _bounded(answer, "total_tokens", inputs)


@check("SCORE-SEM-008", "META-031", evidence=0, witness=True)
def no_score_counts_more_than_its_limit(answer: ScoreAnswer) -> Iterator[Note]:
    """prompt_tokens is at most the limit times the number of inputs, in any answer."""
    pairs = max(_texts(answer.sent.get(name)) for name in ("text_1", "text_2"))
    yield from _bounded(answer, "prompt_tokens", pairs * _of_pair(answer, "score"))
