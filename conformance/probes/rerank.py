"""What rerank is asked, field by field, and the printed example."""

from collections.abc import Iterator

from aios_conformance.conformance.probes import rerank_relations, texts
from aios_conformance.conformance.probes.bodies import OPERATION, valid
from aios_conformance.conformance.probes.kinds import kinds
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

_PLAIN = "a plain text"

ACCEPTED = accepted(
    "rerank.accepted",
    "rerank",
    takes("RERANK-REQ-018", truncate_prompt_tokens=512),  # 000:76
)

REFUSED = refused(
    "rerank.refused",
    "rerank",
    lacks("query", "RERANK-REQ-005"),
    breaks("/top_n is a word", "RERANK-REQ-011", top_n="few"),
    lacks("model", "RERANK-REQ-004"),
    lacks("documents", "RERANK-REQ-006"),
    breaks("/model is an object", "RERANK-REQ-004", model={"name": "m"}),
    breaks("/query is an object", "RERANK-REQ-005", query={"text": _PLAIN}),
    breaks("/documents is a string", "RERANK-REQ-006", documents=_PLAIN),
    breaks("/documents/1 is null", "RERANK-REQ-007", documents=[_PLAIN, None]),
    breaks("/top_n is a fraction", "RERANK-REQ-011", top_n=2.5),
    breaks("/top_n is below 0", "RERANK-REQ-015", top_n=-1),
    breaks(
        "/truncate_prompt_tokens is a word",
        "RERANK-REQ-016",
        truncate_prompt_tokens="many",
    ),
    *breaks_truncation("RERANK-REQ-017", version="v2"),
    smoke_rows=1,
)

UNDECIDED = undecided("rerank.empty", "rerank", takes(documents=[]), takes(query=""))


def overlong(label: str, served: Served) -> Step:
    """A document of more tokens than the model reads, and a short one.

    How many that is it says, or one can tell.
    """
    text = texts.overlong(served.facts.limits.get("rerank"))
    body = valid("rerank", served)
    body |= {"documents": [text, *body["documents"]]}
    operation = OPERATION["rerank"]
    return Step(label, operation, body, expect="either", last=True, shared=True)


@table("rerank.too_long", "rerank", [None])
def too_long(_: Params, served: Served) -> Iterator[Step]:
    """A document beyond the model's input, without truncation (A-045)."""
    yield overlong("overlong", served)


PROBES: tuple[Probe, ...] = (
    *rerank_relations.PROBES,
    printed("rerank"),
    ACCEPTED,
    REFUSED,
    UNDECIDED,
    kinds("rerank", "RERANK-REQ-019"),
    too_long,
)
