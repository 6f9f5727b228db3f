"""What rerank answers promise beside each other."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from aios_conformance.conformance.checks.counted import Counted
from aios_conformance.conformance.checks.observed import answer, answered, other_shape
from aios_conformance.conformance.checks.ranking import (
    difference,
    ranked,
    score_difference,
    scores_by_text,
)
from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.tolerances import between_calls
from aios_conformance.conformance.terms.views import RerankAnswer, RerankTexts

_TOPS = ("top_1", "top_2", "top_5")


def _scored(seen: Observation, label: str) -> RerankAnswer:
    return answer(RerankAnswer, seen, label)


def _rerank(seen: Observation, label: str) -> RerankTexts:
    return answer(RerankTexts, seen, label)


def _inputs(view: RerankAnswer) -> int:
    """A cross-encoder reads pairs, an embedding model each text apart (A-046)."""
    return len(view.documents) * (2 if view.kind("rerank") == "embedding" else 1)


_TOTAL = Counted(RerankAnswer, "total_tokens", _inputs)


def _same_ranking(
    seen: Observation, one: str, other: str, *, soft: bool = False
) -> Iterator[Note]:
    yield from _differing(ranked(_rerank(seen, one)), seen, other, one, soft=soft)


def _differing(
    wanted: Sequence[tuple[str, float]],
    seen: Observation,
    label: str,
    source: str,
    *,
    soft: bool = False,
) -> Iterator[Note]:
    found = difference(wanted, ranked(_rerank(seen, label)))
    if found:
        yield Finding(
            expected=f"{found.expected}, as in step {source}",
            actual=found.actual,
            pointer=found.pointer,
            soft=soft,
            step=label,
        )


def _is_cut_from_all(seen: Observation) -> bool:
    if not answered(RerankAnswer, "zero", *_TOPS)(seen):
        return False
    view = _scored(seen, "zero")
    return len(view.results) == len(view.documents)


@check("RERANK-SEM-004", on="rerank.top_n", when=_is_cut_from_all)
def top_n_keeps_the_best(seen: Observation) -> Iterator[Note]:
    """The scores under top_n k are the k highest of all."""
    highest = sorted(_scored(seen, "zero").scores, reverse=True)
    for label in _TOPS:
        kept = sorted(_scored(seen, label).scores, reverse=True)
        for wanted, score in zip(highest, kept, strict=False):
            if not abs(score - wanted) <= between_calls(score, wanted):
                yield Finding(
                    expected=f"a score of {wanted} among the best {len(kept)}",
                    actual=kept,
                    pointer="/results",
                    step=label,
                )
                break


def _is_ordered(seen: Observation, label: str) -> bool:
    """Scores do not rise; where they do, RERANK-SEM-006 is broken, and just that."""
    scores = _rerank(seen, label).scores
    return scores == sorted(scores, reverse=True)


@check(
    "META-002",
    on="rerank.top_n",
    when=lambda seen: (
        _is_cut_from_all(seen)
        and answered(RerankTexts, "zero", *_TOPS)(seen)
        and _is_ordered(seen, "zero")
    ),
)
def top_n_is_a_prefix(seen: Observation) -> Iterator[Note]:
    """The results under top_n k are the first k of those under top_n 0."""
    everything = ranked(_rerank(seen, "zero"))
    for label in (label for label in _TOPS if _is_ordered(seen, label)):
        top = int(_rerank(seen, label).sent["top_n"])
        yield from _differing(everything[:top], seen, label, "zero")


@check(
    "RERANK-REQ-012",
    "META-003",
    on="rerank.top_n",
    when=answered(RerankTexts, "zero", "omitted"),
)
def omitting_top_n_means_0(seen: Observation) -> Iterator[Note]:
    """Without top_n the answer is that of top_n 0."""
    yield from _same_ranking(seen, "zero", "omitted")


@check(
    "META-003",
    on="rerank.top_n",
    when=answered(RerankTexts, "zero", "count"),
)
def asking_for_every_document_means_0(seen: Observation) -> Iterator[Note]:
    """top_n N gives the answer of top_n 0 (soft)."""
    yield from _same_ranking(seen, "zero", "count", soft=True)


@check(
    "RERANK-SEM-010",
    "META-012",
    on="rerank.top_n",
    when=lambda seen: len(_counted(seen)) >= 2,
)
def total_tokens_ignore_top_n(seen: Observation) -> Iterator[Note]:
    """total_tokens is the same for every top_n."""
    first, *others = _counted(seen)
    for label in others:
        yield from _TOTAL.same(seen, first, label)


def _counted(seen: Observation) -> list[str]:
    """The steps that count tokens, but for the one with a query of its own."""
    labels = (label for label in seen.steps if label != "beyond")
    return [label for label in labels if _TOTAL.has(seen, label)]


def _are_paths_answered(seen: Observation) -> bool:
    return answered(RerankTexts, "v1")(seen) and seen.accepted("root", "v2")


@check("RERANK-SEM-001", "META-011", on="rerank.paths.", when=_are_paths_answered)
def rerank_paths_agree(seen: Observation) -> Iterator[Note]:
    """The three paths give the same ranking with the same members."""
    wanted = _members(_rerank(seen, "v1"))
    for label in ("root", "v2"):
        if not answered(RerankTexts, label)(seen):
            yield other_shape(seen, label, "v1")
            continue
        yield from _same_ranking(seen, "v1", label)
        given = _members(_rerank(seen, label))
        if wanted != given:
            yield Finding(
                expected=f"members {sorted(wanted)}, as in step v1",
                actual=sorted(given),
                step=label,
            )


def _members(view: RerankTexts) -> set[str]:
    """JSON pointers of the members of an answer, of any result and of usage."""
    found = {f"/{name}" for name in view.body}
    found |= {f"/usage/{name}" for name in view.usage}
    return found | {f"/results/*/{name}" for result in view.results for name in result}


@check(
    "META-008",
    on="rerank.documents",
    when=answered(RerankTexts, "base", "shuffled"),
)
def order_of_documents_does_not_matter(seen: Observation) -> Iterator[Note]:
    """The same documents in another order keep their scores."""
    yield from _same_scores(seen, "shuffled")


_has_others = answered(RerankTexts, "base", "wide", "alone")


def _reads_pairs(seen: Observation) -> bool:
    return _has_others(seen) and _rerank(seen, "base").kind("rerank") == "cross_encoder"


def _among_others(seen: Observation) -> Iterator[Note]:
    blank = ("blank",) if answered(RerankTexts, "blank")(seen) else ()
    for label in ("wide", "alone", *blank):
        yield from _same_scores(seen, label)


@check("META-009", on="rerank.documents", when=_has_others)
def other_documents_do_not_matter(seen: Observation) -> Iterator[Note]:
    """A document keeps its score alone, among many others and among blank ones."""
    yield from _among_others(seen)


@check("RERANK-SEM-008", on="rerank.documents", when=_reads_pairs)
def a_cross_encoder_scores_each_pair_by_itself(seen: Observation) -> Iterator[Note]:
    """With a cross-encoder a document keeps its score whatever the others are."""
    yield from _among_others(seen)


def _same_scores(seen: Observation, label: str) -> Iterator[Note]:
    base = scores_by_text(_rerank(seen, "base"))
    found = score_difference(base, ranked(_rerank(seen, label)))
    if found:
        yield Finding(
            expected=f"{found.expected}, as in step base",
            actual=found.actual,
            pointer=found.pointer,
            step=label,
        )


@check(
    "META-013",
    on="rerank.documents",
    when=lambda seen: _TOTAL.has(seen, "alone", "base", "wide"),
)
def total_tokens_grow_with_documents(seen: Observation) -> Iterator[Note]:
    """More documents take more tokens."""
    for one, other in pairwise(("alone", "base", "wide")):
        fewer, more = _TOTAL.of(seen, one), _TOTAL.of(seen, other)
        if not more > fewer:
            yield Finding(
                expected=f"more than the {fewer} of step {one}, with fewer documents",
                actual=more,
                pointer="/usage/total_tokens",
                step=other,
            )


@check(
    "RERANK-SEM-009",
    "META-014",
    on="rerank.truncation",
    when=_TOTAL.is_narrowed,
)
def a_tighter_limit_never_counts_more_for_rerank(seen: Observation) -> Iterator[Note]:
    """total_tokens does not grow as truncate_prompt_tokens shrinks."""
    yield from _TOTAL.narrowing(seen)


@check(
    "RERANK-SEM-009",
    "META-014",
    on="rerank.truncation",
    when=_TOTAL.is_bounding,
)
def a_limit_bounds_what_rerank_counts(seen: Observation) -> Iterator[Note]:
    """total_tokens is at most the limit times the number of model inputs."""
    yield from _TOTAL.bounded(seen)


@check(
    "META-015",
    on="rerank.truncation",
    when=answered(RerankTexts, "unlimited", "roomy"),
)
def a_roomy_limit_changes_no_ranking(seen: Observation) -> Iterator[Note]:
    """A limit above the length of every input gives the answer without a limit."""
    yield from _same_ranking(seen, "unlimited", "roomy")
    yield from _TOTAL.same(seen, "unlimited", "roomy")


def _with_answer(seen: Observation) -> list[str]:
    """The steps whose last document answers the query, and has a score beside others.

    A limit leaves the query and the answer whole, if it is not the tight one.
    """
    return [
        label
        for label in ("unlimited", "zero", "base", "wide")
        if label in seen.steps
        and answered(RerankTexts, label)(seen)
        and _rerank(seen, label).documents[-1] in _rerank(seen, label).texts
        and len(set(_rerank(seen, label).texts)) > 1
    ]


def _has_answer(seen: Observation) -> bool:
    return bool(_with_answer(seen))


@check(
    "META-016",
    on=("rerank.documents", "rerank.truncation", "rerank.top_n"),
    when=_has_answer,
)
def the_answer_outranks_other_topics(seen: Observation) -> Iterator[Note]:
    """The document that answers the query scores above the others (real models).

    So it does among many documents, and when all of them are cut to a limit.
    """
    for label in _with_answer(seen):
        view = _rerank(seen, label)
        known = scores_by_text(view)
        best = max(known.pop(view.documents[-1]))
        rest = max(score for scores in known.values() for score in scores)
        if not best > rest:
            yield Finding(
                expected=f"above {rest} for {view.documents[-1]!r}",
                actual=best,
                pointer="/results",
                step=label,
            )
