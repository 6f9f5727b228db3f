"""Groups of embeddings requests whose answers must agree with each other."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.probes import texts, wide
from aios_conformance.conformance.probes.bodies import OPERATION
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

EMBED = OPERATION["embeddings"]
HUGE = 2048
COPIES = 5
MANY = 131  # above 128, the largest size at which servers are known to split
WIDE, NARROW = 16, 6  # tokens a text; passages are longer, special tokens fit
_STRING, _ARRAY = ("EMB-REQ-007",), ("EMB-REQ-006",)
_FLOAT, _BASE64 = ("EMB-REQ-012",), ("EMB-REQ-013",)


def _body(served: Served, given: Json, **more: Any) -> dict[str, Any]:
    return {"model": served.model("embeddings"), "input": given, **more}


@probe(
    "embeddings.batch",
    "embeddings",
    params=wide.lists(MANY),
    draws=(1, 1, 40),
)
def batch(drawn: Params, served: Served) -> Iterator[Step]:
    """A long list, some of it in another order, two of its texts alone, and blanks."""
    given = wide.bounded(drawn, served.facts.limits.get("embeddings"))
    first, last = given[0], given[-1]
    body = _body(served, given)
    # of the long list the first text has been seen before, the others have not
    yield Step("single_0", EMBED, _body(served, first), serves=_STRING)
    yield Step("together", EMBED, body, serves=_ARRAY, alone=True)
    # counts that are rounded once for the whole are no longer the sum
    again = _body(served, [*[first] * COPIES, last])
    yield Step("again", EMBED, again, serves=_ARRAY, together=True)
    last_one = _body(served, last)
    yield Step("single_1", EMBED, last_one, serves=_STRING, together=True)
    body = _body(served, wide.blanks(given))
    yield Step("blank", EMBED, body, expect="either", together=True)
    yield refusal(
        "embeddings", served, "/encoding_format is unknown", encoding_format="hex"
    )
    body = _body(served, wide.sampled(given))
    yield Step("rotated", EMBED, body, serves=_ARRAY)


@probe(
    "embeddings.huge",
    "embeddings",
    params=st.sampled_from(range(HUGE)),
    draws=(0, 0, 1),
    needs=("base64",),
)
def huge(place: Params, served: Served) -> Iterator[Step]:
    """As many inputs as any document allows (003), padded to a body of 2 MB."""
    given = [f"{word}{' ' * 1000}" for word in wide.few_letters(HUGE)]
    packed = {"encoding_format": "base64"}
    first = _body(served, given[:1], **packed)
    yield Step("first", EMBED, first, serves=_BASE64)
    some = [given[i] for i in (-1, 1000, 999, place)]
    yield Step("some", EMBED, _body(served, some, **packed), serves=_ARRAY)
    yield Step("huge", EMBED, _body(served, given, **packed), serves=_ARRAY, last=True)


@probe(
    "embeddings.encoding",
    "embeddings",
    params=texts.batches(3, 3).filter(texts.are_short),
    draws=(0, 1, 30),
)
def encoding(given: Params, served: Served) -> Iterator[Step]:
    """Several texts and one in every format, and the one as an array of one.

    Several in turn, the one in company: no format is to act on the next, or beside.
    """
    formats = [("float", _FLOAT), *([("base64", _BASE64)] * served.offers("base64"))]
    for label, value, row in (("batch", given, _ARRAY), ("one", given[1], _STRING)):
        body, together = _body(served, value), label == "one"
        plain = Step(f"{label}_omitted", EMBED, body, serves=row, together=together)
        yield plain
        for name, rows in formats:
            stated = body | {"encoding_format": name}
            yield replace(plain, label=f"{label}_{name}", body=stated, serves=rows)
    yield Step("array", EMBED, _body(served, given[1:2]), serves=_ARRAY)


@probe(
    "embeddings.truncation",
    "embeddings",
    params=texts.passages(2, 3),
    draws=(0, 1, 30),
)
def truncation(given: Params, served: Served) -> Iterator[Step]:
    """Long texts without a limit, with a roomy one, and with two tight ones."""
    body = _body(served, given)

    def roomy(answers: Answers) -> Json:
        limit = texts.roomy_limit(answers.get("unlimited"), given)
        return body | {"truncate_prompt_tokens": limit}

    rows = ("EMB-REQ-015",)
    yield Step("unlimited", EMBED, body, serves=_ARRAY, alone=True)
    yield Step("roomy", EMBED, roomy, serves=rows, like="unlimited")
    # the last limit is not to act on the scenario that comes after this one
    for label, limit in (("wide", WIDE), ("narrow", NARROW)):
        tight = body | {"truncate_prompt_tokens": limit}
        if label == "wide" and served.offers("base64"):
            packed = tight | {"encoding_format": "base64"}
            yield Step(label, EMBED, packed)  # either may be what is refused
            continue
        yield Step(label, EMBED, tight, serves=rows)


@probe(
    "embeddings.shared_part",
    "embeddings",
    params=st.fixed_dictionaries(
        {"parts": texts.passages(2, 2), "others": texts.topics()}
    ),
    draws=(0, 1, 30),
)
def shared_part(p: Params, served: Served) -> Iterator[Step]:
    """Texts with the same beginning, and with the same end, beyond a limit."""
    begin, end = p["parts"]
    other = p["others"]
    given = [
        f"{begin} {other['question']} {end}",
        f"{begin} {other['answer']}",
        f"{other['restated']} {end}",
    ]
    body = _body(served, given)
    # neither is to have the limit of the other
    yield Step("whole", EMBED, body, serves=_ARRAY, together=True)
    cut = body | {"truncate_prompt_tokens": NARROW}
    yield Step("cut", EMBED, cut, serves=("EMB-REQ-015",), together=True)


@probe(
    "embeddings.meaning",
    "embeddings",
    params=st.tuples(texts.topics(), texts.sentences(1, 1)).map(
        lambda drawn: [drawn[0]["answer"], drawn[0]["restated"], drawn[1][0]]
    ),
    draws=(0, 2, 40),
)
def meaning(given: Params, served: Served) -> Iterator[Step]:
    """A text, the same in other words, and another topic."""
    yield Step("texts", EMBED, _body(served, given), serves=_ARRAY)


PROBES: tuple[Probe, ...] = (
    encoding,
    truncation,
    batch,
    huge,
    shared_part,
    meaning,
)
