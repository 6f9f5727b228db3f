"""Groups of requests whose vectors must agree with each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.probes import texts, wide
from aios_conformance.conformance.probes.dialects_bodies import (
    ask,
    operation_of,
    printed,
)
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Params,
    Probe,
    Served,
    Step,
    probe,
    table,
)

TOKENS = [11, 12, 13]
MANY = 131  # above 128, the largest size at which servers are known to split
BEYOND = 100_000
"""Dimensions that no model has."""


def relations(dialect: str, rows: Mapping[str, tuple[str, ...]]) -> list[Probe]:
    """Batch, repetition and, where the dialect has them, formats."""
    operation = operation_of(dialect)
    own = (dialect,)

    @probe(
        f"{dialect}.batch",
        "embeddings",
        params=wide.lists(MANY),
        draws=(1, 1, 20),
        dialects=own,
    )
    def batch(drawn: Params, served: Served) -> Iterator[Step]:
        given = wide.bounded(drawn, served.facts.limits.get("embeddings"))
        several = ask(served, input=given)
        yield Step("batch", operation, several, serves=rows["strings"])
        single = ask(served, input=given[-1])
        yield Step("single", operation, single, serves=rows["string"])
        some = ask(served, input=wide.sampled(given))
        yield Step("some", operation, some, serves=rows["strings"])

    @probe(
        f"{dialect}.formats",
        "embeddings",
        params=st.fixed_dictionaries({"texts": texts.sentences(2, 3)}),
        draws=(0, 1, 10),
        needs=("base64",),
        dialects=own,
    )
    def formats(p: Params, served: Served) -> Iterator[Step]:
        body = ask(served, input=p["texts"])
        serves = rows.get("formats", ())
        plain = body | {"encoding_format": "float"}
        yield Step("omitted", operation, body, serves=rows["strings"])
        yield Step("float", operation, plain, serves=serves)
        packed = body | {"encoding_format": "base64"}
        yield Step("base64", operation, packed, serves=serves)

    @probe(
        f"{dialect}.dimensions",
        "embeddings",
        params=st.fixed_dictionaries(
            {
                "few": st.sampled_from((8, 16, 32)),
                "more": st.sampled_from((64, 96)),
                "texts": texts.sentences(2, 2),
            }
        ),
        draws=(0, 1, 10),
        needs=("dimensions",),
        dialects=own,
    )
    def dimensions(p: Params, served: Served) -> Iterator[Step]:
        few = ask(served, dimensions=p["few"])
        yield Step("few", operation, few, serves=rows["dimensions"])
        # what was wanted short once is to be as long as the next one wants it
        again = [few["input"], p["texts"][0], few["input"]]
        longer = ask(served, input=again, dimensions=p["more"])
        yield Step("longer", operation, longer, serves=rows["dimensions"])
        more = ask(served, input=[*p["texts"], p["texts"][0]], dimensions=p["more"])
        if served.offers("base64"):
            more |= {"encoding_format": "base64"}
        yield Step("more", operation, more, serves=rows["dimensions"])
        beyond = ask(served, dimensions=BEYOND)
        yield Step("beyond", operation, beyond, "either")

    made = [batch]
    if "formats" in rows:
        made.append(formats)
    if "dimensions" in rows:
        made.append(dimensions)
    return made


def tokens(dialect: str, flat: tuple[str, ...], nested: tuple[str, ...]) -> Probe:
    """Token ids as one input, flat and in a list, as two, and as two of one each."""

    @table(
        f"{dialect}.tokens",
        "embeddings",
        [None],
        needs=("token_input",),
        dialects=(dialect,),
    )
    def tokens(_: Params, served: Served) -> Iterator[Step]:
        operation = operation_of(dialect)
        yield Step("flat", operation, ask(served, input=TOKENS), serves=flat)
        yield Step("nested", operation, ask(served, input=[TOKENS]), serves=nested)
        two = ask(served, input=[TOKENS, [21, 22]])
        yield Step("two", operation, two, serves=nested)
        single = ask(served, input=[[0], TOKENS[:1]])
        yield Step("single", operation, single, serves=nested)

    return tokens


@table("aihubmix.user", "embeddings", [None], dialects=("aihubmix",))
def user(_: Params, served: Served) -> Iterator[Step]:
    """The same text with and without a user."""
    operation = operation_of("aihubmix")
    yield Step("without", operation, ask(served), serves=("AHM-REQ-008",))
    named = ask(served, user="user-1234")
    yield Step("with", operation, named, serves=("AHM-REQ-023",))


@table(
    "infinity.printed",
    "embeddings",
    ["GOLD-INF-EMB-REQ"],
    needs=("dimensions",),
    dialects=("infinity",),
)
def infinity_printed(example: Params, served: Served) -> Iterator[Step]:
    """The printed request, with no longer vectors than those that the model has."""
    operation = operation_of("infinity")
    body = ask(served, **printed("infinity", example))

    def within(answers: Answers) -> Json:
        response = answers["valid"].response
        found: Any = response.json if response else None
        match found:
            case {"data": [{"embedding": list(vector)}, *_]}:
                return body | {"dimensions": min(body["dimensions"], len(vector))}
        return body

    yield Step("valid", operation, ask(served), shared=True)
    yield Step("variant", operation, within, serves=("INF-EX-002",))
