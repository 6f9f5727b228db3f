"""What both chat and completions can get wrong, made once for each."""

from dataclasses import replace as with_
from typing import Any

from mockserver.defects.planting import (
    REMOVED,
    Defect,
    crashes,
    forgives,
    in_answer,
    in_parameters,
    member,
    refuses,
)
from mockserver.defects.whens import equals, is_list
from serving.context import Context
from serving.engine import Api
from serving.stages import Answer

VALID = {"COMMON-RES-001": "a valid request is not answered 200"}
BOUND = {"COMMON-ERR-007": "a bound on which the documents agree"}
# rows of chat and of completions that state the same
TWINS: dict[str, dict[Api, str]] = {
    name: {"chat": f"CHAT-{chat}", "completions": f"COMP-{comp}"}
    for name, chat, comp in (
        ("model", "REQ-003", "REQ-002"),
        ("frequency", "REQ-012", "REQ-010"),
        ("frequency range", "REQ-014", "REQ-012"),
        ("frequency default", "REQ-013", "REQ-011"),
        ("bias", "REQ-015", "REQ-013"),
        ("bias key", "REQ-016", "REQ-014"),
        ("bias range", "REQ-017", "REQ-015"),
        ("limit", "REQ-019", "REQ-019"),
        ("limit range", "REQ-020", "REQ-020"),
        ("max", "REQ-022", "REQ-021"),
        ("max range", "REQ-023", "REQ-022"),
        ("n", "REQ-024", "REQ-023"),
        ("n range", "REQ-025", "REQ-024"),
        ("presence", "REQ-026", "REQ-025"),
        ("presence default", "REQ-027", "REQ-026"),
        ("presence range", "REQ-028", "REQ-027"),
        ("seed", "REQ-029", "REQ-028"),
        ("stop type", "REQ-033", "REQ-029"),
        ("stop list", "REQ-031", "REQ-029"),
        ("stream", "REQ-034", "REQ-030"),
        ("options", "REQ-035", "REQ-032"),
        ("continuous", "REQ-037", "REQ-032"),
        ("temperature", "REQ-039", "REQ-033"),
        ("temperature default", "REQ-040", "REQ-034"),
        ("temperature range", "REQ-041", "REQ-035"),
        ("temperature top", "REQ-042", "REQ-036"),
        ("top_p", "REQ-053", "REQ-037"),
        ("top_p default", "REQ-054", "REQ-038"),
        ("top_p range", "REQ-055", "REQ-039"),
        ("id", "RES-001", "RES-001"),
        ("object", "RES-002", "RES-002"),
        ("created", "RES-003", "RES-003"),
        ("model name", "RES-004", "RES-004"),
        ("choices", "RES-005", "RES-005"),
        ("index", "RES-006", "RES-006"),
        ("finish type", "RES-015", "RES-009"),
        ("stop_reason", "RES-017", "RES-010"),
        ("usage", "RES-019", "RES-012"),
        ("prompt_tokens", "RES-020", "RES-013"),
        ("completion_tokens", "RES-021", "RES-015"),
        ("total", "RES-022", "RES-014"),
        ("client", "SEM-001", "SEM-001"),
        ("frequency effect", "SEM-002", "SEM-013"),
        ("presence effect", "SEM-003", "SEM-014"),
        ("bias effect", "SEM-004", "SEM-015"),
        ("new limit obeyed", "SEM-007", "SEM-004"),
        ("max obeyed", "SEM-008", "SEM-005"),
        ("cut", "SEM-010", "SEM-007"),
        ("n obeyed", "SEM-011", "SEM-008"),
        ("seed obeyed", "SEM-012", "SEM-009"),
        ("stop obeyed", "SEM-013", "SEM-010"),
        ("temperature effect", "SEM-016", "SEM-016"),
        ("top_p effect", "SEM-022", "SEM-017"),
        ("error", "ERR-003", "ERR-003"),
        ("missing", "ERR-002", "ERR-002"),
        ("sum example", "EX-003", "EX-004"),
    )
}


def _text(api: Api, choice: dict[str, Any]) -> str:
    text = choice["message"]["content"] if api == "chat" else choice["text"]
    return text or ""


def _say(api: Api, choice: dict[str, Any], text: str) -> None:
    if api == "chat":
        choice["message"]["content"] = text
    else:
        choice["text"] = text


def _row(api: Api, name: str) -> str:
    return TWINS[name][api]


def _limits(api: Api) -> list[Defect]:
    def row(name: str) -> str:
        return _row(api, name)

    @in_parameters(row("new limit obeyed"), api=api, also={
        "META-043": "the two limits differ", "META-040": "the limit is exceeded",
        "META-042": "more than the limit",
        row("limit"): "its acceptance includes no limit",
    }, origin="vllm-project/vllm-ascend#15931")  # fmt: skip
    def max_completion_tokens_ignored(context: Context) -> object:
        """max_completion_tokens is accepted and ignored; 16 applies."""
        if context.body.get("max_completion_tokens") is None:
            return False
        context.parameters["max_completion_tokens"] = None
        if context.parameters.get("max_tokens") is None:
            context.parameters["max_tokens"] = 16
        return bool(context.body["max_completion_tokens"] < 16)

    @in_parameters(row("max obeyed"), api=api, also={
        "META-043": "the two limits differ", "META-040": "the limit is exceeded",
        "META-041": "one more than the limit", "META-042": "more than the limit",
        "META-044": "never: still a prefix", "META-037": "one more per choice",
        "META-062": "never: stream and whole agree",
    })  # fmt: skip
    def max_tokens_gives_one_more(context: Context) -> object:
        """max_tokens k generates k + 1 tokens."""
        limit = context.parameters.get("max_tokens")
        if not limit:
            return False
        context.parameters["max_tokens"] = limit + 1
        return True

    @in_answer("META-041", api=api, also={
        row("cut"): "the same statement", "META-042": "stop at the limit",
    })  # fmt: skip
    def a_cut_says_stop(context: Context, answer: Answer) -> object:
        """A text cut at the limit says `stop`."""
        cut = [c for c in answer["choices"] if c["finish_reason"] == "length"]
        for choice in cut:
            choice["finish_reason"] = "stop"
        return bool(cut)

    @in_answer(row("finish type"), api=api)
    def finish_reason_is_an_object(context: Context, answer: Answer) -> object:
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
    def row(name: str) -> str:
        return _row(api, name)

    @in_parameters(row("n obeyed"), api=api, also={
        "META-035": "the same statement as a property",
        "META-065": "the stream has one choice too",
    })  # fmt: skip
    def n_ignored(context: Context) -> object:
        """N is accepted, and one choice comes back."""
        several = context.parameters["n"] > 1
        context.parameters["n"] = 1
        return several

    @in_answer("META-035", api=api, also={
        row("index"): "0 to n-1", row("n obeyed"): "the same statement",
        "COMP-SEM-018": "indices are not distinct",
    })  # fmt: skip
    def all_choices_have_index_0(context: Context, answer: Answer) -> object:
        """With several choices every index is 0."""
        for choice in answer["choices"]:
            choice["index"] = 0
        return len(answer["choices"]) > 1

    @in_answer("META-037", api=api)
    def usage_counts_one_choice(context: Context, answer: Answer) -> object:
        """completion_tokens of several choices is that of one."""
        count = len(answer["choices"])
        usage = answer["usage"]
        usage["completion_tokens"] //= count
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return count > 1

    @in_answer("META-037", api=api)
    def prompt_counted_per_choice(context: Context, answer: Answer) -> object:
        """prompt_tokens is counted once for every choice."""
        usage, n = answer["usage"], context.parameters["n"]
        usage["prompt_tokens"] *= n
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return n > 1

    @in_parameters("META-036", api=api, also={
        row("n obeyed"): "the number is not n", "META-035": "not n choices",
    })  # fmt: skip
    def one_choice_is_two(context: Context) -> object:
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


def _stops(api: Api) -> list[Defect]:
    def row(name: str) -> str:
        return _row(api, name)

    ends = {
        "META-045": "the same statement as a property",
        "META-046": "the stop string is in the text",
        "META-047": "the text goes on", "META-048": "the forms differ",
        "META-049": "never: not longer than without",
        "META-059": "never: stream and whole agree",
        row("stop obeyed"): "the same statement",
    }  # fmt: skip

    @in_parameters("META-045", api=api, also=ends)
    def stop_ignored(context: Context) -> object:
        """Stop strings are accepted and ignored."""
        given = bool(context.parameters.get("stop"))
        context.parameters["stop"] = None
        return given

    @in_parameters("META-045", api=api, also=ends)
    def only_the_first_stop_counts(context: Context) -> object:
        """Of several stop strings only the first counts."""
        stop = context.parameters.get("stop")
        if not isinstance(stop, list) or len(stop) < 2:
            return False
        context.parameters["stop"] = stop[:1]
        return True

    @in_answer("META-046", api=api, also={
        "META-047": "the text has the stop string more",
        "META-048": "the forms differ",
    })  # fmt: skip
    def stop_string_is_kept(context: Context, answer: Answer) -> object:
        """The stop string ends the text."""
        acted = False
        for choice in answer["choices"]:
            if isinstance(choice["stop_reason"], str):
                _say(api, choice, _text(api, choice) + choice["stop_reason"])
                acted = True
        return acted

    @in_answer("META-047", api=api, also={
        row("stop obeyed"): "its soft clause",
    })  # fmt: skip
    def a_stop_says_length(context: Context, answer: Answer) -> object:
        """A text halted by a stop string says `length`."""
        stopped = [c for c in answer["choices"] if isinstance(c["stop_reason"], str)]
        for choice in stopped:
            choice["finish_reason"] = "length"
        return bool(stopped)

    return [
        stop_ignored,
        only_the_first_stop_counts,
        stop_string_is_kept,
        a_stop_says_length,
    ]


def _draws(api: Api) -> list[Defect]:
    def row(name: str) -> str:
        return _row(api, name)

    @in_parameters("META-050", api=api, also={
        row("seed obeyed"): "the same statement", "META-052": "no text repeats",
        row("temperature default"): "no text repeats",
        row("top_p default"): "no text repeats",
    })  # fmt: skip
    def seed_ignored(context: Context) -> object:
        """A seed is accepted and ignored: every request draws anew."""
        if context.body.get("seed") is None:
            return False
        context.parameters["seed"] = context.number
        return True

    @in_parameters("META-053", api=api, also={
        "META-054": "one text at every temperature",
        row("temperature effect"): "one text at every temperature",
    }, origin="vllm-project/vllm#15241")  # fmt: skip
    def temperature_ignored(context: Context) -> object:
        """Everything is decoded greedily."""
        warm = context.parameters["temperature"] > 0
        context.parameters["temperature"] = 0
        return bool(warm)

    @in_parameters("META-055", api=api, also={
        row("top_p effect"): "the same statement",
    })  # fmt: skip
    def top_p_ignored(context: Context) -> object:
        """top_p is accepted and ignored."""
        narrow = context.parameters["top_p"] < 1
        context.parameters["top_p"] = 1
        return bool(narrow)

    @in_parameters("META-051", api=api, also={
        "META-044": "no text repeats", "META-043": "its soft clause",
        "META-036": "its soft clause", "META-052": "no text repeats",
        row("frequency default"): "no text repeats",
        row("presence default"): "no text repeats",
        "META-057": "no text repeats", "META-047": "no text repeats",
        "META-048": "its soft clause", "META-059": "no text repeats",
        "META-062": "another length", "META-069": "not greedy",
        "META-073": "no text repeats", "META-075": "no text repeats",
        "META-086": "no text repeats", "META-087": "no text repeats",
        "META-084": "its soft clause", "META-085": "another length",
        "META-089": "no text repeats", "META-117": "its soft clause",
        "META-118": "no text repeats", "META-119": "no text repeats",
        "META-055": "cold is not greedy", row("top_p effect"): "cold is not greedy",
        "META-045": "the plain text is another one", "META-049": "another length",
        row("stop obeyed"): "the plain text is another one",
        "META-041": "another length", row("cut"): "another length",
        "META-079": "no text repeats", "META-058": "never",
        "CHAT-REQ-032": "its soft clause", "CHAT-SEM-008": "its soft clause",
    })  # fmt: skip
    def greedy_is_not_greedy(context: Context) -> object:
        """Temperature 0 samples, differently each time."""
        if context.parameters["temperature"] != 0:
            return False
        context.parameters |= {"temperature": 0.9, "seed": context.number}
        return True

    @in_parameters("META-052", api=api, also={
        row("frequency default"): "a penalty of 0 is spelt out",
        "META-056": "never: both signs act",
    })  # fmt: skip
    def spelt_out_frequency_counts(context: Context) -> object:
        """frequency_penalty 0, spelt out, acts as 2."""
        if context.body.get("frequency_penalty") != 0:
            return False
        context.parameters |= {"frequency_penalty": 2.0, "presence_penalty": 2.0,
                               "logit_bias": {"1001": 100}}  # fmt: skip
        return True

    @in_parameters(row("presence default"), api=api, also={
        "META-052": "a penalty of 0 is spelt out",
    })  # fmt: skip
    def spelt_out_presence_counts(context: Context) -> object:
        """presence_penalty 0, spelt out, changes the text."""
        if context.body.get("presence_penalty") != 0:
            return False
        context.parameters["logit_bias"] = {"1001": 100}
        return True

    @in_parameters("META-056", api=api, also={
        row("frequency effect"): "the same statement",
        row("presence effect"): "the same statement",
    })  # fmt: skip
    def penalties_ignored(context: Context) -> object:
        """Both penalties are accepted and ignored."""
        given = [context.parameters[f"{x}_penalty"] for x in ("frequency", "presence")]
        context.parameters |= {"frequency_penalty": 0, "presence_penalty": 0}
        return any(given)

    @in_parameters("META-058", api=api, also={
        row("bias effect"): "the same statement",
    })  # fmt: skip
    def bias_ignored(context: Context) -> object:
        """logit_bias is accepted and ignored."""
        given = bool(context.parameters.get("logit_bias"))
        context.parameters["logit_bias"] = None
        return given

    @in_parameters("META-057", api=api)
    def empty_bias_counts(context: Context) -> object:
        """An empty logit_bias changes the text."""
        if context.body.get("logit_bias") != {}:
            return False
        context.parameters["logit_bias"] = {"1001": 100}
        return True

    @in_parameters(row("temperature default"), api=api, also={
        "META-052": "the same statement as a property",
    })  # fmt: skip
    def temperature_defaults_to_a_tenth(context: Context) -> object:
        """Without temperature 0.1 applies."""
        if "temperature" in context.body:
            return False
        context.parameters["temperature"] = 0.1
        return True

    @in_parameters(row("top_p default"), api=api, also={
        "META-052": "the same statement as a property",
    })  # fmt: skip
    def top_p_defaults_to_a_tenth(context: Context) -> object:
        """Without top_p 0.1 applies."""
        if "top_p" in context.body:
            return False
        context.parameters["top_p"] = 0.1
        return bool(context.parameters["temperature"])

    return [
        seed_ignored,
        temperature_ignored,
        top_p_ignored,
        greedy_is_not_greedy,
        spelt_out_frequency_counts,
        spelt_out_presence_counts,
        penalties_ignored,
        bias_ignored,
        empty_bias_counts,
        temperature_defaults_to_a_tenth,
        top_p_defaults_to_a_tenth,
    ]


def _counts(api: Api) -> list[Defect]:
    @in_answer("META-038", api=api)
    def prompt_tokens_depend_on_the_limit(context: Context, answer: Answer) -> object:
        """prompt_tokens takes in the limit."""
        usage = answer["usage"]
        usage["prompt_tokens"] += context.parameters.get("max_tokens") or 0
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return True

    @in_answer("META-039", api=api)
    def prompt_tokens_stop_at_twelve(context: Context, answer: Answer) -> object:
        """prompt_tokens above 12 is counted down from 24."""
        usage = answer["usage"]
        if usage["prompt_tokens"] <= 12:
            return False
        usage["prompt_tokens"] = max(1, 24 - usage["prompt_tokens"] // 2)
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return True

    return [prompt_tokens_depend_on_the_limit, prompt_tokens_stop_at_twelve]


def _table(api: Api) -> list[Defect]:
    def row(name: str) -> str:
        return _row(api, name)

    same = {"COMMON-RES-009": "the same member"}
    return [
        member("id_missing", row("id"), api, "id", REMOVED,
               also={"COMMON-RES-005": "the same member"}),
        member("object_is_chunk", row("object"), api, "object",
               lambda name: f"{name}.chunk"),
        member("created_is_fractional", row("created"), api, "created",
               lambda seconds: seconds + 0.25,
               also={"COMMON-RES-006": "the same member"}),
        member("model_is_an_object", row("model name"), api, "model",
               lambda name: {"id": name}, also={"COMMON-RES-007": "the same member"}),
        member("choices_is_empty", row("choices"), api, "choices", [], also={
            "COMMON-SEM-002": "no choice to read", row("client"): "no choice to read",
            row("n obeyed"): "not n choices", "META-035": "not n choices",
            "META-036": "not one choice"}),
        member("last_index_is_a_string", row("index"), api, "choices/-1/index", str),
        member("stop_reason_missing", row("stop_reason"), api,
               "choices/*/stop_reason", REMOVED),
        member("usage_is_null", row("usage"), api, "usage", None),
        member("prompt_tokens_is_a_string", row("prompt_tokens"), api,
               "usage/prompt_tokens", str, also=same),
        member("completion_tokens_is_fractional", row("completion_tokens"), api,
               "usage", lambda usage: usage | {
                   "completion_tokens": usage["completion_tokens"] + 0.5,
                   "total_tokens": usage["total_tokens"] + 0.5},
               also={**same, row("total"): "fractional too"}),
        member("total_is_one_more", row("total"), api, "usage/total_tokens",
               lambda total: total + 1, also={
                   "META-034": "the same statement", "COMMON-RES-010": "the same",
                   row("sum example"): "the same", "META-064": "the stream adds up",
                    "META-062": "the stream adds up"}),
        member("completion_tokens_is_100", "META-040", api, "usage",
               lambda usage: usage | {"completion_tokens": 100,
                                      "total_tokens": usage["prompt_tokens"] + 100},
               also={row("new limit obeyed"): "above the limit",
                     row("max obeyed"): "above the limit", "META-042": "above",
                     "META-043": "above the limit", "META-041": "above the limit",
                     "META-037": "not all choices", "META-062": "the stream is right",
                     "META-070": "more than there are positions",
                     "META-085": "never: always 100"}),
        forgives("model_may_be_an_object", row("model"), api, "/model",
                 keyword="type", instead="meta-llama/Llama-3.3-70B-Instruct"),
        *(
            forgives(f"{field}_may_be_a_word", row(field.split("_")[0]), api,
                     f"/{field}*", when=lambda value: isinstance(value, str))
            for field in ("frequency_penalty", "presence_penalty", "seed",
                          "temperature")
        ),
        forgives("top_p_may_be_a_word", row("top_p"), api, "/top_p*",
                 when=lambda value: isinstance(value, str)),
        forgives("frequency_may_be_above_2", row("frequency range"), api,
                 "/frequency_penalty*", keyword="maximum", also=BOUND),
        forgives("frequency_may_be_below_-2", row("frequency range"), api,
                 "/frequency_penalty*", keyword="minimum"),
        forgives("presence_may_be_above_2", row("presence range"), api,
                 "/presence_penalty*", keyword="maximum"),
        forgives("presence_may_be_below_-2", row("presence range"), api,
                 "/presence_penalty*", keyword="minimum", also=BOUND),
        forgives("bias_may_be_a_word", row("bias"), api, "/logit_bias",
                 when=lambda value: isinstance(value, str)),
        forgives("bias_key_may_be_a_word", row("bias key"), api, "/logit_bias*",
                 when=lambda value: isinstance(value, dict) and any(
                     not key.isdigit() for key in value)),
        forgives("bias_may_be_101", row("bias range"), api, "/logit_bias*",
                 when=lambda value: isinstance(value, dict) and all(
                     key.isdigit() for key in value)),
        forgives("limit_may_be_fractional", row("limit"), api,
                 "/max_completion_tokens*", instead=2,
                 when=lambda value: isinstance(value, float)),
        forgives("limit_may_be_negative", row("limit range"), api,
                 "/max_completion_tokens*", keyword="minimum", instead=2),
        forgives("max_may_be_an_object", row("max"), api, "/max_tokens*",
                 when=lambda value: isinstance(value, dict), instead=2),
        forgives("max_may_be_negative", row("max range"), api, "/max_tokens*",
                 keyword="minimum", instead=2),
        forgives("n_may_be_fractional", row("n"), api, "/n*",
                 when=lambda value: isinstance(value, float)),
        forgives("n_may_be_zero", row("n range"), api, "/n*",
                 when=lambda value: value == 0),
        forgives("stop_may_be_an_object", row("stop type"), api, "/stop*",
                 when=lambda value: isinstance(value, dict)),
        forgives("stream_may_be_an_object", row("stream"), api, "/stream*",
                 when=lambda value: isinstance(value, dict)),
        forgives("temperature_may_be_negative", row("temperature range"), api,
                 "/temperature*", keyword="minimum"),
        forgives("temperature_may_be_above_1", row("temperature top"), api,
                 "/temperature*", keyword="maximum"),
        forgives("top_p_may_be_above_1", row("top_p range"), api, "/top_p*",
                 keyword="maximum"),
        forgives("top_p_may_be_negative", row("top_p range"), api, "/top_p*",
                 keyword="minimum"),
        refuses("refuses_n_above_1", row("n"), api,
                lambda body: body.get("n", 1) not in (None, 1), why="one choice only",
                also={**VALID, row("n obeyed"): "never", "COMP-SEM-018": "n is 2"}),
        refuses("refuses_a_stop_list", row("stop list"), api, is_list("stop"),
                why="/stop must be a string", also={
                    **VALID, "META-048": "a list is refused"}),
        refuses("refuses_seed", row("seed"), api,
                lambda body: body.get("seed") is not None, why="no seeds", also=VALID),
        refuses("refuses_max_tokens_1", row("max range"), api,
                equals("max_tokens", 1), why="two tokens at least", also=VALID),
        refuses("refuses_a_bias", row("bias"), api,
                lambda body: bool(body.get("logit_bias")), why="no biases", also={
                    **VALID, row("bias key"): "a bias", row("bias range"): "a bias"}),
        refuses("refuses_temperature_1", row("temperature range"), api,
                equals("temperature", 1), why="must be below 1", also=VALID),
        refuses("refuses_top_p_1", row("top_p range"), api, equals("top_p", 1),
                why="must be below 1", also=VALID),
        refuses("refuses_continuous_usage", row("continuous"), api,
                lambda body: "continuous_usage_stats" in (
                    body.get("stream_options") or {}),
                why="no such option", also={**VALID, row("options"): "an option"}),
        crashes("crashes_on_an_array", row("error"), api,
                lambda context: context.raw[:1] == b"[", what="an array as body",
                also={"COMMON-ERR-004": "the same statement"},
                origin="vllm-project/vllm#51654"),
        crashes("crashes_on_a_wrong_type", row("error"), api,
                lambda context: isinstance(context.body.get("stop"), dict),
                what="a stop object", also={"COMMON-ERR-004": "the same statement"}),
    ]  # fmt: skip


def _made(api: Api) -> list[Defect]:
    made = [
        *_limits(api),
        *_several(api),
        *_stops(api),
        *_draws(api),
        *_counts(api),
        *_table(api),
    ]
    return [with_(each, name=f"{api}_{each.name}") for each in made]


DEFECTS: tuple[Defect, ...] = (*_made("chat"), *_made("completions"))
