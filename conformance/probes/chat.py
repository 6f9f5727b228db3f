"""What chat is asked: conversations, and all that it shares with completions."""

from collections.abc import Iterator
from typing import Any

from aios_conformance.conformance.probes import logprobs
from aios_conformance.conformance.probes.bodies import OPERATION, OWN, valid
from aios_conformance.conformance.probes.generation import (
    case,
    shared_probes,
    undecided_cases,
)
from aios_conformance.conformance.probes.printed import printed
from aios_conformance.conformance.probes.sampling import decoding_probes
from aios_conformance.conformance.probes.single_field import (
    accepted,
    breaks,
    lacks,
    refused,
    takes,
)
from aios_conformance.conformance.probes.tools import (
    TOOL_PROBES,
)
from aios_conformance.conformance.terms.probe import (
    Answers,
    Params,
    Probe,
    Served,
    Step,
    table,
)
from aios_conformance.conformance.terms.said import as_turn, message_of, text_of

CHAT = OPERATION["chat"]
PRINTED_ROOM = 64
"""Tokens for an answer to a printed question, which asks for a word."""

_NEXT = 8
"""Tokens of a reply to what has come before, each of which is to be the likeliest."""

_USER = {"role": "user", "content": "Name a colour."}
_ASSISTANT = {"role": "assistant", "content": "You are a helpful assistant."}  # 000:419
_SYSTEM = {"role": "system", "content": "You are a painter."}

ACCEPTED = accepted(
    "chat.messages",
    "chat",
    takes("CHAT-REQ-010", messages=[_ASSISTANT, _USER]),
    takes("CHAT-REQ-009", messages=[_SYSTEM, _USER]),
)

REFUSED = refused(
    "chat.refused.messages",
    "chat",
    breaks("/messages is a string", "CHAT-REQ-005", messages="Name a colour."),
    lacks("messages", "CHAT-REQ-004"),
    lacks("model", "CHAT-REQ-003"),
    breaks("/messages/0/role is missing", "CHAT-REQ-006", messages=[{"content": "?"}]),
    breaks(
        "/messages/0/content is missing", "CHAT-REQ-007", messages=[{"role": "user"}]
    ),
)

UNDECIDED = undecided_cases(
    "chat.undecided.messages",
    "chat",
    case("CHAT-REQ-011", "an empty messages list", messages=[]),
    case(
        "CHAT-REQ-007",
        "a question that is null",
        messages=[{"role": "user", "content": None}],
    ),
    case("CHAT-SEM-009", "", max_tokens=3, max_completion_tokens=6),
)
UNDECIDED_OPTIONS = undecided_cases(
    "chat.undecided.stream_options",
    "chat",
    case(
        "CHAT-REQ-038",
        "stream_options without stream",
        stream_options={"include_usage": True},
    ),
    needs=("streaming",),
)


@table("chat.history", "chat", [None])
def history(_: Params, served: Served) -> Iterator[Step]:
    """A conversation that goes on from the model's own reply, as clients keep it.

    Each token of what follows is to be the likeliest, as if nothing had come before.
    """
    body = valid("chat", served)
    greedy = {"temperature": 0, "max_tokens": _NEXT}
    likeliest = {"logprobs": True, "top_logprobs": 1}
    scored = greedy | (likeliest if served.offers("logprobs") else {})

    def continued(answers: Answers) -> Any:
        reply = message_of(answers["first"])
        turns = [*body["messages"], as_turn(reply), _USER]
        is_reply = text_of(answers["first"])
        return body | scored | {"messages": turns} if is_reply else None

    rows = ("META-083", "CHAT-REQ-008")
    yield Step("first", CHAT, body, shared=True)
    yield Step(
        "next",
        CHAT,
        continued,
        serves=rows,
        off_schema=OWN,
        wants="a reply",
        completion_tokens=_NEXT,
    )


PROBES: tuple[Probe, ...] = (
    printed("chat", limit=PRINTED_ROOM),
    ACCEPTED,
    *decoding_probes("chat"),
    *shared_probes("chat"),
    REFUSED,
    UNDECIDED,
    UNDECIDED_OPTIONS,
    history,
    *logprobs.logprob_probes(logprobs.CHAT),
    *TOOL_PROBES,
)
