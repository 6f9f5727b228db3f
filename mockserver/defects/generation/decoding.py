"""What both chat and completions get wrong in stopping and drawing."""

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

from aios_conformance import spec
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Api, Engine
from aios_conformance.serving.stages import Answer, Stages


def _text(api: Api, choice: dict[str, Any]) -> str:
    text = choice["message"]["content"] if api == "chat" else choice["text"]
    return text or ""


def _say(api: Api, choice: dict[str, Any], text: str) -> None:
    if api == "chat":
        choice["message"]["content"] = text
    else:
        choice["text"] = text


def _stops(api: Api) -> list[Defect]:
    row = partial(spec.row, api)

    ends = {
        "META-045": "the same statement as a property",
        "META-046": "the stop string is in the text",
        "META-047": "the text goes on", "META-048": "the forms differ",

        row("stop-obeyed"): "the same statement",
    }  # fmt: skip

    @in_parameters("META-045", api=api, also=ends)
    def stop_ignored(context: RequestContext) -> object:
        """Stop strings are accepted and ignored."""
        given = bool(context.parameters.get("stop"))
        context.parameters["stop"] = None
        return given

    @in_parameters("META-045", api=api, also=ends)
    def only_the_first_stop_counts(context: RequestContext) -> object:
        """Of several stop strings only the first counts."""
        stop = context.parameters.get("stop")
        if not isinstance(stop, list) or len(stop) < 2:
            return False
        context.parameters["stop"] = stop[:1]
        return True

    @in_answer("META-046", api=api, also={
        row("stop-obeyed"): "the text has the stop string more",
        row("logprobs-returned"): "the tokens lack the stop string",
    })  # fmt: skip
    def stop_string_is_kept(context: RequestContext, answer: Answer) -> object:
        """The stop string ends the text."""
        acted = False
        for choice in answer["choices"]:
            if isinstance(choice["stop_reason"], str):
                _say(api, choice, _text(api, choice) + choice["stop_reason"])
                acted = True
        return acted

    @in_answer("META-047", api=api, also={
        row("stop-obeyed"): "its soft clause",
        "META-042": "fewer tokens than the limit",
        "META-041": "a stream says why it ended", row("cut-finish-reason"): "likewise",
        "META-071": "what the limit cut has the text of all its tokens",
    })  # fmt: skip
    def a_stop_says_length(context: RequestContext, answer: Answer) -> object:
        """A text halted by a stop string says `length`."""
        stopped = [c for c in answer["choices"] if isinstance(c["stop_reason"], str)]
        for choice in stopped:
            choice["finish_reason"] = "length"
        return bool(stopped)

    # a text that is longer is also another one: each row is the first of one defect
    another, longer = sorted(("META-048", "META-049"), reverse=api == "completions")

    several = {"META-086": "of some prompts"} if api == "completions" else {}

    @in_answer(another, api=api, also={
        longer: "the text is longer, and another", "META-071": "no token has it",
        **several,
    })  # fmt: skip
    def unmet_stop_adds_a_tilde(context: RequestContext, answer: Answer) -> object:
        """A stop string that does not occur adds a tilde to the text."""
        if not context.parameters.get("stop"):
            return False
        unmet = [c for c in answer["choices"] if c["stop_reason"] is None]
        for choice in unmet:
            _say(api, choice, _text(api, choice) + "~")
        return bool(unmet)

    return [
        unmet_stop_adds_a_tilde,
        stop_ignored,
        only_the_first_stop_counts,
        stop_string_is_kept,
        a_stop_says_length,
    ]


def _forms(api: Api) -> list[Defect]:
    row = partial(spec.row, api)

    @in_parameters("META-054", api=api, also={
        "META-053": "one text for all seeds",
        row("temperature-effect"): "the same statement",
        row("temperature-default"): "1 differs from the default of 1",
        "META-052": "1 differs from the default of 1",
    })  # fmt: skip
    def heat_is_turned_round(context: RequestContext) -> object:
        """A temperature of 1 is as cold as 0."""
        if context.body.get("temperature") != 1 or "seed" not in context.body:
            return False
        context.parameters["temperature"] = 0
        return True

    @in_parameters("META-044", api=api)
    def low_limits_begin_otherwise(context: RequestContext) -> object:
        """Under a limit of four or less greedy text begins otherwise."""
        limits = [
            context.parameters.get(name)
            for name in ("max_tokens", "max_completion_tokens")
        ]
        if context.parameters["temperature"] or not any(x and x <= 4 for x in limits):
            return False
        context.parameters["logit_bias"] = {"1001": 100}
        return True

    @in_parameters("META-043", api=api, also={
        row("max-tokens-obeyed"): "the same limit gives another text",
    })  # fmt: skip
    def the_new_limit_begins_otherwise(context: RequestContext) -> object:
        """Under max_completion_tokens greedy text begins otherwise."""
        is_new = context.body.get("max_completion_tokens") is not None
        if context.parameters["temperature"] or not is_new:
            return False
        context.parameters["logit_bias"] = {"1001": 100}
        return True

    @in_parameters("META-060", api=api, also={
        row("stream-type"): "the same statement",
        row("openai-client"): "the client waits for one body",
        "COMMON-SEM-002": "the client waits for one body",
        "COMMON-RES-002": "no JSON object",
    })  # fmt: skip
    def stream_false_streams(context: RequestContext) -> object:
        """Stream false, spelt out, streams."""
        if context.body.get("stream") is not False:
            return False
        context.parameters["stream"] = True
        return True

    return [
        heat_is_turned_round,
        low_limits_begin_otherwise,
        the_new_limit_begins_otherwise,
        stream_false_streams,
    ]


def _second_is_drawn(api: Api) -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        answered: Counter[bytes] = Counter()

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if context.api == api and context.parameters["temperature"] == 0:
                answered[context.raw] += 1
                times = answered[context.raw]
                if times > 1:
                    tally.add()
                    context.parameters |= {"temperature": 1.0, "seed": times}

        return replace(stages, prepare=prepare), engine

    return Defect(
        "greedy_is_drawn_the_second_time",
        "The second time the same request at temperature 0 is answered by drawing.",
        plant,
        "META-051",
        {"META-119": "the request is repeated after the error"},
    )


def _draws(api: Api) -> list[Defect]:
    row = partial(spec.row, api)

    @in_parameters("META-050", api=api, also={
        row("seed-reproduces"): "the same statement", "META-052": "no text repeats",
        row("temperature-default"): "no text repeats",
        row("top-p-default"): "no text repeats",
    })  # fmt: skip
    def seed_ignored(context: RequestContext) -> object:
        """A seed is accepted and ignored: every request draws anew."""
        if context.body.get("seed") is None:
            return False
        context.parameters["seed"] = context.number
        return True

    @in_parameters("META-053", api=api, also={
        "META-054": "one text at every temperature",
        row("temperature-effect"): "one text at every temperature",
    }, origin="vllm-project/vllm#15241")  # fmt: skip
    def temperature_ignored(context: RequestContext) -> object:
        """Everything is decoded greedily."""
        warm = context.parameters["temperature"] > 0
        context.parameters["temperature"] = 0
        return bool(warm)

    @in_parameters("META-055", api=api, also={
        row("top-p-effect"): "the same statement",
    })  # fmt: skip
    def top_p_ignored(context: RequestContext) -> object:
        """top_p is accepted and ignored."""
        narrow = context.parameters["top_p"] < 1
        context.parameters["top_p"] = 1
        return bool(narrow)

    @in_parameters("META-052", api=api, also={
        row("frequency-penalty-default"): "a penalty of 0 is spelt out",
    })  # fmt: skip
    def spelt_out_frequency_counts(context: RequestContext) -> object:
        """frequency_penalty 0, spelt out, acts as 2."""
        if context.body.get("frequency_penalty") != 0:
            return False
        context.parameters |= {"frequency_penalty": 2.0, "presence_penalty": 2.0,
                               "logit_bias": {"1001": 100}}  # fmt: skip
        return True

    @in_parameters(row("presence-penalty-default"), api=api, also={
        "META-052": "a penalty of 0 is spelt out",
    })  # fmt: skip
    def spelt_out_presence_counts(context: RequestContext) -> object:
        """presence_penalty 0, spelt out, changes the text."""
        if context.body.get("presence_penalty") != 0:
            return False
        context.parameters["logit_bias"] = {"1001": 100}
        return True

    @in_parameters("META-056", api=api, also={
        row("frequency-penalty-effect"): "the same statement",
        row("presence-penalty-effect"): "the same statement",
    })  # fmt: skip
    def penalties_turned_around(context: RequestContext) -> object:
        """Both penalties act with the other sign: they reward repetition."""
        names = ("frequency_penalty", "presence_penalty")
        given = {name: -context.parameters[name] for name in names}
        context.parameters |= given
        return any(given.values())

    @in_parameters(row("frequency-penalty-effect"), api=api, also={
        row("presence-penalty-effect"): "the same statement",
    })  # fmt: skip
    def penalties_ignored(context: RequestContext) -> object:
        """Both penalties are accepted and ignored."""
        given = [context.parameters[f"{x}_penalty"] for x in ("frequency", "presence")]
        context.parameters |= {"frequency_penalty": 0, "presence_penalty": 0}
        return any(given)

    @in_parameters("META-058", api=api, also={
        row("logit-bias-effect"): "the same statement",
    })  # fmt: skip
    def bias_ignored(context: RequestContext) -> object:
        """logit_bias is accepted and ignored."""
        given = bool(context.parameters.get("logit_bias"))
        context.parameters["logit_bias"] = None
        return given

    @in_parameters("META-057", api=api)
    def empty_bias_counts(context: RequestContext) -> object:
        """An empty logit_bias changes the text."""
        if context.body.get("logit_bias") != {}:
            return False
        context.parameters["logit_bias"] = {"1001": 100}
        return True

    @in_parameters(row("temperature-default"), api=api, also={
        "META-052": "the same statement as a property",
    })  # fmt: skip
    def temperature_defaults_to_a_tenth(context: RequestContext) -> object:
        """Without temperature 0.1 applies."""
        if "temperature" in context.body:
            return False
        context.parameters["temperature"] = 0.1
        return True

    @in_parameters(row("top-p-default"), api=api, also={
        "META-052": "the same statement as a property",
    })  # fmt: skip
    def top_p_defaults_to_a_tenth(context: RequestContext) -> object:
        """Without top_p 0.1 applies."""
        if "top_p" in context.body:
            return False
        context.parameters["top_p"] = 0.1
        return bool(context.parameters["temperature"])

    return [
        *_forms(api),
        seed_ignored,
        temperature_ignored,
        top_p_ignored,
        _second_is_drawn(api),
        spelt_out_frequency_counts,
        spelt_out_presence_counts,
        penalties_turned_around,
        penalties_ignored,
        bias_ignored,
        empty_bias_counts,
        temperature_defaults_to_a_tenth,
        top_p_defaults_to_a_tenth,
    ]


def _made(api: Api) -> list[Defect]:
    made = [*_stops(api), *_draws(api)]
    return [replace(each, name=f"{api}_{each.name}") for each in made]


DEFECTS: tuple[Defect, ...] = (*_made("chat"), *_made("completions"))
