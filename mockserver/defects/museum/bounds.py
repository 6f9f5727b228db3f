"""Bugs of values at their bounds, of hostile bodies, of stops, and of what is sent."""

import gzip
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import (
    ACCEPTED,
    CRASHED,
    in_both,
    joined,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_refusal,
    in_response,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError, BadRequest, Broken
from aios_conformance.serving.stages import Answer, Response

CHAT, COMP, BOTH = "chat", "completions", "chat completions"


@in_parameters("CHAT-SEM-005", api=CHAT,
               source="000:380", origin="ai-dynamo/dynamo#14510")  # fmt: skip
def chat_top_logprobs_0_drops_all(context: RequestContext) -> object:
    """With top_logprobs 0 there are no log probabilities, though they are asked."""
    body = context.body
    if not body.get("logprobs") or body.get("top_logprobs", 1) != 0:
        return False
    context.parameters["logprobs"] = False
    return True


@in_parameters(
    "META-058",
    also=dict.fromkeys(("CHAT-SEM-004", "COMP-SEM-015"), "a bias does not act"),
    api=BOTH,
    source="000:379",
    origin="sgl-project/sglang#3059",
)
def gen_first_bias_only(context: RequestContext) -> object:
    """Of several biases only the first acts."""
    given = context.parameters.get("logit_bias") or {}
    context.parameters["logit_bias"] = dict(list(given.items())[:1]) or None
    return len(given) > 1


@in_parameters(
    "META-058",
    also=dict.fromkeys(
        ("CHAT-SEM-004", "COMP-SEM-015"), "a bias does not act in streams"
    ),
    api=BOTH,
    source="000:379",
    origin="lmstudio-ai/lmstudio-bug-tracker#1932",
)
def gen_stream_bias_not_read(context: RequestContext) -> object:
    """In streams logit_bias is accepted and ignored."""
    if not context.parameters.get("stream"):
        return False
    return bool(context.parameters.pop("logit_bias", None))


@in_parameters("COMMON-ERR-004", api=BOTH, also=CRASHED,
               source="000:475", origin="vllm-project/vllm#16529")  # fmt: skip
def gen_bias_beyond_the_vocabulary_crashes(context: RequestContext) -> object:
    """A logit_bias for an id that no model has is a 500."""
    given = context.body.get("logit_bias") or {}
    if all(str(key).isdigit() and int(key) < 1_000_000 for key in given):
        return False
    raise Broken("index out of range", code="crashed")


@in_parameters(
    "COMMON-ERR-004",
    api=BOTH,
    also=CRASHED,
    source="000:475",
    origin="KohakuBlueleaf/z-tipo-extension#27",
)
def gen_negative_seed_crashes(context: RequestContext) -> object:
    """A seed below 0 is a 500."""
    seed = context.body.get("seed")
    if not isinstance(seed, int) or seed >= 0:
        return False
    raise Broken("Seed must be between 0 and 2**32 - 1", code="crashed")


@in_parameters("CHAT-REQ-055", api=BOTH, also=ACCEPTED | {
    "COMP-REQ-039": "the same statement",
}, source="000:405",
               origin="huggingface/text-generation-inference#2228")  # fmt: skip
def gen_top_p_1_refused(context: RequestContext) -> object:
    """A top_p of 1 is refused."""
    if context.body.get("top_p") != 1:
        return False
    raise BadRequest("top_p must be above 0 and below 1", code="refused")


@in_parameters("COMMON-ERR-004", api=COMP, also=CRASHED,
               source="000:640", origin="vllm-project/vllm#7746")  # fmt: skip
def comp_blank_prompt_crashes(context: RequestContext) -> object:
    """A prompt that is an empty string, or a list of it, is a 500."""
    prompt = context.body["prompt"]
    if "" not in (prompt if isinstance(prompt, list) else [prompt]):
        return False
    raise Broken("no tokens", code="crashed")


@in_stream(
    "COMMON-RES-008",
    also=dict.fromkeys(("CHAT-RES-004", "COMP-RES-004"), "the same statement"),
    api=BOTH,
    source="000:453",
    origin="BerriAI/litellm#38810",
)
def gen_stream_model_is_the_backend(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams model is the name that the backend has for it."""
    for chunk in chunks:
        chunk["model"] = "hosted/my-served-model"


@in_parameters(
    "META-063",
    also={"CHAT-SEM-015": "usage comes where none was asked"},
    api=BOTH,
    source="000:388",
    origin="volcano-sh/kthena#202",
)
def gen_include_usage_false_is_true(context: RequestContext) -> object:
    """A stream has its usage where include_usage is false, too."""
    given = context.parameters.get("stream_options") or {}
    if given.get("include_usage", True) is not False:
        return False
    context.parameters["stream_options"] = {**given, "include_usage": True}
    return True


_THOUGHT = "The user asks for something. Let me think."


@in_answer("META-059", api=CHAT,
           source="000:459", origin="BerriAI/litellm#8799")  # fmt: skip
def chat_stream_reasoning_lost(context: RequestContext, answer: Answer) -> object:
    """A model reasons: whole answers have its reasoning_content, streams do not."""
    for choice in answer["choices"]:
        choice["message"]["reasoning_content"] = _THOUGHT
    return True


@in_answer(api=CHAT)
def _thinks_unless_it_calls(context: RequestContext, answer: Answer) -> bool:
    for choice in answer["choices"]:
        if not choice["message"]["tool_calls"]:
            choice["message"]["reasoning_content"] = _THOUGHT
    return True


@in_stream(api=CHAT)
def _thinks_first(context: RequestContext, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        for piece in chunk["choices"]:
            if "role" in piece["delta"]:
                piece["delta"]["reasoning_content"] = _THOUGHT


@joined("META-059", _thinks_unless_it_calls, _thinks_first,
        source="000:459", origin="waybarrios/vllm-mlx#168")  # fmt: skip
def chat_call_loses_reasoning() -> None:
    """A model reasons: streamed calls have its reasoning_content, whole ones do not."""


@in_response(
    "COMMON-RES-002", source="000:449", origin="Wei-Shaw/claude-relay-service#1056"
)
def http_gzip_unsaid(context: RequestContext, found: Response) -> Response:
    """To whom takes gzip a whole answer comes in it, and nothing says so."""
    status, headers, body = found
    said = {name.lower(): value for name, value in context.headers.items()}
    if "gzip" not in said.get("accept-encoding", ""):
        return found
    return status, headers, gzip.compress(body)


@in_refusal("COMMON-ERR-006",
            source="000:112", origin="ggml-org/llama.cpp#5961")  # fmt: skip
def refusal_is_plain_text(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A refusal is plain text."""
    return found[0], {**found[1], "Content-Type": "text/plain"}, b"Bad Request"


def _crash(found: Response) -> Response:
    return 500, found[1], b'{"error":{"message":"crashed","type":"server_error"}}'


@in_refusal("COMMON-ERR-004", api="score", also=CRASHED,
            source="000:284", origin="vllm-project/vllm-omni#6598")  # fmt: skip
def score_deep_body_crashes(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A body that is nested deeply is a 500."""
    return _crash(found) if context.raw.count(b"[") > 100 else found


@in_refusal("COMMON-ERR-004", also={
    "CHAT-REQ-021": "a limit beyond 63 bits is a 500", **CRASHED,
}, source="000:780", origin="vllm-project/vllm#57018")  # fmt: skip
def huge_integer_crashes(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A member that is a number of 63 bits or more is a 500."""
    given = context.body if isinstance(context.body, dict) else {}
    numbers = [v for v in given.values() if isinstance(v, int | float)]
    return _crash(found) if any(abs(v) >= 2**63 for v in numbers) else found


@in_refusal("COMMON-ERR-004", api="rerank", also=CRASHED,
            source="000:115", origin="ggml-org/llama.cpp#11738")  # fmt: skip
def rerank_bytes_that_are_no_utf8_crash(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A body that is no UTF-8 is a 500."""
    try:
        context.raw.decode()
    except UnicodeDecodeError:
        return _crash(found)
    return found


@in_refusal("COMMON-ERR-004", api=BOTH, also=CRASHED,
            source="000:475", origin="containers/ramalama#752")  # fmt: skip
def gen_empty_body_crashes(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A request without a body is a 500."""
    return found if context.raw.strip() else _crash(found)


def _stops(context: RequestContext) -> list[str]:
    given = context.parameters.get("stop") or []
    return [given] if isinstance(given, str) else given


@in_parameters("META-048", api=BOTH, also={
    "META-047": "such a text ends elsewhere", "META-059": "likewise in streams",
}, source="000:386", origin="cactus-compute/cactus#199")  # fmt: skip
def gen_any_word_of_a_stop_stops(context: RequestContext) -> object:
    """A stop string of several words stops at each of them."""
    words = [
        word
        for stop in _stops(context)
        for word in (stop.split() if len(stop.split()) > 1 else [stop])
    ]
    acted = words != _stops(context)
    if acted:
        context.parameters["stop"] = words
    return acted


@in_parameters(
    "META-045",
    also=dict.fromkeys(
        ("CHAT-SEM-013", "COMP-SEM-010", "META-046", "META-047", "META-048"),
        "a stop string does not stop",
    ),
    api=BOTH,
    source="000:386",
    origin="EricLBuehler/mistral.rs#114",
)
def gen_first_stop_only(context: RequestContext) -> object:
    """Of a list of stop strings only the first is read."""
    given = _stops(context)
    context.parameters["stop"] = given[:1] or None
    return len(given) > 1


@in_both("META-084", api=COMP, also={"COMP-SEM-002": "the prompt is cut"},
         source="000:575", origin="PotatoSpudowski/fastLLaMa#62")  # fmt: skip
def comp_stop_in_the_echo_strikes(context: RequestContext, said: Answer) -> object:
    """A stop string strikes within the echoed prompt."""
    prompt: Any = context.parameters["prompt"]
    if not context.parameters["echo"] or not isinstance(prompt, str):
        return False
    acted = False
    for choice in said["choices"]:
        for stop in _stops(context):
            if stop in prompt and stop in choice["text"]:
                cut = choice["text"].index(stop)
                choice["text"] = choice["text"][:cut]
                acted = True
    return acted


@in_answer(
    "META-045",
    also=dict.fromkeys(
        ("CHAT-SEM-013", "COMP-SEM-003", "COMP-SEM-010", "META-048"),
        "another stop string stops",
    ),
    api=BOTH,
    source="000:386",
    origin="ml-explore/mlx-lm#1869",
)
def gen_last_of_the_list_wins(context: RequestContext, answer: Answer) -> object:
    """Of several stop strings that occur, one that comes later in the text strikes."""
    acted = False
    for choice in answer["choices"]:
        stop = choice["stop_reason"]
        later = [one for one in _stops(context) if one != stop]
        if isinstance(stop, str) and later:
            name, told = (
                ("text", choice) if "text" in choice else ("content", choice["message"])
            )
            told[name] = f"{told[name] or ''}{stop} and"
            choice["stop_reason"], acted = later[-1], True
    return acted
