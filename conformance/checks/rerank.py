"""What each rerank answer promises by itself."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from uuid import UUID

from aios_conformance.conformance.checks.observed import answer as step_answer
from aios_conformance.conformance.checks.observed import (
    answered,
    are_promised,
    is_embedding,
    overlong_notes,
    was_read,
)
from aios_conformance.conformance.checks.ranking import scores_by_text
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    check,
)
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.tolerances import WITHIN_ANSWER, between_calls
from aios_conformance.conformance.terms.views import (
    Record,
    RerankAnswer,
    RerankTexts,
    is_whole,
)


def _is_valid(answer: RerankAnswer) -> bool:
    """The request is one that the documents allow."""
    given = answer.sent.get("documents")
    return isinstance(given, list) and are_promised(answer, given)


def _has_results(answer: RerankAnswer) -> bool:
    return _is_valid(answer) and len(answer.results) >= 1


def _has_two_results(answer: RerankAnswer) -> bool:
    return _is_valid(answer) and len(answer.results) >= 2


def _top_n(answer: RerankAnswer) -> int | None:
    """The limit that the request states; None without one."""
    stated: Json = answer.sent.get("top_n")
    return int(stated) if is_whole(stated) else None


def _asks_for_all(answer: RerankAnswer) -> bool:
    """The limit is 0, or that by default (000:57)."""
    return _is_valid(answer) and answer.sent.get("top_n", 0) == 0


def _asks_for_some(answer: RerankAnswer) -> bool:
    top_n = _top_n(answer)
    return (
        _is_valid(answer) and top_n is not None and 1 <= top_n <= len(answer.documents)
    )


def _asks_for_too_many(answer: RerankAnswer) -> bool:
    top_n = _top_n(answer)
    return _is_valid(answer) and top_n is not None and top_n > len(answer.documents)


@check("RERANK-SEM-006", "META-001", when=_has_two_results)
def scores_never_rise(answer: RerankAnswer) -> Iterator[Note]:
    """Results are ordered from most to least relevant."""
    for i, (before, after) in enumerate(pairwise(answer.scores), 1):
        if after > before + WITHIN_ANSWER:
            yield Finding(
                expected=f"at most {before}",
                actual=after,
                pointer=f"/results/{i}/relevance_score",
            )


@check("RERANK-RES-018", "META-004", when=_has_results)
def relevance_lies_between_0_and_1(answer: RerankAnswer) -> Iterator[Note]:
    """Relevance scores lie in [0, 1] (soft for embedding models, A-049)."""
    for i, score in enumerate(answer.scores):
        if not -WITHIN_ANSWER <= score <= 1 + WITHIN_ANSWER:
            yield Finding(
                expected="between 0 and 1",
                actual=score,
                pointer=f"/results/{i}/relevance_score",
                soft=is_embedding(answer, "rerank"),
            )


@check("RERANK-RES-011", "META-005", when=_has_results)
def indices_are_in_range(answer: RerankAnswer) -> Iterator[Note]:
    """Every index lies in 0 … number of documents - 1."""
    last = len(answer.documents) - 1
    for i, index in enumerate(answer.indices):
        if not 0 <= index <= last:
            yield Finding(
                expected=f"0 … {last}", actual=index, pointer=f"/results/{i}/index"
            )


@check("RERANK-RES-012", "META-005", when=_has_two_results)
def indices_do_not_repeat(answer: RerankAnswer) -> Iterator[Note]:
    """Indices within one answer are distinct."""
    seen: set[int] = set()
    for i, index in enumerate(answer.indices):
        if index in seen:
            yield Finding(
                expected="an index not seen before",
                actual=index,
                pointer=f"/results/{i}/index",
            )
        seen.add(index)


@check("META-005", when=_asks_for_all)
def indices_of_all_documents_are_a_permutation(answer: RerankAnswer) -> Iterator[Note]:
    """With top_n 0, as it is by default, each index 0 … N-1 occurs."""
    absent = set(range(len(answer.documents))) - set(answer.indices)
    if absent:
        yield Finding(
            expected=f"index {min(absent)} among the results",
            actual=answer.indices,
            pointer="/results",
        )


def _points_into_documents(answer: RerankTexts) -> bool:
    """Each index is the position of the text (texts of no document are no proof)."""
    documents = answer.documents
    return all(
        0 <= index < len(documents) and documents[index] == text
        for index, text in zip(answer.indices, answer.texts, strict=True)
        if text in documents
    )


def _is_rank(answer: RerankAnswer) -> bool:
    return answer.indices == list(range(len(answer.results)))


@check("RERANK-RES-013", "META-006", when=_has_results)
def index_leads_to_the_document(answer: RerankTexts) -> Iterator[Note]:
    """documents[index] is the text; the rank in the answer is tolerated (A-035)."""
    if not _points_into_documents(answer) and not _is_rank(answer):
        documents = answer.documents
        positions = [
            documents.index(t) if t in documents else "?" for t in answer.texts
        ]
        yield Finding(
            expected=f"the positions in documents {positions}, or the ranks",
            actual=answer.indices,
            pointer="/results",
        )


def _meanings(record: Record) -> dict[str, list[str]]:
    """The exchanges that only fit one meaning of index, by that meaning."""
    meanings: dict[str, list[str]] = {"input position": [], "rank": []}
    for exchange in record.answers("rerank"):
        view = RerankTexts.of(exchange, record.facts)
        if view is not None and _has_results(view):
            is_position, is_rank = _points_into_documents(view), _is_rank(view)
            if is_position != is_rank:
                name = "input position" if is_position else "rank"
                meanings[name].append(exchange.id)
    return meanings


@check("RERANK-RES-013", "META-006", when=lambda r: any(_meanings(r).values()))
def index_has_one_meaning(record: Record) -> Iterator[Note]:
    """All answers of a target use the same of the two meanings of index (A-035)."""
    meanings = _meanings(record)
    usual = max(meanings, key=lambda name: len(meanings[name]))
    yield FollowedReading(usual)
    for meaning, exchanges in meanings.items():
        for identifier in exchanges if meaning != usual else ():
            yield Finding(
                expected=f"the {usual}, as in most answers",
                actual=f"the {meaning}",
                pointer="/results/0/index",
                exchange=identifier,
            )


def _may_be_cut(answer: RerankAnswer) -> bool:
    """Documents are cut by a limit, or because they are too long to be read (A-042)."""
    is_limited = answer.sent.get("truncate_prompt_tokens") is not None
    return is_limited or answer.exchange.probe == "rerank.too_long"


@check("RERANK-RES-016", when=_has_results)
def texts_are_submitted_documents(answer: RerankTexts) -> Iterator[Note]:
    """document.text is a submitted document; cut where truncation was asked (soft)."""
    is_cut = _may_be_cut(answer)
    for i, text in enumerate(answer.texts):
        if text in answer.documents:
            continue
        is_prefix = any(document.startswith(text) for document in answer.documents)
        yield Finding(
            expected="one of the submitted documents, whole",
            actual=text,
            pointer=f"/results/{i}/document/text",
            soft=is_cut and is_prefix and bool(text),
        )


@check("RERANK-SEM-003", when=_asks_for_all)
def top_n_0_returns_all(answer: RerankAnswer) -> Iterator[Note]:
    """top_n 0, as it is by default, returns as many results as documents were sent."""
    if len(answer.results) != len(answer.documents):
        yield Finding(
            expected=f"{len(answer.documents)} results",
            actual=len(answer.results),
            pointer="/results",
        )


def _shows_all(answer: RerankTexts) -> bool:
    """Every document comes back, and as a whole."""
    return _asks_for_all(answer) and not _may_be_cut(answer)


@check("RERANK-SEM-002", when=_shows_all)
def each_document_is_scored_once(answer: RerankTexts) -> Iterator[Note]:
    """With top_n 0 each document has a score, and as many as it was sent times."""
    # a text that was never sent is RERANK-RES-016's matter
    if not {*answer.texts} - {*answer.documents}:
        yield from _counted(answer)


@check("META-007", when=_shows_all)
def texts_come_back_unharmed(answer: RerankTexts) -> Iterator[Note]:
    """With top_n 0 the returned texts are the submitted ones, as often."""
    yield from _counted(answer)


def _counted(answer: RerankTexts) -> Iterator[Note]:
    sent, returned = Counter(answer.documents), Counter(answer.texts)
    for text in sent | returned:
        if sent[text] != returned[text]:
            yield Finding(
                expected=f"{text!r} {sent[text]} times",
                actual=f"{returned[text]} times",
                pointer="/results",
            )
            return


@check("RERANK-SEM-004", when=_asks_for_some)
def top_n_is_the_number_of_results(answer: RerankAnswer) -> Iterator[Note]:
    """top_n k returns k results, if there are as many documents."""
    if len(answer.results) != _top_n(answer):
        yield Finding(
            expected=f"{_top_n(answer)} results",
            actual=len(answer.results),
            pointer="/results",
        )


@check("RERANK-SEM-005", when=_asks_for_too_many)
def too_large_a_top_n_returns_all(answer: RerankAnswer) -> Iterator[Note]:
    """top_n above the number of documents returns every document."""
    if len(answer.results) != len(answer.documents):
        yield Finding(
            expected=f"{len(answer.documents)} results",
            actual=len(answer.results),
            pointer="/results",
        )


def _has_one_document(answer: RerankAnswer) -> bool:
    is_unlimited = "top_n" not in answer.sent
    return _is_valid(answer) and is_unlimited and len(answer.documents) == 1


@check("RERANK-REQ-008", when=_has_one_document)
def one_document_gives_one_result(answer: RerankAnswer) -> Iterator[Note]:
    """A single document is answered with a single result."""
    if len(answer.results) != 1:
        yield Finding(
            expected="1 result", actual=len(answer.results), pointer="/results"
        )


def _returns_duplicates(answer: RerankTexts) -> bool:
    return _is_valid(answer) and len(set(answer.texts)) < len(answer.texts)


@check("META-010", when=_returns_duplicates)
def equal_documents_score_alike(answer: RerankTexts) -> Iterator[Note]:
    """The same text gets the same score each time that it occurs."""
    for text, scores in scores_by_text(answer).items():
        if not max(scores) - min(scores) <= between_calls(*scores):
            yield Finding(
                expected=f"equal scores for {text!r}", actual=scores, pointer="/results"
            )


def _reads_something(answer: RerankAnswer) -> bool:
    total: Json = answer.usage.get("total_tokens")
    is_count = is_whole(total) and total >= 0
    return _has_results(answer) and any(answer.documents) and is_count


@check("RERANK-RES-007", when=_reads_something)
def total_tokens_is_positive(answer: RerankAnswer) -> Iterator[Note]:
    """usage.total_tokens is above 0 where there was something to read."""
    total = answer.usage["total_tokens"]
    if not total > 0:
        yield Finding(expected="above 0", actual=total, pointer="/usage/total_tokens")


@check("RERANK-RES-002")
def id_may_be_a_uuid(answer: RerankAnswer) -> Iterator[Note]:
    """Whether id has the form of a UUID (A-033)."""
    try:
        UUID(str(answer.body.get("id")))
    except ValueError:
        yield FollowedReading("not a UUID")
    else:
        yield FollowedReading("UUID")


@check("RERANK-RES-003")
def id_may_have_a_prefix(answer: RerankAnswer) -> Iterator[Note]:
    """Whether id starts as the printed one does (A-033)."""
    starts = str(answer.body.get("id")).startswith("rerank-")
    yield FollowedReading("prefix rerank-" if starts else "other")


@check("RERANK-RES-009")
def result_is_not_needed(answer: RerankAnswer) -> Iterator[Note]:
    """Whether there is a member `result` beside `results` (A-032)."""
    has_it = "result" in answer.body
    yield FollowedReading("has a member result" if has_it else "has no member result")


@check("RERANK-RES-019")
def other_members_may_be_missing(answer: RerankAnswer) -> Iterator[Note]:
    """Which members of the sibling APIs the answer has as well (A-052)."""
    found = [name for name in ("object", "created") if name in answer.body]
    found += ["prompt_tokens"] if "prompt_tokens" in answer.usage else []
    yield FollowedReading(f"has {', '.join(found)}" if found else "has none of them")


@check("RERANK-REQ-009", on="rerank.empty")
def no_documents_may_be_refused(seen: Observation) -> Iterator[Note]:
    """What an empty list of documents is answered with (A-044)."""
    exchange = seen["variant"]
    if exchange.request.json["documents"]:
        return  # what is empty is the query
    if 400 <= exchange.status < 500:
        yield FollowedReading("refused")
    elif seen.accepted("variant"):
        yield FollowedReading("empty results")


@check("RERANK-REQ-010", on="rerank.too_long", when=was_read)
def an_overlong_document_is_no_crash(seen: Observation) -> Iterator[Note]:
    """A document beyond the model's input is refused or read in part (A-045)."""
    exchange = seen["overlong"]
    yield from overlong_notes(exchange, exchange.request.json["documents"][0])


@check("RERANK-EX-003", on="rerank.printed", when=answered(RerankAnswer, "printed"))
def the_example_has_two_results(seen: Observation) -> Iterator[Note]:
    """The printed request, with top_n 2, has two results."""
    count = len(step_answer(RerankAnswer, seen, "printed").results)
    if count != 2:
        yield Finding(expected="2 results", actual=count, pointer="/results")


@check("RERANK-EX-004", on="rerank.printed", when=answered(RerankTexts, "printed"))
def the_example_ranks_paris_first(seen: Observation) -> Iterator[Note]:
    """The answer to the printed question ranks first, as printed (real models)."""
    view = step_answer(RerankTexts, seen, "printed")
    if view.texts[:1] != view.documents[:1]:
        yield Finding(
            expected=view.documents[0],
            actual=view.texts[:1],
            pointer="/results/0/document/text",
        )
