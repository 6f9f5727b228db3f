"""Groups of score requests whose answers must agree with each other."""

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

SCORE = OPERATION["score"]
PATHS = by_version("score")
SOME = 13  # with the others 17 or more
MANY = 67  # above 64, a size at which servers split lists
# tokens a pair: of the second text part is left, of the question and the answer all
WIDE, NARROW = 40, 12
_STRINGS, _ARRAYS, _ONE_TO_MANY = "SCORE-SEM-001", "SCORE-SEM-002", "SCORE-SEM-003"

_LONG = st.fixed_dictionaries({"topic": texts.topics(), "rest": texts.passages(2)})
_LONGER_THAN_NARROW = st.fixed_dictionaries(
    {"topic": texts.topics(), "rest": texts.passages(2, 2)}
)


def _body(served: Served, one: Json, two: Json, **more: Any) -> dict[str, Any]:
    return {"model": served.model("score"), "text_1": one, "text_2": two, **more}


def _arrays(served: Served, pairs: list[list[str]], **more: Any) -> dict[str, Any]:
    return _body(served, [one for one, _ in pairs], [two for _, two in pairs], **more)


def _long_body(served: Served, p: Params) -> dict[str, Any]:
    """A question with a passage off topic, and with one that its answer surrounds.

    Which end is cut off is not said (A-046).
    """
    question, answer = p["topic"]["question"], p["topic"]["answer"]
    other, middle = p["rest"]
    return _body(served, [question] * 2, [other, f"{answer} {middle} {answer}"])


@probe(
    "score.batch",
    "score",
    params=st.fixed_dictionaries(
        {"pairs": texts.pairs(4, 4), "many": wide.lists(MANY - 4)}
    ),
    draws=(0, 1, 40),
)
def batch(p: Params, served: Served) -> Iterator[Step]:
    """Many pairs, some of them in another order, two of them alone, and blank ones."""
    many = wide.bounded(p["many"], served.facts.limits.get("score"))
    first, second, third, last = p["pairs"]
    pairs = [first, *([text, "text"] for text in many), second, third, last]
    # of the long lists the last pair has been seen before, the others have not
    yield Step("single_0", SCORE, _body(served, *last), serves=(_STRINGS,))
    body = _arrays(served, pairs)
    yield Step("together", SCORE, body, serves=(_ARRAYS,), alone=True)
    body = _arrays(served, [last, first])
    yield Step("pair", SCORE, body, serves=(_ARRAYS,), together=True)
    body = _body(served, *first)
    yield Step("single_1", SCORE, body, serves=(_STRINGS,), together=True)
    blank = [second, [second[0], ""], ["", third[1]], third, first, last]
    body = _arrays(served, blank)
    yield Step("blank", SCORE, body, expect="either", together=True)
    yield refusal("score", served, "/encoding_format is unknown", encoding_format="hex")
    body = _arrays(served, wide.sampled(pairs))
    yield Step("rotated", SCORE, body, serves=(_ARRAYS,))


@probe(
    "score.one_to_many",
    "score",
    params=texts.rankings(4, 5).filter(texts.is_brief),
    draws=(0, 1, 40),
)
def one_to_many(p: Params, served: Served) -> Iterator[Step]:
    """A string against a long array, and the last of the pairs written out."""
    query, others = p["query"], p["documents"]
    many = [*wide.few_letters(SOME), *others]
    yield Step("string", SCORE, _body(served, query, many), serves=(_ONE_TO_MANY,))
    repeated = _body(served, [query] * len(others), others)
    yield Step("repeated", SCORE, repeated, serves=(_ARRAYS,))


@probe(
    "score.forms",
    "score",
    params=texts.topics(),
    draws=(0, 1, 12),
)
def forms(topic: Params, served: Served) -> Iterator[Step]:
    """One pair as strings and as arrays of one."""
    one, two = topic["question"], topic["answer"]
    strings = ("SCORE-REQ-007", "SCORE-REQ-009", _STRINGS)
    yield Step("strings", SCORE, _body(served, one, two), serves=strings)
    yield Step("array_1", SCORE, _body(served, [one], two), serves=("SCORE-REQ-008",))
    yield Step("array_2", SCORE, _body(served, one, [two]), serves=("SCORE-REQ-010",))
    yield Step("arrays", SCORE, _body(served, [one], [two]), serves=(_ARRAYS,))


@probe(
    "score.paths.strings",
    "score",
    params=texts.topics(),
    draws=(0, 1, 12),
)
def paths(topic: Params, served: Served) -> Iterator[Step]:
    """The same pair of strings on both paths."""
    for label, (operation, row) in PATHS.items():
        body = _body(served, topic["question"], topic["answer"])
        yield Step(label, operation, body, serves=(row,))


@probe(
    "score.paths.arrays",
    "score",
    params=_LONGER_THAN_NARROW,
    draws=(0, 1, 30),
)
def paths_with_arrays(p: Params, served: Served) -> Iterator[Step]:
    """The same arrays of long texts, cut to few tokens, on both paths."""
    for label, (operation, _) in PATHS.items():
        body = _long_body(served, p) | {"truncate_prompt_tokens": NARROW}
        yield Step(label, operation, body)


@probe(
    "score.encoding",
    "score",
    params=texts.pairs(3, 3).filter(texts.are_brief),
    draws=(1, 1, 30),
)
def encoding(pairs: Params, served: Served) -> Iterator[Step]:
    """encoding_format left out, float, and int (000:211)."""
    body = _arrays(served, pairs)
    yield Step("omitted", SCORE, body, serves=(_ARRAYS,))
    floats = body | {"encoding_format": "float"}
    yield Step("float", SCORE, floats, serves=("SCORE-REQ-016",))
    yield Step(
        "int", SCORE, body | {"encoding_format": "int"}, serves=("SCORE-REQ-017",)
    )


@probe(
    "score.truncation",
    "score",
    params=_LONG,
    draws=(0, 1, 30),
)
def truncation(p: Params, served: Served) -> Iterator[Step]:
    """Long texts without a limit, with a roomy one, and with two tight ones."""
    body = _long_body(served, p)

    def roomy(answers: Answers) -> Json:
        limit = texts.roomy_limit(
            answers.get("unlimited"), body["text_1"], body["text_2"]
        )
        return body | {"truncate_prompt_tokens": limit}

    rows = ("SCORE-REQ-019",)
    yield Step("unlimited", SCORE, body, serves=(_ARRAYS,), alone=True)
    yield Step("roomy", SCORE, roomy, serves=rows, like="unlimited")
    # the last limit is not to act on the scenario that comes after this one
    for label, limit in (("wide", WIDE), ("narrow", NARROW)):
        tight = body | {"truncate_prompt_tokens": limit}
        yield Step(label, SCORE, tight, serves=rows)


@probe(
    "score.cosine",
    "score",
    params=texts.pairs(3, 3).filter(texts.are_brief),
    draws=(0, 1, 30),
)
def cosine(pairs: Params, served: Served) -> Iterator[Step]:
    """With an embedding model: pairs, swapped, with themselves, and their vectors."""
    model = embedding_model(served, "score")
    if model is None:
        return
    swapped = [[two, one] for one, two in pairs]
    itself = [[one, one] for one, _ in pairs]
    expect = expected(served, "score", model)
    for label, given in (("pairs", pairs), ("swapped", swapped), ("itself", itself)):
        body = _arrays(served, given) | {"model": model}
        yield Step(label, SCORE, body, expect)
    vectors = {"model": model, "input": [text for pair in pairs for text in pair]}
    yield Step("vectors", OPERATION["embeddings"], vectors, expect="either")


PROBES: tuple[Probe, ...] = (
    paths,
    paths_with_arrays,
    truncation,
    batch,
    one_to_many,
    forms,
    encoding,
    cosine,
)
