"""What score answers promise beside each other."""

from collections.abc import Iterator, Sequence

from aios_conformance.conformance.checks.counted import Counted
from aios_conformance.conformance.checks.observed import answer, answered, other_shape
from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.tolerances import SCORE_NEAR, between_calls
from aios_conformance.conformance.terms.views import ScoreAnswer, is_number

_BATCHES = ("together", "rotated", "pair")


def _score(seen: Observation, label: str) -> ScoreAnswer:
    return answer(ScoreAnswer, seen, label)


def _are_complete(seen: Observation, *labels: str) -> bool:
    """All these steps are answered with a score for each pair."""
    return answered(ScoreAnswer, *labels)(seen) and all(
        len(_score(seen, label).scores) == _count(_score(seen, label))
        for label in labels
    )


def _count(view: ScoreAnswer) -> int:
    """How many pairs a request holds."""
    given = (view.sent["text_1"], view.sent["text_2"])
    return max(len(texts) if isinstance(texts, list) else 1 for texts in given)


def _inputs(view: ScoreAnswer) -> int:
    """A cross-encoder reads pairs, an embedding model each text apart (A-046)."""
    return len(view.sent["text_2"]) * (2 if view.kind("score") == "embedding" else 1)


_PROMPT = Counted(ScoreAnswer, "prompt_tokens", _inputs)


def _same_scores(
    seen: Observation,
    label: str,
    wanted: Sequence[float],
    source: str,
    *,
    first: int = 0,
) -> Iterator[Note]:
    for i, (score, expected) in enumerate(
        zip(_score(seen, label).scores[first:], wanted, strict=True), first
    ):
        bound = between_calls(score, expected)
        if not abs(score - expected) <= bound:
            yield Finding(
                expected=f"{expected} ± {bound}, as in {source}",
                actual=score,
                pointer=f"/data/{i}/score",
                step=label,
            )


def _singles(seen: Observation) -> list[str]:
    return [label for label in seen.steps if label.startswith("single_")]


def _has_singles(seen: Observation) -> bool:
    singles = _singles(seen)
    return len(singles) >= 2 and _are_complete(seen, *_BATCHES, *singles)


def _pairs(seen: Observation, label: str) -> list[tuple[str, str]]:
    sent = _score(seen, label).sent
    one, two = (
        t if isinstance(t, list) else [t] for t in (sent["text_1"], sent["text_2"])
    )
    return list(zip(one, two, strict=True))


def _known(
    seen: Observation,
    label: str,
    sources: Sequence[str],
    *,
    near_is_soft: bool = False,
) -> Iterator[Note]:
    """The pairs of a step have the scores that they have in other steps."""
    known = {
        pair: (score, source)
        for source in sources
        for pair, score in zip(
            _pairs(seen, source), _score(seen, source).scores, strict=True
        )
    }
    for i, (pair, score) in enumerate(
        zip(_pairs(seen, label), _score(seen, label).scores, strict=True)
    ):
        expected, source = known.get(pair, (score, ""))
        difference = abs(score - expected)
        bound = between_calls(score, expected)
        if not difference <= bound:
            yield Finding(
                expected=f"{expected} ± {bound}, as in step {source}",
                actual=score,
                pointer=f"/data/{i}/score",
                step=label,
                soft=near_is_soft and difference <= SCORE_NEAR,
            )


def _as_alone(seen: Observation, *, near_is_soft: bool = False) -> Iterator[Note]:
    blank = ("blank",) if _are_complete(seen, "blank") else ()
    for label in (*_BATCHES, *blank):
        yield from _known(seen, label, _singles(seen), near_is_soft=near_is_soft)


@check("META-019", on="score.batch", when=_has_singles)
def each_pair_scores_as_if_alone(seen: Observation) -> Iterator[Note]:
    """Item i of a batch has the score of pair i sent by itself."""
    yield from _as_alone(seen)


@check("SCORE-SEM-002", on="score.batch", when=_has_singles)
def pairs_are_made_by_position(seen: Observation) -> Iterator[Note]:
    """Item i of a batch has the score of pair i sent by itself (soft if near it)."""
    yield from _as_alone(seen, near_is_soft=True)


def _reads_pairs(seen: Observation) -> bool:
    return (
        _has_singles(seen) and _score(seen, "together").kind("score") == "cross_encoder"
    )


@check("SCORE-SEM-005", on="score.batch", when=_reads_pairs)
def a_cross_encoder_predicts_from_the_pair(seen: Observation) -> Iterator[Note]:
    """With a cross-encoder a pair keeps its score without the others."""
    yield from _as_alone(seen)


@check(
    "META-020",
    on="score.batch",
    when=lambda seen: _are_complete(seen, "together", "rotated"),
)
def permuting_pairs_permutes_scores(seen: Observation) -> Iterator[Note]:
    """The pairs in another order have their scores in that order."""
    yield from _known(seen, "rotated", ["together"])


@check(
    "META-030",
    on="score.batch",
    when=lambda seen: (
        len(_singles(seen)) >= 2 and _PROMPT.has(seen, "pair", *_singles(seen))
    ),
)
def prompt_tokens_of_pairs_add_up(seen: Observation) -> Iterator[Note]:
    """prompt_tokens of a batch is the sum over its pairs sent singly."""
    parts = [_PROMPT.of(seen, label) for label in _singles(seen)]
    if _PROMPT.of(seen, "pair") != sum(parts):
        yield Finding(
            expected=f"{sum(parts)}, the sum of {parts}",
            actual=_PROMPT.of(seen, "pair"),
            pointer="/usage/prompt_tokens",
            step="pair",
        )


@check(
    "META-021",
    "SCORE-SEM-003",
    on="score.one_to_many",
    when=lambda seen: _are_complete(seen, "string", "repeated"),
)
def a_string_stands_for_its_repetition(seen: Observation) -> Iterator[Note]:
    """A string against an array scores as that string repeated."""
    wanted = _score(seen, "repeated").scores
    scores = _score(seen, "string").scores
    first = len(scores) - len(wanted)  # more texts stand before the same ones
    yield from _same_scores(seen, "string", wanted, "step repeated", first=first)


@check(
    "META-022",
    on="score.forms",
    when=lambda seen: _are_complete(seen, "strings", "array_1", "array_2", "arrays"),
)
def a_string_is_an_array_of_one(seen: Observation) -> Iterator[Note]:
    """Either text scores alike as a string and as an array of one."""
    wanted = _score(seen, "strings").scores
    for label in ("array_1", "array_2", "arrays"):
        yield from _same_scores(seen, label, wanted, "step strings")


def _with_answer(seen: Observation) -> list[str]:
    """The steps whose last pair is a question with its answer.

    A limit leaves both whole, if it is not the tight one.
    """
    labels = ("string", "repeated", "unlimited", "wide")
    return [each for each in labels if _are_complete(seen, each)]


def _has_answer(seen: Observation) -> bool:
    return bool(_with_answer(seen))


@check("META-027", on=("score.one_to_many", "score.truncation"), when=_has_answer)
def the_answer_scores_above_other_topics(seen: Observation) -> Iterator[Note]:
    """A question scores highest with its answer, whole or cut (real models)."""
    for label in _with_answer(seen):
        *others, answering = _score(seen, label).scores
        if not answering > max(others, default=-1.0):
            yield Finding(
                expected=f"above {max(others)}",
                actual=answering,
                pointer=f"/data/{len(others)}/score",
                step=label,
            )


def _are_paths_answered(seen: Observation) -> bool:
    return answered(ScoreAnswer, "v1")(seen) and seen.accepted("root")


@check("SCORE-SEM-007", "META-032", on="score.paths.", when=_are_paths_answered)
def score_paths_agree(seen: Observation) -> Iterator[Note]:
    """Both paths give the same scores with the same members."""
    if not answered(ScoreAnswer, "root")(seen):
        yield other_shape(seen, "root", "v1")
        return
    one, other = _score(seen, "v1"), _score(seen, "root")
    if len(one.scores) != len(other.scores):
        yield Finding(
            expected=f"{len(one.scores)} items, as in step v1",
            actual=len(other.scores),
            pointer="/data",
            step="root",
        )
    else:
        yield from _same_scores(seen, "root", one.scores, "step v1")
    if _members(one) != _members(other):
        yield Finding(
            expected=f"members {sorted(_members(one))}, as in step v1",
            actual=sorted(_members(other)),
            step="root",
        )


def _members(view: ScoreAnswer) -> set[str]:
    """JSON pointers of the members of an answer, of any item and of usage."""
    found = {f"/{name}" for name in view.body}
    found |= {f"/usage/{name}" for name in view.usage}
    return found | {f"/data/*/{name}" for item in view.body["data"] for name in item}


@check(
    "SCORE-REQ-015",
    "META-033",
    on="score.encoding",
    when=lambda seen: _are_complete(seen, "omitted", "float"),
)
def scores_are_floats_by_default(seen: Observation) -> Iterator[Note]:
    """Without encoding_format the scores are those of float."""
    wanted = _score(seen, "float").scores
    yield from _same_scores(seen, "omitted", wanted, "step float")


def _is_readable_but_for_int(seen: Observation) -> bool:
    return seen.accepted("int") and answered(ScoreAnswer, "float")(seen)


@check("SCORE-REQ-017", on="score.encoding", when=_is_readable_but_for_int)
def int_gives_numbers_too(seen: Observation) -> Iterator[Note]:
    """With encoding_format int each score is a JSON number (A-055)."""
    response = seen["int"].response
    match response.json if response else None:
        case {"data": list(items)} if items and all(
            isinstance(item, dict) and is_number(item.get("score")) for item in items
        ):
            return
    yield Finding(
        expected="a number as each score",
        actual=response.body[:200].decode(errors="replace") if response else "",
        pointer="/data",
        step="int",
    )


@check(
    "SCORE-SEM-008",
    "META-031",
    on="score.truncation",
    when=_PROMPT.is_narrowed,
)
def a_tighter_limit_never_counts_more_for_score(seen: Observation) -> Iterator[Note]:
    """prompt_tokens does not grow as truncate_prompt_tokens shrinks."""
    yield from _PROMPT.narrowing(seen)


@check(
    "SCORE-SEM-008",
    "META-031",
    on="score.truncation",
    when=_PROMPT.is_bounding,
)
def a_limit_bounds_what_score_counts(seen: Observation) -> Iterator[Note]:
    """prompt_tokens is at most the limit times the number of model inputs."""
    yield from _PROMPT.bounded(seen)


@check(
    "META-031",
    on="score.truncation",
    when=lambda seen: (
        _are_complete(seen, "unlimited", "roomy")
        and _PROMPT.has(seen, "unlimited", "roomy")
    ),
)
def a_roomy_limit_changes_no_score(seen: Observation) -> Iterator[Note]:
    """A limit above the length of every pair gives the answer without a limit."""
    wanted = _score(seen, "unlimited").scores
    yield from _same_scores(seen, "roomy", wanted, "step unlimited")
    yield from _PROMPT.same(seen, "unlimited", "roomy")


@check(
    "META-024",
    on="score.cosine",
    when=lambda seen: _are_complete(seen, "pairs", "swapped"),
)
def cosine_scores_are_symmetric(seen: Observation) -> Iterator[Note]:
    """With an embedding model the order within a pair does not matter."""
    wanted = _score(seen, "pairs").scores
    yield from _same_scores(seen, "swapped", wanted, "step pairs")
