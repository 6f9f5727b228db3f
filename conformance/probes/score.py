"""What score is asked, field by field, and the printed example."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from aios_conformance.conformance.probes import rerank, score_relations, texts
from aios_conformance.conformance.probes.bodies import OPERATION, valid
from aios_conformance.conformance.probes.kinds import kinds
from aios_conformance.conformance.probes.printed import printed
from aios_conformance.conformance.probes.single_field import (
    accepted,
    beside_schema,
    breaks,
    breaks_truncation,
    lacks,
    refused,
    takes,
    undecided,
)
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Params,
    Probe,
    Served,
    Step,
    table,
)

_WRONG = {"text": "a plain text"}
FEW = 512
_TWO = ["The moon is round.", "Rivers run to the sea."]
_THREE = [*_TWO, "Bread is baked."]

ACCEPTED = accepted("score.accepted", "score", takes("SCORE-REQ-001"))

REFUSED = refused(
    "score.refused",
    "score",
    lacks("text_2", "SCORE-REQ-006"),
    lacks("model", "SCORE-REQ-004"),
    lacks("text_1", "SCORE-REQ-005"),
    breaks("/model is an object", "SCORE-REQ-004", model={"name": "m"}),
    breaks("/text_1 is a number", "SCORE-REQ-011", text_1=2.5),
    breaks("/text_2 is an object", "SCORE-REQ-011", text_2=_WRONG),
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
    *breaks_truncation("SCORE-REQ-020", version="root"),
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
    _unpaired("2 texts against an array of 1", text_2=_TWO[:1]),
    _unpaired("2 texts against a string", text_2=_TWO[0]),
)

UNDECIDED = undecided("score.empty", "score", takes(text_1=""), takes(text_2=[]))


@table("score.too_long", "score", [None])
def too_long(_: Params, served: Served) -> Iterator[Step]:
    """A text beyond the model's input, without truncation (A-045).

    What rerank with the same model does not refuse is not read a second time: a
    shorter text is then sent, as long as the model reads or FEW words. What it
    refused costs nothing.
    """
    limit, models = served.facts.limits.get("score"), served.facts.models
    body = valid("score", served)

    def learnt(answers: Answers) -> Json:
        earlier = answers["reranked"]
        told: Any = earlier.response.json if earlier.response else None
        match told:
            case {"usage": {"total_tokens": int(read)}} if earlier.is_success:
                return body | {"text_2": texts.overlong(min(read, FEW))}
        return body | {"text_2": texts.overlong(limit)}

    whole = body | {"text_2": texts.overlong(limit)}
    step = Step("overlong", OPERATION["score"], whole, expect="either", last=True)
    if not models or models.get("rerank") == models.get("score"):
        yield rerank.overlong("reranked", served)
        step = replace(step, body=learnt, prompt_tokens=FEW + 32)
    yield step


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
