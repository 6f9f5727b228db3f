"""What both chat and completions get wrong in single fields."""

from dataclasses import replace as with_
from functools import partial

from aios_conformance import spec
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.tables import (
    REMOVED,
    crashes,
    forgives,
    member,
    refuses,
)
from aios_conformance.mockserver.defects.whens import equals, is_list
from aios_conformance.serving.engine import Api

VALID = {"COMMON-RES-001": "a valid request is not answered 200"}
BOUND = {"COMMON-ERR-007": "a bound on which the documents agree"}


def _table(api: Api) -> list[Defect]:
    row = partial(spec.row, api)

    same = {"COMMON-RES-009": "the same member", "META-062": "no sum to hold"}
    return [
        member("id_missing", row("response-id"), api, "id", REMOVED,
               also={"COMMON-RES-005": "the same member"}),
        member("object_is_chunk", row("object-name"), api, "object",
               lambda name: f"{name}.chunk"),
        member("created_is_fractional", row("created-time"), api, "created",
               lambda seconds: seconds + 0.25,
               also={"COMMON-RES-006": "the same member"}),
        member("model_is_an_object", row("response-model"), api, "model",
               lambda name: {"id": name}, also={"COMMON-RES-007": "the same member"}),
        member("choices_is_empty", row("choices-array"), api, "choices", [], also={
            "COMMON-SEM-002": "no choice to read",
            row("openai-client"): "no choice to read"}),
        member("last_index_is_a_string", row("choice-index"), api,
               "choices/-1/index", str),
        member("stop_reason_missing", row("stop-reason"), api,
               "choices/*/stop_reason", REMOVED),
        member("usage_is_null", row("usage-object"), api, "usage", None),
        member("prompt_tokens_is_a_string", row("prompt-tokens-integer"), api,
               "usage/prompt_tokens", str, also=same),
        member("completion_tokens_is_fractional", row("completion-tokens-integer"), api,
               "usage", lambda usage: usage | {
                   "completion_tokens": usage["completion_tokens"] + 0.5,
                   "total_tokens": usage["total_tokens"] + 0.5},
               also={**same, row("total-tokens-sum"): "fractional too"}),
        member("total_is_one_more", row("total-tokens-sum"), api, "usage/total_tokens",
               lambda total: total + 1, also={
                   "META-034": "the same statement", "COMMON-RES-010": "the same",
                   row("printed-usage-sum"): "the same",
                   "META-064": "the stream adds up",
                   "META-062": "the stream adds up"}),
        member("completion_tokens_is_100", "META-040", api, "usage",
               lambda usage: usage | {"completion_tokens": 100,
                                      "total_tokens": usage["prompt_tokens"] + 100},
               also={row("max-completion-tokens-obeyed"): "above the limit",
                     row("max-tokens-obeyed"): "above the limit", "META-042": "above",
                     "META-041": "above the limit",
                     row("cut-finish-reason"): "likewise",
                     "META-037": "not all choices", "META-062": "the stream is right",
                     "META-070": "more than there are positions",
                     row("max-completion-tokens-range"): "more than a limit of 0",
                     row("max-tokens-range"): "likewise",
                     "META-064": "the stream is right",
                     "META-086": "prompts together count 100 too"}),
        forgives("model_may_be_an_object", row("model-required"), api, "/model",
                 keyword="type", instead="meta-llama/Llama-3.3-70B-Instruct"),
        *(
            forgives(f"{field}_may_be_a_word", row(topic), api, f"/{field}*",
                     when=lambda value: isinstance(value, str))
            for field, topic in (
                ("frequency_penalty", "frequency-penalty-type"),
                ("presence_penalty", "presence-penalty-type"),
                ("seed", "seed-type"), ("temperature", "temperature-type"))
        ),
        forgives("top_p_may_be_a_word", row("top-p-type"), api, "/top_p*",
                 when=lambda value: isinstance(value, str)),
        forgives("frequency_may_be_above_2", row("frequency-penalty-range"), api,
                 "/frequency_penalty*", keyword="maximum", also=BOUND),
        forgives("frequency_may_be_below_-2", row("frequency-penalty-range"), api,
                 "/frequency_penalty*", keyword="minimum"),
        forgives("presence_may_be_above_2", row("presence-penalty-range"), api,
                 "/presence_penalty*", keyword="maximum"),
        forgives("presence_may_be_below_-2", row("presence-penalty-range"), api,
                 "/presence_penalty*", keyword="minimum", also=BOUND),
        forgives("bias_may_be_a_word", row("logit-bias-type"), api, "/logit_bias",
                 when=lambda value: isinstance(value, str)),
        forgives("bias_key_may_be_a_word", row("logit-bias-keys"), api, "/logit_bias*",
                 when=lambda value: isinstance(value, dict) and any(
                     not key.isdigit() for key in value)),
        forgives("bias_may_be_101", row("logit-bias-range"), api, "/logit_bias*",
                 when=lambda value: isinstance(value, dict) and all(
                     key.isdigit() for key in value)),
        forgives("limit_may_be_fractional", row("max-completion-tokens-type"), api,
                 "/max_completion_tokens*", instead=2,
                 when=lambda value: isinstance(value, float)),
        forgives("limit_may_be_negative", row("max-completion-tokens-range"), api,
                 "/max_completion_tokens*", keyword="minimum", instead=2),
        forgives("max_may_be_an_object", row("max-tokens-type"), api, "/max_tokens*",
                 when=lambda value: isinstance(value, dict), instead=2),
        forgives("max_may_be_negative", row("max-tokens-range"), api, "/max_tokens*",
                 keyword="minimum", instead=2),
        forgives("n_may_be_fractional", row("n-type"), api, "/n*",
                 when=lambda value: isinstance(value, float)),
        forgives("n_may_be_zero", row("n-range"), api, "/n*",
                 when=lambda value: value == 0),
        forgives("stop_may_be_an_object", row("stop-type"), api, "/stop*",
                 when=lambda value: isinstance(value, dict)),
        forgives("stream_may_be_an_object", row("stream-type"), api, "/stream*",
                 when=lambda value: isinstance(value, dict)),
        forgives("temperature_may_be_negative", row("temperature-range"), api,
                 "/temperature*", keyword="minimum"),
        forgives("temperature_may_be_above_1", row("temperature-above-1"), api,
                 "/temperature*", keyword="maximum"),
        forgives("top_p_may_be_above_1", row("top-p-range"), api, "/top_p*",
                 keyword="maximum"),
        forgives("top_p_may_be_negative", row("top-p-range"), api, "/top_p*",
                 keyword="minimum"),
        refuses("refuses_n_above_1", row("n-type"), api,
                lambda body: body.get("n", 1) not in (None, 1), why="one choice only",
                also={**VALID}),
        refuses("refuses_a_stop_list", row("stop-array"), api, is_list("stop"),
                why="/stop must be a string", also={
                    **VALID}),
        refuses("refuses_seed", row("seed-type"), api,
                lambda body: body.get("seed") is not None, why="no seeds", also=VALID),
        refuses("refuses_max_tokens_1", row("max-tokens-range"), api,
                equals("max_tokens", 1), why="two tokens at least",
                also=VALID | {"COMP-REQ-009": "an echo is refused with it"}),
        refuses("refuses_a_bias", row("logit-bias-type"), api,
                lambda body: bool(body.get("logit_bias")), why="no biases", also={
                    row("logit-bias-keys"): "a bias",
                    row("logit-bias-range"): "a bias"}),
        refuses("refuses_temperature_1", row("temperature-range"), api,
                equals("temperature", 1), why="must be below 1", also=VALID),
        refuses("refuses_top_p_1", row("top-p-range"), api, equals("top_p", 1),
                why="must be below 1", also=VALID),
        refuses("refuses_continuous_usage", row("continuous-usage-accepted"), api,
                lambda body: "continuous_usage_stats" in (
                    body.get("stream_options") or {}),
                why="no such option", also={
                    **VALID, row("stream-options-type"): "an option"}),
        crashes("crashes_on_no_object", row("no-internal-error"), api,
                lambda context: context.raw[:1] in (b"[", b'"', b"n"),
                what="JSON that is no object",
                also={"COMMON-ERR-004": "the same statement"},
                origin="vllm-project/vllm#51654"),
        crashes("crashes_on_a_wrong_type", row("no-internal-error"), api,
                lambda context: isinstance(context.body.get("stop"), dict),
                what="a stop object", also={"COMMON-ERR-004": "the same statement"}),
    ]  # fmt: skip


def _made(api: Api) -> list[Defect]:
    made = _table(api)
    return [with_(each, name=f"{api}_{each.name}") for each in made]


DEFECTS: tuple[Defect, ...] = (*_made("chat"), *_made("completions"))
