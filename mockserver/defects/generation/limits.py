"""What both chat and completions get wrong in limits, choices and counts."""

from dataclasses import replace as with_
from functools import partial

from aios_conformance import spec
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Api
from aios_conformance.serving.stages import Answer

PROMPTS = {
    "COMP-SEM-018": "twice as many choices for each prompt",
    "META-086": "twice as many choices for each prompt",
}


def _limits(api: Api) -> list[Defect]:
    row = partial(spec.row, api)

    @in_parameters(row("max-completion-tokens-obeyed"), api=api, also={
        "META-043": "the two limits differ", "META-040": "the limit is exceeded",
        "META-042": "more than the limit", "COMMON-REQ-014": "more than the limit",
        row("max-completion-tokens-range"): "a limit of 0 gives tokens",
    }, origin="vllm-project/vllm-ascend#15931")  # fmt: skip
    def max_completion_tokens_ignored(context: RequestContext) -> object:
        """max_completion_tokens is accepted and ignored; 16 applies."""
        if context.body.get("max_completion_tokens") is None:
            return False
        context.parameters["max_completion_tokens"] = None
        if context.parameters.get("max_tokens") is None:
            context.parameters["max_tokens"] = 16
        return bool(context.body["max_completion_tokens"] < 16)

    @in_parameters(row("max-tokens-obeyed"), api=api, also={
        "META-043": "the two limits differ", "META-040": "the limit is exceeded",
        "META-041": "one more than the limit", "META-042": "more than the limit",
        "META-037": "one more per choice",
    })  # fmt: skip
    def max_tokens_gives_one_more(context: RequestContext) -> object:
        """max_tokens k generates k + 1 tokens."""
        limit = context.parameters.get("max_tokens")
        if not limit:
            return False
        context.parameters["max_tokens"] = limit + 1
        return True

    @in_answer("META-041", api=api, also={
        row("cut-finish-reason"): "the same statement",
        row("stream-format"): "the stream differs",
    })  # fmt: skip
    def a_cut_says_stop(context: RequestContext, answer: Answer) -> object:
        """A text cut at the limit says `stop`."""
        cut = [c for c in answer["choices"] if c["finish_reason"] == "length"]
        for choice in cut:
            choice["finish_reason"] = "stop"
        return bool(cut)

    @in_answer(row("finish-reason-type"), api=api, also={
        "META-041": "no `length`", row("cut-finish-reason"): "no `length`",
        row("stream-format"): "the stream differs",
    })  # fmt: skip
    def finish_reason_is_an_object(context: RequestContext, answer: Answer) -> object:
        """finish_reason is an object."""
        for choice in answer["choices"]:
            choice["finish_reason"] = {"type": choice["finish_reason"]}
        return True

    return [
        max_completion_tokens_ignored,
        max_tokens_gives_one_more,
        a_cut_says_stop,
        finish_reason_is_an_object,
    ]


def _several(api: Api) -> list[Defect]:
    row = partial(spec.row, api)

    together = {}
    if api == "completions":
        together["META-086"] = "several prompts have several choices"

    @in_parameters(row("n-obeyed"), api=api, also={
        "META-035": "the same statement as a property",
        "META-065": "the stream has one choice too",
    })  # fmt: skip
    def n_ignored(context: RequestContext) -> object:
        """N is accepted, and one choice comes back."""
        several = context.parameters["n"] > 1
        context.parameters["n"] = 1
        return several

    @in_answer("META-035", api=api, also={
        "COMP-SEM-018": "indices are not distinct",
    })  # fmt: skip
    def all_choices_have_index_0(context: RequestContext, answer: Answer) -> object:
        """With several choices every index is 0."""
        for choice in answer["choices"]:
            choice["index"] = 0
        return len(answer["choices"]) > 1

    @in_answer("META-037", api=api, also=together)
    def usage_counts_one_choice(context: RequestContext, answer: Answer) -> object:
        """completion_tokens of several choices is that of one."""
        count = len(answer["choices"])
        usage = answer["usage"]
        usage["completion_tokens"] //= count
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return count > 1

    @in_answer("META-037", api=api)
    def prompt_counted_per_choice(context: RequestContext, answer: Answer) -> object:
        """prompt_tokens is counted once for every choice."""
        usage, n = answer["usage"], context.parameters["n"]
        usage["prompt_tokens"] *= n
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return n > 1

    @in_parameters("META-036", api=api, also=PROMPTS)
    def one_choice_is_two(context: RequestContext) -> object:
        """N 1, spelt out, gives two choices."""
        if context.body.get("n") != 1:
            return False
        context.parameters["n"] = 2
        return True

    return [
        n_ignored,
        all_choices_have_index_0,
        usage_counts_one_choice,
        prompt_counted_per_choice,
        one_choice_is_two,
    ]


def _counts(api: Api) -> list[Defect]:
    streamed = {
        "META-062": "the stream counts rightly",
        "META-064": "the stream counts rightly",
        "META-039": "a longer prompt of a lower limit counts less",
        "META-037": "several choices in a stream, or under another limit",
    }
    if api == "completions":
        streamed["META-086"] = "prompts together and alone count otherwise"

    @in_answer("META-038", api=api, also=streamed)
    def prompt_tokens_depend_on_the_limit(
        context: RequestContext, answer: Answer
    ) -> object:
        """prompt_tokens takes in the limit."""
        usage = answer["usage"]
        usage["prompt_tokens"] += context.parameters.get("max_tokens") or 0
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return True

    @in_answer("META-039", api=api, also=streamed)
    def prompt_tokens_stop_at_twelve(context: RequestContext, answer: Answer) -> object:
        """prompt_tokens above 12 is counted down from 24."""
        usage = answer["usage"]
        if usage["prompt_tokens"] <= 12:
            return False
        usage["prompt_tokens"] = max(1, 24 - usage["prompt_tokens"] // 2)
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return True

    return [prompt_tokens_depend_on_the_limit, prompt_tokens_stop_at_twelve]


def _made(api: Api) -> list[Defect]:
    made = [*_limits(api), *_several(api), *_counts(api)]
    return [with_(each, name=f"{api}_{each.name}") for each in made]


DEFECTS: tuple[Defect, ...] = (*_made("chat"), *_made("completions"))
