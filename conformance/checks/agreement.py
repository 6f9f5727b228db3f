"""Rerank, score and embeddings of one model agree with each other."""

from collections.abc import Iterator, Sequence

from aios_conformance.conformance.checks.observed import answer, answered
from aios_conformance.conformance.checks.ranking import (
    ranked,
    score_difference,
    scores_by_text,
)
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    check,
)
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.tolerances import COSINE_SAME, COSINE_SCORE
from aios_conformance.conformance.terms.vectors import Vector, cosine, floats
from aios_conformance.conformance.terms.views import (
    EmbeddingAnswer,
    RerankTexts,
    ScoreAnswer,
)


def _is_scored(seen: Observation) -> bool:
    if not (
        answered(RerankTexts, "rerank")(seen) and answered(ScoreAnswer, "score")(seen)
    ):
        return False
    count = len(answer(RerankTexts, seen, "rerank").documents)
    return len(answer(ScoreAnswer, seen, "score").scores) == count


@check("META-017", on="rerank.score", when=_is_scored)
def score_agrees_with_rerank(seen: Observation) -> Iterator[Note]:
    """The score API gives each pair the score that rerank gives its document."""
    view = answer(RerankTexts, seen, "rerank")
    pairs = zip(view.documents, answer(ScoreAnswer, seen, "score").scores, strict=True)
    found = score_difference(scores_by_text(view), pairs, at="/data/{}/score")
    if found:
        yield Finding(
            expected=f"{found.expected}, as in step rerank",
            actual=found.actual,
            pointer=found.pointer,
            step="score",
        )


def _vectors(seen: Observation) -> list[Vector]:
    """The vectors of step `vectors`, one for each text; [] if there are not as many."""
    if not answered(EmbeddingAnswer, "vectors")(seen):
        return []
    view = answer(EmbeddingAnswer, seen, "vectors")
    is_readable = all(isinstance(embedding, list) for embedding in view.embeddings)
    is_complete = len(view.embeddings) == len(view.sent["input"])
    return floats(view.embeddings) if is_readable and is_complete else []


def _is_ranked_by_vectors(seen: Observation) -> bool:
    return answered(RerankTexts, "rerank")(seen) and bool(_vectors(seen))


@check("RERANK-SEM-007", on="rerank.cosine", when=_is_ranked_by_vectors)
def relevance_is_a_cosine(seen: Observation) -> Iterator[Note]:
    """With an embedding model relevance is a cosine, or one moved to 0…1 (A-049)."""
    view = answer(RerankTexts, seen, "rerank")
    query, *vectors = _vectors(seen)
    cosines = [cosine(query, vector) for vector in vectors]
    known = scores_by_text(view)
    for reading, values in _readings(cosines):
        pairs = zip(view.documents, values, strict=True)
        if not score_difference(known, pairs, tolerance=COSINE_SCORE):
            yield FollowedReading(reading)
            return
    yield Finding(
        expected=f"cosines {cosines}, or moved to 0…1",
        actual=ranked(view),
        pointer="/results",
        step="rerank",
    )


def _is_scored_by_vectors(seen: Observation) -> bool:
    if not answered(ScoreAnswer, "pairs")(seen):
        return False
    count = len(answer(ScoreAnswer, seen, "pairs").scores)
    return 0 < 2 * count == len(_vectors(seen))


@check("SCORE-SEM-006", "META-025", on="score.cosine", when=_is_scored_by_vectors)
def a_score_is_a_cosine(seen: Observation) -> Iterator[Note]:
    """With an embedding model scores are cosines, or cosines moved to 0…1 (A-049)."""
    vectors = _vectors(seen)
    pairs = zip(vectors[::2], vectors[1::2], strict=True)
    cosines = [cosine(one, other) for one, other in pairs]
    scores = answer(ScoreAnswer, seen, "pairs").scores
    for reading, values in _readings(cosines):
        if all(
            abs(score - value) <= COSINE_SCORE
            for score, value in zip(scores, values, strict=True)
        ):
            yield FollowedReading(reading)
            return
    yield Finding(
        expected=f"cosines {cosines}, or moved to 0…1",
        actual=scores,
        pointer="/data",
        step="pairs",
    )


def _readings(cosines: Sequence[float]) -> Iterator[tuple[str, Sequence[float]]]:
    yield "cosine", cosines
    yield "rescaled", [(1 + value) / 2 for value in cosines]


@check("META-026", on="score.cosine", when=answered(ScoreAnswer, "itself"))
def a_text_is_like_itself(seen: Observation) -> Iterator[Note]:
    """With an embedding model a text scores about 1 against itself."""
    for i, score in enumerate(answer(ScoreAnswer, seen, "itself").scores):
        if not abs(score - 1) <= 1 - COSINE_SAME:
            yield Finding(
                expected=f"1 ± {1 - COSINE_SAME:.3f}",
                actual=score,
                pointer=f"/data/{i}/score",
                step="itself",
            )
