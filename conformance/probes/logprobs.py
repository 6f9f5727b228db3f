"""Log probabilities, asked for in every documented way, and wrongly."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.probes.bodies import OPERATION
from aios_conformance.conformance.probes.decoding import asked, drawn_stream
from aios_conformance.conformance.probes.generation import (
    OBJECT,
    WORD,
    case,
    undecided_cases,
)
from aios_conformance.conformance.probes.prompts import prompts_of
from aios_conformance.conformance.probes.single_field import (
    breaks,
    refusal,
    refused,
)
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, probe

NEEDS = ("logprobs",)
Asking = tuple[str, dict[str, Any], tuple[str, ...]]  # label, members, rows served


@dataclass(frozen=True, slots=True)
class Logprobs:
    """How an API is asked for log probabilities."""

    api: Api
    asked: tuple[Asking, ...]
    refused: Probe
    undecided: Probe


_ON = {"base": {"logprobs": True, "top_logprobs": 3}}

# The bounds (000:380, 000:400-404, 000:578) and the printed samples: 3 and 5.
CHAT = Logprobs(
    "chat",
    asked=(
        ("off", {"logprobs": False}, ("CHAT-REQ-018",)),
        ("on", {"logprobs": True}, ("CHAT-REQ-018",)),
        ("none", {"logprobs": True, "top_logprobs": 0}, ("CHAT-REQ-051",)),
        (
            "few",  # what top_p cuts off is listed all the same (000:403)
            {"logprobs": True, "top_logprobs": 3, "top_p": 0.9},
            ("CHAT-REQ-050",),
        ),
        ("many", {"logprobs": True, "top_logprobs": 20}, ("CHAT-REQ-051",)),
    ),
    refused=refused(
        "chat.refused.logprobs",
        "chat",
        _ON | breaks("/logprobs is an object", "CHAT-REQ-018", logprobs=OBJECT),
        _ON | breaks("/top_logprobs is below 0", "CHAT-REQ-051", top_logprobs=-1),
        _ON | breaks("/top_logprobs is above 20", "CHAT-REQ-051", top_logprobs=21),
        _ON
        | {"drop": "logprobs"}
        | breaks("/top_logprobs without logprobs", "CHAT-REQ-052", "META-074"),
        smoke_rows=1,
        needs=NEEDS,
    ),
    undecided=undecided_cases(
        "chat.undecided.logprobs",
        "chat",
        case("CHAT-REQ-052", "0 without logprobs", top_logprobs=0),
        needs=NEEDS,
    ),
)
COMPLETIONS = Logprobs(
    "completions",
    asked=(
        ("off", {"logprobs": None}, ("COMP-REQ-016",)),
        ("few", {"logprobs": 1, "top_p": 0.9}, ("COMP-REQ-016", "COMP-REQ-017")),
        ("many", {"logprobs": 5}, ("COMP-REQ-016", "COMP-REQ-017")),
    ),
    refused=refused(
        "completions.refused.logprobs",
        "completions",
        breaks("/logprobs is a word", "COMP-REQ-016", logprobs=WORD),
        breaks("/logprobs is above 5", "COMP-REQ-018", logprobs=6),
        breaks("/logprobs is below 0", "COMP-REQ-018", logprobs=-1),
        needs=NEEDS,
    ),
    undecided=undecided_cases(
        "completions.undecided.logprobs",
        "completions",
        case("COMP-REQ-018", "0", logprobs=0),
        needs=NEEDS,
    ),
)


def _greedy(known: Logprobs) -> Probe:
    api = known.api
    operation = OPERATION[api]
    texts = (*prompts_of(api).usual, *prompts_of(api).beyond_ascii)

    @probe(
        f"{api}.logprobs",
        api,
        params=st.fixed_dictionaries(
            {"text": st.sampled_from(texts), "limit": st.integers(8, 12)}
        ),
        draws=(0, 1, 30),
        needs=NEEDS,
    )
    def greedy(p: Params, served: Served) -> Iterator[Step]:
        body = asked(api, served, p["text"], temperature=0, max_tokens=p["limit"])
        *most, few, many = known.asked
        for label, members, rows in most:
            yield Step(label, operation, body | members, serves=rows)
        rule = "/frequency_penalty is a word"
        yield refusal(api, served, rule, frequency_penalty=WORD)
        # beside each other: the one wants another number of alternatives
        for label, members, rows in (few, many):
            yield Step(label, operation, body | members, serves=rows, together=True)

    return greedy


def _streamed(known: Logprobs) -> Probe:
    api = known.api

    @probe(
        f"{api}.logprobs.streamed",
        api,
        draws=(1, 1, 1),
        needs=(*NEEDS, "n", "streaming"),
    )
    def streamed(_: Params, served: Served) -> Iterator[Step]:
        """Choices that are drawn, each listing no more than the likeliest token."""
        yield Step("streamed", OPERATION[api], drawn_stream(api, served), shared=True)

    return streamed


def logprob_probes(known: Logprobs) -> list[Probe]:
    """The log probabilities of one generating API."""
    return [
        _greedy(known),
        _streamed(known),
        known.refused,
        known.undecided,
    ]
