"""Rankings compared: the same texts with the same scores, up to ties."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aios_conformance.conformance.terms.tolerances import between_calls
from aios_conformance.conformance.terms.views import RerankTexts


@dataclass(frozen=True, slots=True)
class Misranking:
    """Where an answer first departs from what another answer made one expect."""

    expected: str
    actual: object
    pointer: str


def ranked(answer: RerankTexts) -> list[tuple[str, float]]:
    """Texts with their scores, in the order of the answer."""
    return list(zip(answer.texts, answer.scores, strict=True))


def difference(
    wanted: Sequence[tuple[str, float]], given: Sequence[tuple[str, float]]
) -> Misranking | None:
    """The first place at which two rankings disagree; None if nowhere.

    Scores agree as between two calls. Among scores that close the order is free
    (A-054), and so is what a limit cuts off within the last such group.
    """
    if len(wanted) != len(given):
        return Misranking(f"{len(wanted)} results", len(given), "/results")
    for i, ((text, score), (actual_text, actual)) in enumerate(
        zip(wanted, given, strict=True)
    ):
        at = f"/results/{i}"
        if not abs(actual - score) <= between_calls(actual, score):
            expected = f"{score} ± {between_calls(actual, score)}"
            return Misranking(expected, actual, f"{at}/relevance_score")
        tied = {t for t, s in wanted if abs(s - actual) <= between_calls(s, actual)}
        last = wanted[-1][1]
        cut_off = abs(last - actual) <= between_calls(last, actual)
        if actual_text not in tied and not cut_off:
            return Misranking(text, actual_text, f"{at}/document/text")
    return None


def scores_by_text(answer: RerankTexts) -> dict[str, list[float]]:
    """All scores of each text; equal documents are several."""
    scores: dict[str, list[float]] = {}
    for text, score in ranked(answer):
        scores.setdefault(text, []).append(score)
    return scores


def score_difference(
    known: Mapping[str, Sequence[float]],
    given: Iterable[tuple[str, float]],
    *,
    tolerance: float | None = None,
    at: str = "/results/{}/relevance_score",
) -> Misranking | None:
    """The first text whose given score is none of its known ones.

    Texts of which no score is known are passed over. `at` is the JSON pointer of
    the i-th given score.
    """
    distinct = {text: tuple(dict.fromkeys(scores)) for text, scores in known.items()}
    for i, (text, score) in enumerate(given):
        wanted = distinct.get(text, ())
        bound = between_calls(score, *wanted) if tolerance is None else tolerance
        if wanted and not min(abs(score - w) for w in wanted) <= bound:
            expected = f"{wanted[0]} ± {bound} for {text!r}"
            return Misranking(expected, score, at.format(i))
    return None
