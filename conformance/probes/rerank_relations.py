"""Groups of rerank requests whose answers must agree with each other."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.probes import texts, wide
from aios_conformance.conformance.probes.bodies import OPERATION, by_version
from aios_conformance.conformance.probes.kinds import embedding_model, expected
from aios_conformance.conformance.probes.single_field import refusal
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Params,
    Probe,
    Served,
    Step,
    probe,
)

RERANK = OPERATION["rerank"]
PATHS = by_version("rerank")
TOPS = (1, 2, 5)  # 5 and 2 are the printed samples (000:57, 000:75)
MANY = 67  # above 64, a size at which servers split lists
# tokens a pair: of the documents part is left, of the query and the answer all
WIDE, NARROW = 40, 12

_LONG = st.fixed_dictionaries({"topic": texts.topics(), "rest": texts.passages(2)})
_LONGER_THAN_NARROW = st.fixed_dictionaries(
    {"topic": texts.topics(), "rest": texts.passages(2, 2)}
)


def _body(served: Served, ranking: Params, **more: Any) -> dict[str, Any]:
    return {
        "model": served.model("rerank"),
        "query": ranking["query"],
        "documents": ranking["documents"],
        **more,
    }


def _long_body(served: Served, p: Params, **more: Any) -> dict[str, Any]:
    ranking = {"query": p["topic"]["question"], "documents": _long_documents(p)}
    return _body(served, ranking, **more)


def _long_documents(p: Params) -> list[str]:
    """A passage off topic, and one that the answer begins and ends.

    Which end is cut off is not said (A-046).
    """
    answer, (other, middle) = p["topic"]["answer"], p["rest"]
    return [other, f"{answer} {middle} {answer}"]


@probe(
    "rerank.top_n",
    "rerank",
    params=texts.rankings(6, 6).filter(texts.is_brief),
    draws=(0, 1, 40),
)
def top_n(ranking: Params, served: Served) -> Iterator[Step]:
    """Every way to ask for all documents, and the best one, two and five of them.

    First they are ranked for another question: what a cache holds of it is no answer.
    """
    body = _body(served, ranking)
    count = len(ranking["documents"])
    others = (topic.question for topic in texts.TOPICS)
    other = next(each for each in others if each != ranking["query"])
    beyond = body | {"query": other, "top_n": count + 5}
    yield Step("beyond", RERANK, beyond, serves=("RERANK-SEM-005",), alone=True)
    yield Step("zero", RERANK, body | {"top_n": 0}, serves=("RERANK-REQ-014",))
    for top in TOPS:
        cut = body | {"top_n": top}
        yield Step(f"top_{top}", RERANK, cut, serves=("RERANK-REQ-013",))
    yield Step("omitted", RERANK, body, serves=("RERANK-REQ-011",))
    yield Step("count", RERANK, body | {"top_n": count}, serves=("RERANK-REQ-013",))


@probe(
    "rerank.paths.all",
    "rerank",
    params=texts.rankings(4, 4).filter(texts.is_brief),
    draws=(0, 1, 30),
)
def paths(ranking: Params, served: Served) -> Iterator[Step]:
    """The same body on the three paths."""
    for label, (operation, row) in PATHS.items():
        yield Step(label, operation, _body(served, ranking), serves=(row,))


@probe(
    "rerank.paths.limited",
    "rerank",
    params=_LONGER_THAN_NARROW,
    draws=(0, 1, 30),
)
def paths_with_limits(p: Params, served: Served) -> Iterator[Step]:
    """The same long documents, cut to few tokens and to one, on the three paths."""
    for label, (operation, _) in PATHS.items():
        body = _long_body(served, p, top_n=1, truncate_prompt_tokens=NARROW)
        yield Step(label, operation, body)


@probe(
    "rerank.documents",
    "rerank",
    params=st.fixed_dictionaries(
        {
            "ranking": texts.rankings(5, 6).filter(texts.is_brief),
            "many": wide.lists(MANY),
        }
    ),
    draws=(1, 1, 40),
)
def documents(p: Params, served: Served) -> Iterator[Step]:
    """Documents in another order, among many, one alone, and among blank ones.

    All of them are asked for by default: a server that refuses top_n 0 shows the
    rest all the same.
    """
    given = p["ranking"]["documents"]
    one, best = given[1], given[-1]  # what is not the best may be scored beside it
    rotated = [*given[2:], *given[:2]]
    body = _body(served, p["ranking"])
    yield Step("base", RERANK, body, alone=True)
    many = wide.bounded(p["many"], served.facts.limits.get("rerank"))
    among = body | {"documents": [*given[:2], *many[: -len(given)], *given[2:]]}
    yield Step("wide", RERANK, among, serves=("RERANK-REQ-006",), together=True)
    alone = body | {"documents": [one]}
    yield Step("alone", RERANK, alone, serves=("RERANK-REQ-008",), together=True)
    blank = body | {"documents": [*wide.blanks(many), best]}
    yield Step("blank", RERANK, blank, expect="either", together=True)
    yield refusal("rerank", served, "/top_n is a word", top_n="few")
    yield Step("shuffled", RERANK, body | {"documents": rotated})


@probe(
    "rerank.truncation",
    "rerank",
    params=_LONG,
    draws=(0, 1, 30),
)
def truncation(p: Params, served: Served) -> Iterator[Step]:
    """Long documents without a limit, with a roomy one, and with two tight ones."""
    body = _long_body(served, p)

    def roomy(answers: Answers) -> Json:
        limit = texts.roomy_limit(
            answers.get("unlimited"), body["query"], body["documents"]
        )
        return body | {"truncate_prompt_tokens": limit}

    rows = ("RERANK-REQ-016",)
    yield Step("unlimited", RERANK, body, alone=True)
    yield Step("roomy", RERANK, roomy, serves=rows, like="unlimited")
    # the last limit is not to act on the scenario that comes after this one
    for label, limit in (("wide", WIDE), ("narrow", NARROW)):
        tight = body | {"truncate_prompt_tokens": limit}
        yield Step(label, RERANK, tight, serves=rows)


@probe(
    "rerank.score",
    "rerank",
    params=texts.rankings(4, 4).filter(texts.is_brief),
    draws=(0, 1, 30),
)
def score(ranking: Params, served: Served) -> Iterator[Step]:
    """Rerank, and the same pairs scored by the same model.

    Whether the score API serves that model is not promised.
    """
    body = _body(served, ranking)
    yield Step("rerank", RERANK, body)
    pairs = {
        "model": body["model"],
        "text_1": [body["query"]] * len(body["documents"]),
        "text_2": body["documents"],
    }
    yield Step("score", OPERATION["score"], pairs, expect="either")


@probe(
    "rerank.cosine",
    "rerank",
    params=texts.rankings(4, 4),
    draws=(0, 1, 30),
)
def cosine(ranking: Params, served: Served) -> Iterator[Step]:
    """With an embedding model: rerank, and the vectors of all its texts."""
    model = embedding_model(served, "rerank")
    if model is None:
        return
    body = _body(served, ranking) | {"model": model}
    yield Step("rerank", RERANK, body, expected(served, "rerank", model))
    vectors = {"model": model, "input": [body["query"], *body["documents"]]}
    yield Step("vectors", OPERATION["embeddings"], vectors, expect="either")


PROBES: tuple[Probe, ...] = (
    paths,
    paths_with_limits,
    top_n,
    truncation,
    documents,
    score,
    cosine,
)
