"""Rankings compared: the same texts with the same scores, up to ties."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from aios_conformance.conformance.terms.tolerances import between_calls, is_coarse
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
    scores = {text: _Scores.of(every) for text, every in by_text(wanted).items()}
    for i, ((text, score), (actual_text, actual)) in enumerate(
        zip(wanted, given, strict=True)
    ):
        at = f"/results/{i}"
        if not abs(actual - score) <= between_calls(actual, score):
            expected = f"{score} ± {between_calls(actual, score)}"
            return Misranking(expected, actual, f"{at}/relevance_score")
        last = wanted[-1][1]
        cut_off = abs(last - actual) <= between_calls(last, actual)
        known = scores.get(actual_text)
        if not (cut_off or (known and known.has(actual))):
            return Misranking(text, actual_text, f"{at}/document/text")
    return None


def scores_by_text(answer: RerankTexts) -> dict[str, list[float]]:
    """All scores of each text; equal documents are several."""
    return by_text(ranked(answer))


def by_text(found: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    """All scores of each text."""
    scores: dict[str, list[float]] = {}
    for text, score in found:
        scores.setdefault(text, []).append(score)
    return scores


@dataclass(frozen=True, slots=True)
class _Scores:
    """The scores of one text in order: of many, few are near to another score."""

    fine: Sequence[float]
    coarse: Sequence[float]  # numbers of bfloat16, each once

    @classmethod
    def of(cls, scores: Iterable[float]) -> Self:
        """Put scores in order."""
        every = {*scores}
        coarse = {score for score in every if is_coarse(score)}
        return cls(sorted(every - coarse), sorted(coarse))

    def has(self, score: float) -> bool:
        """One of them is the same as a score from another call."""
        near = (*_near(self.fine, score, 1), *_near(self.coarse, score, _STEPS))
        return any(abs(s - score) <= between_calls(s, score) for s in near)

    def distance(self, score: float) -> float:
        """How far a score is from the nearest of them."""
        near = (*_near(self.fine, score, 1), *_near(self.coarse, score, 1))
        return min(abs(s - score) for s in near)

    def bound(self, score: float) -> float:
        """`between_calls` of a score and all of them: the ends tell the largest."""
        ends = (each for each in (self.fine, self.coarse) if each)
        return between_calls(score, *(s for each in ends for s in (each[0], each[-1])))


_STEPS = 8
"""So many numbers of bfloat16 on either side are near enough to be the same."""


def _near(ordered: Sequence[float], score: float, count: int) -> Sequence[float]:
    """The scores next to another one, at most so many on either side."""
    place = bisect_left(ordered, score)
    return ordered[max(place - count, 0) : place + count]


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
    ordered = {text: _Scores.of(scores) for text, scores in known.items() if scores}
    for i, (text, score) in enumerate(given):
        wanted = ordered.get(text)
        if wanted is None:
            continue
        bound = wanted.bound(score) if tolerance is None else tolerance
        if not wanted.distance(score) <= bound:
            expected = f"{known[text][0]} ± {bound} for {text!r}"
            return Misranking(expected, score, at.format(i))
    return None
