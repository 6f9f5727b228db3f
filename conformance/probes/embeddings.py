"""What embeddings is asked, field by field, and the printed example."""

from collections.abc import Iterator

from aios_conformance.conformance.probes import embeddings_relations, texts
from aios_conformance.conformance.probes.bodies import OPERATION, valid
from aios_conformance.conformance.probes.printed import printed
from aios_conformance.conformance.probes.single_field import (
    accepted,
    breaks,
    breaks_truncation,
    lacks,
    refused,
    takes,
    undecided,
)
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table

ACCEPTED = accepted("embeddings.accepted", "embeddings", takes("EMB-REQ-001"))

REFUSED = refused(
    "embeddings.refused",
    "embeddings",
    lacks("input", "EMB-REQ-005"),
    breaks("/encoding_format is unknown", "EMB-REQ-014", encoding_format="hex"),
    lacks("model", "EMB-REQ-004"),
    breaks("/model is an object", "EMB-REQ-004", model={"name": "m"}),
    breaks("/input is an object", "EMB-REQ-008", input={"text": "a plain text"}),
    breaks("/input is a boolean", "EMB-REQ-008", input=True),
    breaks("/encoding_format is a number", "EMB-REQ-011", encoding_format=2.5),
    breaks(
        "/truncate_prompt_tokens is a word",
        "EMB-REQ-015",
        truncate_prompt_tokens="many",
    ),
    *breaks_truncation("EMB-REQ-016"),
)

TOKEN_IDS = undecided(
    "embeddings.token_ids",
    "embeddings",
    takes(input=[[11, 12], [13, 14]]),
)

EMPTY = undecided("embeddings.empty", "embeddings", takes(input=""), takes(input=[]))

UNLISTED = undecided(
    "embeddings.unlisted",
    "embeddings",
    takes(dimensions=64, user="someone"),
)


@table("embeddings.singular", "embeddings", [None])
def singular(_: Params, served: Served) -> Iterator[Step]:
    """The path of the printed curl lines, which no table lists (A-119)."""
    yield Step(
        "singular",
        "POST /v1/embedding",
        valid("embeddings", served),
        expect="either",
        off_schema="the path is undocumented",
    )


LONG = 530
"""Words of a letter each: more than the 512 tokens that many servers take at once."""


@table("embeddings.long", "embeddings", [LONG])
def long(words: Params, served: Served) -> Iterator[Step]:
    """A text that is long to some models, and too long to others, and a short one.

    Whether it is read is open (A-045); if it is, the short one beside it is as well.
    """
    body = valid("embeddings", served)
    body |= {"input": [texts.letters(words), body["input"]]}
    yield Step("overlong", OPERATION["embeddings"], body, expect="either")


PROBES: tuple[Probe, ...] = (
    *embeddings_relations.PROBES,
    printed("embeddings"),
    ACCEPTED,
    REFUSED,
    TOKEN_IDS,
    EMPTY,
    UNLISTED,
    singular,
    long,
)
