"""What a chat server can get wrong about log probabilities."""

from typing import Any

from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.mockserver.defects.tables import answers, crashes
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer

API = "chat"


def _positions(answer: Answer) -> list[dict[str, Any]]:
    return [
        position
        for choice in answer["choices"]
        for position in ((choice["logprobs"] or {}).get("content") or [])
    ]


@in_parameters("META-072", api=API)
def chat_logprobs_unasked(context: RequestContext) -> object:
    """Log probabilities come unasked."""
    unasked = not context.parameters["logprobs"]
    context.parameters["logprobs"] = True
    return unasked


@in_parameters("CHAT-SEM-005", api=API, origin="vllm-project/vllm#4795")
def chat_logprobs_without_top_ignored(context: RequestContext) -> object:
    """Logprobs true without top_logprobs gives none."""
    if not context.parameters["logprobs"] or context.parameters.get("top_logprobs"):
        return False
    context.parameters["logprobs"] = False
    return True


@in_answer("CHAT-SEM-006", api=API, also={
    "META-068": "k - 1 of them",
})  # fmt: skip
def chat_one_alternative_short(context: RequestContext, answer: Answer) -> object:
    """top_logprobs k lists k - 1 alternatives."""
    acted = False
    for position in _positions(answer):
        if len(position["top_logprobs"]) > 1:
            position["top_logprobs"].pop()
            acted = True
    return acted


@in_answer("META-066", api=API, also={
    "META-067": "probabilities above 1", "META-069": "another log probability",
    "META-075": "the likeliest are the least likely",
})  # fmt: skip
def chat_logprobs_positive(context: RequestContext, answer: Answer) -> object:
    """Log probabilities have lost their sign."""
    positions = _positions(answer)
    for position in positions:
        for entry in (position, *position["top_logprobs"]):
            entry["logprob"] = abs(entry["logprob"])
    return bool(positions)


@in_answer("META-067", api=API, also={
    "META-069": "the chosen token has another one",
})  # fmt: skip
def chat_probabilities_sum_above_one(context: RequestContext, answer: Answer) -> object:
    """All alternatives of a position have the log probability of the best."""
    acted = False
    for position in _positions(answer):
        for entry in position["top_logprobs"]:
            entry["logprob"] = -0.2
            acted |= len(position["top_logprobs"]) > 1
    return acted


@in_answer("META-068", api=API, also={
    "CHAT-SEM-006": "one of them is missing", "META-075": "one of them is missing",
    "META-067": "one of them counts twice",
})  # fmt: skip
def chat_alternative_listed_twice(context: RequestContext, answer: Answer) -> object:
    """The likeliest alternative is listed again in place of the last one."""
    acted = False
    for position in _positions(answer):
        listed = position["top_logprobs"]
        if len(listed) > 1:
            listed[-1], acted = listed[0], True
    return acted


@in_answer("META-069", api=API)
def chat_chosen_logprob_differs(context: RequestContext, answer: Answer) -> object:
    """The chosen token has half the log probability of its own entry."""
    positions = _positions(answer)
    for position in positions:
        position["logprob"] = position["logprob"] * 2 - 0.5
    return bool(positions)


@in_answer("META-070", api=API, also={
    "META-071": "the first token is lost", "META-037": "fewer than are counted",
})  # fmt: skip
def chat_first_position_lost(context: RequestContext, answer: Answer) -> object:
    """The first two positions of log probabilities are lost."""
    acted = False
    for choice in answer["choices"]:
        if choice["logprobs"] and len(choice["logprobs"]["content"]) > 2:
            del choice["logprobs"]["content"][:2]
            acted = True
    return acted


@in_answer("META-071", api=API)
def chat_tokens_lose_their_spaces(context: RequestContext, answer: Answer) -> object:
    """Tokens of log probabilities are stripped of white space."""
    acted = False
    for position in _positions(answer):
        stripped = position["token"].strip()
        acted |= stripped != position["token"]
        position["token"] = stripped
        position["bytes"] = list(stripped.encode())
    return acted


@in_parameters("META-073", api=API, also={
    "META-047": "a scored stop ends another text", "META-048": "likewise",
    "META-049": "likewise", "META-059": "a stream has none",
})  # fmt: skip
def chat_logprobs_change_the_text(context: RequestContext) -> object:
    """Asking for log probabilities changes the text."""
    if not context.parameters["logprobs"]:
        return False
    context.parameters["logit_bias"] = {"1001": 100}
    return True


@in_answer("META-075", api=API, also={
    "CHAT-SEM-006": "k - 1 of them", "META-068": "k - 1 of them",
})  # fmt: skip
def chat_many_alternatives_skip_the_second(
    context: RequestContext, answer: Answer
) -> object:
    """With top_logprobs above 5 the second alternative is skipped."""
    if (context.parameters.get("top_logprobs") or 0) <= 5:
        return False
    acted = False
    for position in _positions(answer):
        if len(position["top_logprobs"]) > 6:
            del position["top_logprobs"][1]
            acted = True
    return acted


def _has_alternatives_only(context: RequestContext, error: ApiError) -> bool:
    return "top_logprobs" in context.body and "logprobs" not in context.body


DEFECTS: tuple[Defect, ...] = (
    chat_logprobs_unasked,
    chat_logprobs_without_top_ignored,
    chat_one_alternative_short,
    chat_logprobs_positive,
    chat_probabilities_sum_above_one,
    chat_alternative_listed_twice,
    chat_chosen_logprob_differs,
    chat_first_position_lost,
    chat_tokens_lose_their_spaces,
    chat_logprobs_change_the_text,
    chat_many_alternatives_skip_the_second,
    answers("chat_alternatives_without_logprobs", "META-074", "chat",
            _has_alternatives_only, what="top_logprobs without logprobs",
            also={"CHAT-REQ-052": "the same statement"}),
    crashes("chat_crashes_on_alternatives_alone", "CHAT-ERR-003", "chat",
            lambda context: "top_logprobs" in context.body
            and "logprobs" not in context.body,
            what="top_logprobs without logprobs",
            also={"COMMON-ERR-004": "the same statement"}),
)  # fmt: skip
