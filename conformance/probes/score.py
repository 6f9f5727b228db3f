"""What score is asked, field by field, and the printed example."""

from collections.abc import Iterator

from aios_conformance.conformance.probes import score_relations, texts
from aios_conformance.conformance.probes.bodies import OPERATION, valid
from aios_conformance.conformance.probes.kinds import kinds
from aios_conformance.conformance.probes.printed import printed
from aios_conformance.conformance.probes.single_field import (
    accepted,
    beside_schema,
    breaks,
    lacks,
    refused,
    takes,
    undecided,
)
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table

_WRONG = {"text": "a plain text"}
_TWO = ["The moon is round.", "Rivers run to the sea."]
_THREE = [*_TWO, "Bread is baked."]

ACCEPTED = accepted(
    "score.accepted",
    "score",
    takes("SCORE-REQ-020", truncate_prompt_tokens=1),  # the bound is > 0 (000:221)
    takes("SCORE-REQ-019", truncate_prompt_tokens=100),  # 000:221
)

REFUSED = refused(
    "score.refused",
    "score",
    lacks("text_2", "SCORE-REQ-006"),
    breaks("/text_1 is an object", "SCORE-REQ-011", text_1=_WRONG),
    lacks("model", "SCORE-REQ-004"),
    lacks("text_1", "SCORE-REQ-005"),
    breaks("/model is an object", "SCORE-REQ-004", model={"name": "m"}),
    breaks("/text_1 is a number", "SCORE-REQ-011", text_1=2.5),
    breaks("/text_2 is an object", "SCORE-REQ-011", text_2=_WRONG),
    breaks("/text_2 is a number", "SCORE-REQ-011", text_2=2.5),
    breaks(
        "/encoding_format is an object",
        "SCORE-REQ-014",
        encoding_format={"type": "float"},
    ),
    breaks("/encoding_format is unknown", "SCORE-REQ-018", encoding_format="hex"),
    breaks("/encoding_format is unknown", "SCORE-REQ-018", encoding_format="base64"),
    breaks(
        "/truncate_prompt_tokens is a word",
        "SCORE-REQ-019",
        truncate_prompt_tokens="many",
    ),
    breaks(
        "/truncate_prompt_tokens is not above 0",
        "SCORE-REQ-020",
        truncate_prompt_tokens=0,
    ),
    breaks(
        "/truncate_prompt_tokens is not above 0",
        "SCORE-REQ-020",
        truncate_prompt_tokens=-1,
    ),
    smoke_rows=2,
)

_UNPAIRED = "the schema cannot compare the lengths of two arrays"


def _unpaired(rule: str, **change: object) -> Params:
    row = beside_schema(breaks(rule, "SCORE-SEM-004", **change), _UNPAIRED)
    pairs = {"text_1": _TWO, "text_2": _TWO}
    return row | {"base": pairs, "base_serves": ["SCORE-SEM-002"]}


UNPAIRED = refused(
    "score.unpaired",
    "score",
    _unpaired("2 texts against 3", text_2=_THREE),
    _unpaired("3 texts against 2", text_1=_THREE),
    _unpaired("2 texts against an array of 1", text_2=_TWO[:1]),
    _unpaired("2 texts against a string", text_2=_TWO[0]),
)

UNDECIDED = undecided(
    "score.empty", "score", takes(text_1=""), takes(text_2=""), takes(text_2=[])
)


@table("score.too_long", "score", [None])
def too_long(_: Params, served: Served) -> Iterator[Step]:
    """A text beyond the model's input, without truncation (A-045)."""
    text = texts.overlong(served.facts.limits.get("score"))
    body = valid("score", served) | {"text_2": text}
    yield Step("overlong", OPERATION["score"], body, expect="either", last=True)


PROBES: tuple[Probe, ...] = (
    *score_relations.PROBES,
    printed("score"),
    ACCEPTED,
    REFUSED,
    UNPAIRED,
    UNDECIDED,
    kinds("score", "SCORE-REQ-021"),
    too_long,
)
