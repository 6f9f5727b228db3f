"""What each score answer promises by itself."""

from collections.abc import Iterator

from aios_conformance.conformance.checks.observed import answer as step_answer
from aios_conformance.conformance.checks.observed import (
    answered,
    are_promised,
    is_embedding,
    overlong_notes,
    was_read,
)
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    check,
)
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.tolerances import WITHIN_ANSWER
from aios_conformance.conformance.terms.views import ScoreAnswer, is_whole


def _is_valid(answer: ScoreAnswer) -> bool:
    """The request is one that the documents allow."""
    given = (answer.sent.get("text_1"), answer.sent.get("text_2"))
    return all(
        are_promised(answer, one if isinstance(one, list) else [one]) for one in given
    )


def _has_scores(answer: ScoreAnswer) -> bool:
    return _is_valid(answer) and len(answer.scores) >= 1


def _count(text: Json) -> int | None:
    """How many texts an array holds; None for a string."""
    return len(text) if isinstance(text, list) else None


def _counts(answer: ScoreAnswer) -> tuple[int | None, int | None]:
    return _count(answer.sent["text_1"]), _count(answer.sent["text_2"])


def _are_strings(answer: ScoreAnswer) -> bool:
    return _is_valid(answer) and _counts(answer) == (None, None)


def _are_equal_arrays(answer: ScoreAnswer) -> bool:
    if not _is_valid(answer):
        return False
    one, two = _counts(answer)
    return one is not None and one == two and one >= 1


def _is_one_to_many(answer: ScoreAnswer) -> bool:
    if not _is_valid(answer):
        return False
    one, two = _counts(answer)
    return one is None and two is not None and two >= 2


def _wrong_count(answer: ScoreAnswer, wanted: int) -> Iterator[Note]:
    if len(answer.scores) != wanted:
        yield Finding(
            expected=f"{wanted} items", actual=len(answer.scores), pointer="/data"
        )


@check("SCORE-SEM-001", when=_are_strings)
def two_strings_give_one_score(answer: ScoreAnswer) -> Iterator[Note]:
    """Two strings are answered with exactly one score."""
    yield from _wrong_count(answer, 1)


@check("SCORE-SEM-002", "META-018", when=_are_equal_arrays)
def equal_arrays_give_a_score_per_pair(answer: ScoreAnswer) -> Iterator[Note]:
    """Two arrays of N texts are answered with N scores."""
    yield from _wrong_count(answer, len(answer.sent["text_1"]))


@check("SCORE-SEM-003", when=_is_one_to_many)
def one_to_many_gives_a_score_per_text(answer: ScoreAnswer) -> Iterator[Note]:
    """A string against an array of N is answered with N scores."""
    yield from _wrong_count(answer, len(answer.sent["text_2"]))


@check("SCORE-RES-006", "META-018", when=_has_scores)
def score_items_are_numbered(answer: ScoreAnswer) -> Iterator[Note]:
    """data[i].index is i."""
    for i, item in enumerate(answer.body["data"]):
        index = item.get("index")
        if is_whole(index) and index != i:  # anything else is the schema's matter
            yield Finding(expected=str(i), actual=index, pointer=f"/data/{i}/index")


@check("SCORE-RES-009", "META-023", when=_has_scores)
def scores_lie_between_0_and_1(answer: ScoreAnswer) -> Iterator[Note]:
    """Scores lie in [0, 1], ends included (soft for embedding models, A-049)."""
    for i, score in enumerate(answer.scores):
        if not -WITHIN_ANSWER <= score <= 1 + WITHIN_ANSWER:
            yield Finding(
                expected="between 0 and 1",
                actual=score,
                pointer=f"/data/{i}/score",
                soft=is_embedding(answer, "score"),
            )


def _counts_tokens(answer: ScoreAnswer) -> bool:
    is_read = _has_scores(answer) and answer.exchange.expect == "accept"
    return is_read and is_whole(answer.usage.get("prompt_tokens"))


@check("SCORE-RES-011", when=_counts_tokens)
def scoring_reads_something(answer: ScoreAnswer) -> Iterator[Note]:
    """usage.prompt_tokens is above 0: no pair is blank."""
    count = answer.usage["prompt_tokens"]
    if not count > 0:
        yield Finding(expected="above 0", actual=count, pointer="/usage/prompt_tokens")


@check(
    "SCORE-RES-014",
    "META-029",
    when=lambda a: _has_scores(a) and is_whole(a.usage.get("completion_tokens")),
)
def scoring_generates_nothing(answer: ScoreAnswer) -> Iterator[Note]:
    """usage.completion_tokens is 0."""
    count = answer.usage["completion_tokens"]
    if count != 0:
        yield Finding(expected="0", actual=count, pointer="/usage/completion_tokens")


@check("SCORE-RES-015", when=lambda a: "prompt_tokens_details" in a.usage)
def prompt_tokens_details_is_null(answer: ScoreAnswer) -> Iterator[Note]:
    """usage.prompt_tokens_details is null; an object is tolerated (soft, A-063)."""
    details = answer.usage["prompt_tokens_details"]
    if isinstance(details, dict):  # anything else is the schema's matter
        yield FollowedReading("object")
        yield Finding(
            expected="null",
            actual=details,
            pointer="/usage/prompt_tokens_details",
            soft=True,
        )
    else:
        yield FollowedReading("null")


@check("SCORE-REQ-012", on="score.empty")
def an_empty_text_may_be_refused(seen: Observation) -> Iterator[Note]:
    """What an empty text is answered with (A-056)."""
    exchange = seen["variant"]
    if "" in (seen.params["change"].get("text_1"), seen.params["change"].get("text_2")):
        if exchange.is_success:
            yield FollowedReading("accepted")
        elif 400 <= exchange.status < 500:
            yield FollowedReading("refused")


@check("SCORE-REQ-013", on="score.too_long", when=was_read)
def an_overlong_text_is_no_crash(seen: Observation) -> Iterator[Note]:
    """A text beyond the model's input is refused or read in part (A-045)."""
    exchange = seen["overlong"]
    yield from overlong_notes(exchange, exchange.request.json["text_2"])


@check("SCORE-EX-003", on="score.printed", when=answered(ScoreAnswer, "printed"))
def the_example_has_items_0_and_1(seen: Observation) -> Iterator[Note]:
    """The printed request, of two pairs, has items 0 and 1."""
    view = step_answer(ScoreAnswer, seen, "printed")
    indices = [item.get("index") for item in view.body["data"]]
    if indices != [0, 1]:
        yield Finding(expected="indices [0, 1]", actual=indices, pointer="/data")
