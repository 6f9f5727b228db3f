"""How vLLM, the server that the documents describe, really deviates from them.

Observed with the versions from 0.8 to 0.11; where they differ, the newest counts. Only
what a client can see is here. A deviation without edits has code that asks for it.
"""

from typing import Any, Final

from aios_conformance.serving.profile import (
    GENERATING,
    JOINED_FINISH,
    LONG_ANSWERS,
    THINKING_SWITCHES,
    Deviation,
    Profile,
    requests,
)

VERSION: Final = "0.11.0"
"""What GET /version says."""

_BOOLEAN: Final = {"type": "boolean"}
_INTEGER: Final = {"type": "integer"}
_INTEGERS: Final = {"type": "array", "items": _INTEGER}
_NUMBER: Final = {"type": "number"}
_STRING: Final = {"type": "string"}


def _bounds(**keywords: float) -> dict[str, Any]:
    """Replace the bounds that a member of the document has."""
    return {"allOf": [keywords]}


STATUS_400: Final = Deviation(
    "status-400",
    "what is wrong with a body is refused with 400, never with 422",
    "000:114, 000:474",
)
ERROR_LAYOUT: Final = Deviation(
    "error-layout",
    "error.type names a class such as BadRequestError, error.code is the HTTP status",
    "000:112",
)
NULLS_ABSENT: Final = Deviation(
    "nulls-absent",
    "a member that is null counts as absent, in messages and tools as well",
    "000:378, 000:389",
)
LAX_TYPES: Final = Deviation(
    "lax-types",
    'numbers and booleans may come as strings: "0.7", "true"',
    "000:383, 000:387, 000:389",
)
MODEL_OPTIONAL: Final = Deviation(
    "model-optional",
    "without a model, or with an empty one, the first that serves the API answers",
    "000:376",
)
GREEDY_ALONE: Final = Deviation(
    "greedy-alone", "n above 1 is refused with temperature 0", "000:383, 000:389"
)
STREAM_OPTIONS: Final = Deviation(
    "stream-options", "stream_options are refused without stream", "000:388, 000:586"
)
CLAMPED_BIAS: Final = Deviation(
    "clamped-bias",
    "a logit_bias beyond -100 to 100 is brought back to it, not refused",
    "000:379, 000:577",
    requests(
        GENERATING,
        logit_bias={"additionalProperties": {"minimum": None, "maximum": None}},
    ),
)
NEGATIVE_TOP_N: Final = Deviation(
    "negative-top-n",
    "a top_n below 0 returns all documents, as 0 does",
    "000:57",
    requests(["Rerank"], top_n={"allOf": None}),
)
EXTRA_MEMBERS: Final = Deviation(
    "extra-members",
    "answers have the members of vLLM besides: service_tier, system_fingerprint, "
    "refusal, token_ids, kv_transfer_params and others (null), rerank's prompt_tokens; "
    "a chunk has no stop_reason before its choice ends, and no usage that is null",
    "000:98-107, 000:450-467",
)
REASONING_TWICE: Final = Deviation(
    "reasoning-twice",
    "reasoning stands under both names of it, reasoning_content and reasoning, in "
    "messages and deltas",
    "000:459",
)
TOOL_CALLS: Final = Deviation(
    "tool-calls",
    "ids of calls begin with chatcmpl-tool-; where tool_choice names the function, the "
    "finish_reason is stop",
    "000:460-461",
)
REQUEST_IDS: Final = Deviation(
    "request-ids",
    "every response has an X-Request-Id; that of the request comes back, and is the "
    "unique part of the answer's id",
    "000:450",
)
OPEN_CORS: Final = Deviation(
    "open-cors", "pages of every origin may call the API from a browser", "000:35"
)
MODEL_CARDS: Final = Deviation(
    "model-cards",
    "GET /v1/models tells root, parent and permission of each model, owned by vllm",
    "000:10-14",
)
SIDE_ROUTES: Final = Deviation(
    "side-routes",
    "there are POST /tokenize and /detokenize, GET /version, /load and /ping, and "
    "GET /health has no body",
    "000:10-14",
)

STRUCTURED_OUTPUTS: Final = Deviation(
    "structured-outputs",
    "structured_outputs, or guided_json, guided_choice and guided_regex, constrain the "
    "text; this mock refuses grammars",
    "000:376-405, 000:573-588",
    requests(
        GENERATING,
        structured_outputs={"type": "object"},
        guided_json={"type": ["object", "string"]},
        guided_choice={"type": "array", "items": _STRING, "minItems": 1},
        guided_regex=_STRING,
        guided_grammar=_STRING,
    ),
)

SAMPLING_MEMBERS: Final = Deviation(
    "sampling-members",
    "top_k, min_p, repetition_penalty and the other sampling members are "
    "checked, and without effect in this mock",
    "000:376-405, 000:573-588",
    requests(
        GENERATING,
        top_k={"type": "integer", "minimum": -1},
        min_p={"type": "number", "minimum": 0, "maximum": 1},
        repetition_penalty={"type": "number", "exclusiveMinimum": 0},
        length_penalty=_NUMBER,
        stop_token_ids=_INTEGERS,
        allowed_token_ids=_INTEGERS,
        bad_words={"type": "array", "items": _STRING},
        prompt_logprobs={"type": "integer", "minimum": 0},
        include_stop_str_in_output=_BOOLEAN,
        skip_special_tokens=_BOOLEAN,
        spaces_between_special_tokens=_BOOLEAN,
        use_beam_search=_BOOLEAN,
        add_special_tokens=_BOOLEAN,
        return_token_ids=_BOOLEAN,
        priority=_INTEGER,
        user=_STRING,
    ),
)

VLLM: Final = Profile(
    "vllm",
    frozenset(
        {
            STATUS_400,
            ERROR_LAYOUT,
            NULLS_ABSENT,
            LAX_TYPES,
            MODEL_OPTIONAL,
            GREEDY_ALONE,
            STREAM_OPTIONS,
            CLAMPED_BIAS,
            NEGATIVE_TOP_N,
            EXTRA_MEMBERS,
            REASONING_TWICE,
            TOOL_CALLS,
            REQUEST_IDS,
            OPEN_CORS,
            MODEL_CARDS,
            SIDE_ROUTES,
            JOINED_FINISH,
            LONG_ANSWERS,
            THINKING_SWITCHES,
            Deviation(
                "hot-temperature",
                "temperature has no upper bound",
                "000:389, 000:587",
                requests(GENERATING, temperature=_bounds(minimum=0)),
            ),
            Deviation(
                "top-p-above-0",
                "a top_p of 0 is refused",
                "000:405, 000:588",
                requests(GENERATING, top_p=_bounds(exclusiveMinimum=0, maximum=1)),
            ),
            Deviation(
                "limit-from-1",
                "a limit of 0 tokens is refused, but for completions, where echo "
                "makes sense of it",
                "000:381-382",
                requests(
                    ["ChatCompletion"],
                    max_tokens=_bounds(minimum=1),
                    max_completion_tokens=_bounds(minimum=1),
                ),
            ),
            Deviation(
                "one-limit",
                "completions know no max_completion_tokens: it has no effect",
                "000:579",
                requests(["Completion"], max_completion_tokens=None),
            ),
            Deviation(
                "logprobs-to-20",
                "logprobs of completions may be up to 20",
                "000:578",
                requests(["Completion"], logprobs=_bounds(minimum=0, maximum=20)),
            ),
            Deviation(
                "many-tools",
                "there may be more than 128 tools",
                "000:398",
                requests(["ChatCompletion"], tools={"allOf": None}),
            ),
            Deviation(
                "any-role",
                "a message may have any role",
                "000:377",
                {
                    "components": {
                        "schemas": {
                            "ChatMessage": {"properties": {"role": {"allOf": None}}}
                        }
                    }
                },
            ),
            Deviation(
                "embedding-members",
                "embeddings take dimensions, which only models with vectors of several "
                "lengths obey and others refuse, and user",
                "000:728-731",
                requests(
                    ["Embedding"],
                    dimensions={"type": "integer", "minimum": 1},
                    user=_STRING,
                ),
            ),
            Deviation(
                "truncate-minus-1",
                "truncate_prompt_tokens may be -1, the model's context",
                "000:58, 000:221, 000:731",
                requests(
                    ["Embedding", "Rerank", "Score"],
                    truncate_prompt_tokens={
                        "allOf": [{"anyOf": [{"const": -1}, {"minimum": 1}]}]
                    },
                ),
            ),
            SAMPLING_MEMBERS,
            STRUCTURED_OUTPUTS,
        }
    ),
)
