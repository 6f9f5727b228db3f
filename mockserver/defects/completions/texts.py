"""What a completions server can get wrong: echo, prompts, log probabilities."""

from typing import Any

from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer

API = "completions"
VALID = {"COMMON-RES-001": "a valid request is not answered 200"}


def _laid(answer: Answer) -> list[dict[str, Any]]:
    return [c["logprobs"] for c in answer["choices"] if c["logprobs"]]


def _prompts(context: RequestContext) -> int:
    prompt = context.parameters["prompt"]
    return len(prompt) if isinstance(prompt, list) else 1


@in_parameters("META-084", api=API, also={
    "COMP-SEM-002": "the same statement",
})  # fmt: skip
def completions_echo_ignored(context: RequestContext) -> object:
    """Echo is accepted and ignored."""
    asked = context.parameters["echo"]
    context.parameters["echo"] = False
    return bool(asked)


@in_answer("COMP-SEM-002", api=API, also={
    "META-084": "the same statement as a property",
    "META-071": "the tokens are not lower-cased",
})  # fmt: skip
def completions_echo_is_lower_cased(context: RequestContext, answer: Answer) -> object:
    """The echoed text begins in lower case."""
    if not context.parameters["echo"]:
        return False
    for choice in answer["choices"]:
        choice["text"] = choice["text"][:1].swapcase() + choice["text"][1:]
    return True


@in_answer("META-084", api=API, also={
    "COMP-SEM-002": "the same statement",
})  # fmt: skip
def completions_echo_only_in_the_first_choice(
    context: RequestContext, answer: Answer
) -> object:
    """Of several choices only the first echoes."""
    prompt, each = context.parameters["prompt"], context.parameters["n"]
    if not context.parameters["echo"] or each < 2:
        return False
    prompts = prompt if isinstance(prompt, list) else [prompt]
    for choice in answer["choices"]:
        if choice["index"] % each:
            mine = prompts[choice["index"] // each]
            choice["text"] = choice["text"].removeprefix(mine)
    return True


@in_answer("META-085", api=API, also={"COMP-SEM-005": "above the limit",
    "COMP-SEM-004": "above the limit", "META-040": "above the limit",
    "META-042": "above the limit",
    "COMP-REQ-022": "above a limit of 0",
})  # fmt: skip
def completions_echo_is_counted(context: RequestContext, answer: Answer) -> object:
    """Echoed tokens are counted as generated ones."""
    if not context.parameters["echo"]:
        return False
    usage = answer["usage"]
    usage["completion_tokens"] += usage["prompt_tokens"]
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    return True


@in_answer("META-086", api=API, also={
    "COMP-SEM-018": "the groups are exchanged",
    "META-071": "log probabilities stay where they were",
})  # fmt: skip
def completions_prompts_answered_in_reverse(
    context: RequestContext, answer: Answer
) -> object:
    """The texts of several prompts come in reverse order."""
    choices = answer["choices"]
    if _prompts(context) < 2:
        return False
    texts = [choice["text"] for choice in choices]
    for choice, text in zip(choices, reversed(texts), strict=True):
        choice["text"] = text
    return texts != texts[::-1]


@in_answer("COMP-SEM-018", api=API, also={
    "META-086": "a prompt has no text", "COMP-RES-005": "no choice is left of one",
    "META-037": "choices are counted that are not there",
})  # fmt: skip
def completions_last_prompt_lost(context: RequestContext, answer: Answer) -> object:
    """The last of several prompts gets no choice."""
    if _prompts(context) < 2:
        return False
    n = context.parameters["n"]
    del answer["choices"][-n:]
    return True


@in_answer("COMP-SEM-018", api=API)
def completions_index_starts_again(context: RequestContext, answer: Answer) -> object:
    """Indices start again with each prompt."""
    n = context.parameters["n"]
    for choice in answer["choices"]:
        choice["index"] %= n
    return _prompts(context) > 1


@in_parameters("META-087", api=API)
def completions_lists_are_continued_otherwise(context: RequestContext) -> object:
    """A prompt in an array of one is continued otherwise."""
    if not isinstance(context.parameters["prompt"], list) or _prompts(context) > 1:
        return False
    context.parameters["logit_bias"] = {"1001": 100}
    return True


@in_answer("COMP-SEM-003", api=API, also={
    "META-068": "too few of them",
})  # fmt: skip
def completions_one_alternative_only(context: RequestContext, answer: Answer) -> object:
    """Logprobs k lists one alternative."""
    acted = False
    for laid in _laid(answer):
        for position in laid["top_logprobs"]:
            for token in list(position or {})[1:]:
                del position[token]
                acted = True
    return acted


@in_answer("META-066", api=API, also={"META-069": "another log probability",
})  # fmt: skip
def completions_probabilities_for_logs(
    context: RequestContext, answer: Answer
) -> object:
    """token_logprobs holds probabilities in percent."""
    laid = _laid(answer)
    for each in laid:
        each["token_logprobs"] = [
            None if value is None else 100 * 2.718281828**value
            for value in each["token_logprobs"]
        ]
    return bool(laid)


@in_answer("META-070", api=API, also={
    "META-071": "a token is lost", "META-037": "fewer positions than are counted",
})  # fmt: skip
def completions_last_two_positions_lost(
    context: RequestContext, answer: Answer
) -> object:
    """The last two positions of log probabilities are lost."""
    laid = [each for each in _laid(answer) if len(each["tokens"]) > 2]
    for each in laid:
        for values in each.values():
            del values[-2:]
    return bool(laid)


@in_answer("META-071", api=API, also={"COMP-SEM-003": "the tokens are others"})
def completions_tokens_are_marked(context: RequestContext, answer: Answer) -> object:
    """Tokens show their spaces as underscores."""
    acted = False
    for each in _laid(answer):
        marked = [token.replace(" ", "▁") for token in each["tokens"]]
        acted |= marked != each["tokens"]
        each["tokens"] = marked
    return acted


@in_answer("META-088", api=API, also={
    "COMP-RES-017": "the same statement",
}, origin="vllm-project/vllm#5334")  # fmt: skip
def completions_offsets_one_short(context: RequestContext, answer: Answer) -> object:
    """text_offset lacks its last entry."""
    laid = _laid(answer)
    for each in laid:
        each["text_offset"] = each["text_offset"][:-1]
    return bool(laid)


@in_answer("META-088", api=API, also={"COMP-RES-017": "they begin at the end"})
def completions_offsets_run_backwards(
    context: RequestContext, answer: Answer
) -> object:
    """text_offset falls."""
    laid = [each for each in _laid(answer) if len(each["text_offset"]) > 1]
    for each in laid:
        each["text_offset"].reverse()
    return bool(laid)


@in_answer("META-089", api=API, also={"COMP-SEM-003": "not the likeliest tokens"})
def completions_five_alternatives_are_other_ones(
    context: RequestContext, answer: Answer
) -> object:
    """With logprobs 5 the alternatives are renamed."""
    if context.parameters.get("logprobs") != 5:
        return False
    laid = _laid(answer)
    for each in laid:
        each["top_logprobs"] = [
            position and {f"{token}?": value for token, value in position.items()}
            for position in each["top_logprobs"]
        ]
    return bool(laid)


@in_parameters("META-073", api=API, also={
    "META-047": "a scored stop ends another text", "META-048": "likewise",
    "META-049": "likewise", "META-059": "a stream has none",
})  # fmt: skip
def completions_logprobs_change_the_text(context: RequestContext) -> object:
    """Asking for log probabilities changes the text."""
    if not context.parameters.get("logprobs"):
        return False
    context.parameters["logit_bias"] = {"1001": 100}
    return True


@in_parameters("COMP-RES-008", api=API, also={
    "META-072": "the same statement",
})  # fmt: skip
def completions_logprobs_unasked(context: RequestContext) -> object:
    """Log probabilities come unasked."""
    unasked = not context.parameters.get("logprobs")
    if unasked:
        context.parameters["logprobs"] = 1
    return unasked


@in_parameters("COMP-REQ-005", api=API, also={
    **VALID,
})  # fmt: skip
def completions_arrays_refused(context: RequestContext) -> object:
    """A prompt array is refused."""
    if not isinstance(context.body["prompt"], list):
        return False
    raise BadRequest("/prompt must be a string", code="refused")


@in_answer("COMP-SEM-009", api=API, also={
    "META-050": "the same statement",
    "META-071": "the tokens are not those of the text",
    "COMP-RES-017": "nor are they where the offsets say",
})  # fmt: skip
def completions_seed_is_of_the_first_choice(
    context: RequestContext, answer: Answer
) -> object:
    """With a seed only the first choice comes again."""
    if context.parameters.get("seed") is None or len(answer["choices"]) < 2:
        return False
    for choice in answer["choices"][1:]:
        choice["text"] = f" {context.number}{choice['text']}"
    return True
