"""Exhibits of chat completions, each with requests that show it."""

import re
from typing import Any

from exhibit_case import Case, differs, last, status
from exhibit_requests import (
    ASKED,
    BOTH,
    CALL,
    FORCED,
    LIMITED,
    MANY,
    NOW,
    SEEDED,
    TOOL,
    WINDY,
    WORDS,
    Body,
    Request,
    arguments,
    calls,
    chat,
    counted,
    ends,
    given,
    listed,
    logprobs,
    longer,
    parts,
    pieces,
    positions,
    prompt_tokens,
    streamed,
    texts,
    told,
    usage,
)
from plain_http import Reply

SYSTEMS = [
    {"role": "system", "content": WORDS},
    {"role": "system", "content": WORDS},
    {"role": "user", "content": ASKED},
]


def roles(reply: Reply) -> set[Any]:
    return {piece["delta"].get("role") for piece in pieces(reply)}


def function(name: str, **properties: Body) -> Body:
    """A function that needs all its parameters."""
    schema = {
        "type": "object", "properties": properties, "required": list(properties),
    }  # fmt: skip
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def forced(*functions: Body, **more: Any) -> Request:
    return chat(
        ASKED, tools=list(functions), tool_choice="required", max_tokens=120, **more
    )


NESTED = forced(function("wind", at={"type": "object", "properties": {}}))


COUNTED = forced(function("wind", days={"type": "integer"}))


WORDED = forced(function("wind", unit={"enum": ["low", "flat"]}))


HYPHEN = forced(function("get-wind"))


AT_ONCE = chat("Call now and trains.", tools=[NOW, function("trains", to={
    "type": "string"})], max_tokens=200)  # fmt: skip


BLANK = {"role": "user", "content": "Well?"}


ASK = {"role": "user", "content": ASKED}


SYSTEM = {"role": "system", "content": "Be kind."}


NULLABLE = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


REFERRED = function("wind", hour={"$ref": "#/$defs/hour"})
REFERRED["function"]["parameters"]["$defs"] = {"hour": {"type": "integer"}}


SENT = streamed(FORCED)


def results(*said: str) -> Request:
    """A conversation with results of several calls."""
    told_so = [{"role": "tool", "tool_call_id": "call_1", "content": s} for s in said]
    return chat([*CALL[:2], *told_so])


def earlier(arguments: str) -> Request:
    """A conversation in which a call was made with these arguments."""
    called = {"name": "get_weather", "arguments": arguments}
    made = {"id": "call_1", "type": "function", "function": called}
    turn = {"role": "assistant", "content": None, "tool_calls": [made]}
    return chat([CALL[0], turn, CALL[2]])


CASES: dict[str, Case] = {
    "chat-answers-the-neighbour": differs(
        texts, *(chat(f"Tell of {x}.") for x in MANY[:8]), at_once=True
    ),
    "chat-tool-turn-refused": status(chat(CALL, tools=[TOOL]), 400),
    "chat-tool-result-loses-its-call": status(chat(CALL, tools=[TOOL]), 500),
    "chat-null-calls-in-history-refused": status(
        chat([{"role": "assistant", "content": "Hi", "tool_calls": None}, CALL[0]]), 400
    ),
    "chat-function-without-parameters-refused": status(
        chat(tools=[{"type": "function", "function": {"name": "now"}}]), 400
    ),
    "chat-cut-call-says-tool-calls": last(
        chat(ASKED, tools=[TOOL], tool_choice="required", max_tokens=24),
        lambda reply: reply.json()["choices"][0]["finish_reason"] == "tool_calls",
    ),
    "chat-stream-cut-call-says-tool-calls": last(
        streamed(chat(ASKED, tools=[TOOL], tool_choice="required", max_tokens=24)),
        lambda reply: ends(reply) == {"tool_calls"},
    ),
    "chat-stream-cut-call-breaks-off": last(
        streamed(chat(ASKED, tools=[TOOL], tool_choice="required", max_tokens=24)),
        lambda reply: b'"error"' in reply.body,
    ),
    "chat-stream-call-says-stop": last(
        streamed(FORCED), lambda reply: ends(reply) == {"stop"}
    ),
    "chat-stream-call-never-finishes": last(
        streamed(FORCED), lambda reply: not ends(reply)
    ),
    "chat-stream-natural-end-never-finishes": last(
        streamed(chat(max_tokens=500)), lambda reply: not ends(reply)
    ),
    "chat-stream-logprobs-no-finish": last(
        streamed(LIMITED), lambda reply: not ends(reply)
    ),
    "chat-stream-parallel-calls-one-index": last(
        streamed(FORCED), lambda reply: reply.body.count(b'"name":"get_weather"') == 2
    ),
    "chat-stream-required-call-is-text": last(
        streamed(FORCED), lambda reply: "city" in told(reply)
    ),
    "chat-required-call-is-empty": last(
        FORCED, lambda reply: not reply.json()["choices"][0]["message"]["tool_calls"]
    ),
    "chat-stream-with-tools-says-nothing": last(
        streamed(chat(tools=[TOOL])), lambda reply: not told(reply)
    ),
    "chat-stream-with-tools-loses-the-end": differs(
        told, streamed(chat(tools=[TOOL], stop="."))
    ),
    "chat-arguments-are-objects": last(
        FORCED, lambda reply: isinstance(calls(reply)[0]["function"]["arguments"], dict)
    ),
    "chat-call-id-is-empty": last(FORCED, lambda reply: calls(reply)[0]["id"] == ""),
    "chat-parallel-calls-share-an-id": last(
        BOTH, lambda reply: len({call["id"] for call in calls(reply)}) == 1
    ),
    "chat-stream-parallel-calls-are-dropped": last(
        streamed(BOTH), lambda reply: ends(reply) == {"stop"}
    ),
    "chat-stream-calls-are-text": last(
        streamed(BOTH), lambda reply: "trains" in told(reply)
    ),
    "chat-stream-none-calls": last(
        streamed(chat(tools=[TOOL], tool_choice="none")),
        lambda reply: b"get_weather" in reply.body,
    ),
    "chat-stream-with-tools-counts-nothing": last(
        counted(FORCED), lambda reply: usage(reply)["total_tokens"] == 0
    ),
    "chat-stream-with-tools-has-no-usage": last(
        counted(FORCED), lambda reply: b"total_tokens" not in reply.body
    ),
    "chat-call-has-no-usage": last(FORCED, lambda reply: reply.json()["usage"] is None),
    "chat-stream-call-without-arguments-is-no-json": last(
        streamed(chat(tools=[NOW], tool_choice="required")),
        lambda reply: b'"arguments":"{"' not in reply.body,
    ),
    "chat-stream-parallel-calls-lose-a-brace": differs(
        lambda reply: reply.body.count(b"}"), streamed(BOTH)
    ),
    "chat-stream-call-loses-logprobs": differs(
        lambda reply: reply.body.count(b'"logprob":'),
        streamed((FORCED[0], FORCED[1] | {"logprobs": True})),
    ),
    "chat-roles-must-alternate": status(chat(CALL, tools=[TOOL]), 400),
    "chat-blank-content-beside-calls-free": last(
        FORCED, lambda reply: texts(reply) == ["\n\n"]
    ),
    "chat-stream-n-logprobs-second-missing": last(
        streamed(chat(n=2, logprobs=True)),
        lambda reply: not any(p["logprobs"] for p in pieces(reply) if p["index"]),
    ),
    "chat-stream-logprobs-dropped": last(
        streamed(LIMITED), lambda reply: not any(p["logprobs"] for p in pieces(reply))
    ),
    "chat-alternatives-of-the-first-position": last(
        LIMITED,
        lambda reply: len({str(p["top_logprobs"]) for p in positions(reply)}) == 1,
    ),
    "chat-top-p-cuts-the-alternatives": last(
        chat(logprobs=True, top_logprobs=3, top_p=0.5),
        lambda reply: {len(p["top_logprobs"]) for p in positions(reply)} == {1},
    ),
    "chat-new-limit-not-read": last(
        (
            "/v1/chat/completions",
            chat()[1] | {"max_tokens": None} | {"max_completion_tokens": 3},
        ),
        lambda reply: reply.json()["usage"]["completion_tokens"] > 3,
    ),
    "chat-stream-id-of-each-chunk": last(
        streamed(LIMITED), lambda reply: len({c["id"] for c in reply.chunks()}) > 1
    ),
    "chat-later-system-messages-dropped": differs(prompt_tokens, chat(SYSTEMS)),
    "chat-earlier-system-messages-dropped": differs(prompt_tokens, chat(SYSTEMS)),
    "chat-tool-result-not-read": differs(prompt_tokens, chat(CALL, tools=[TOOL])),
    "chat-long-prompt-cut": last(
        chat("word " * 1500), lambda reply: prompt_tokens(reply) == 1024
    ),
    "chat-arguments-html-unescaped": last(
        WINDY, lambda reply: "&amp;" not in calls(reply)[0]["function"]["arguments"]
    ),
    "chat-stream-arguments-escaped-twice": last(
        streamed(WINDY), lambda reply: "\\\\u00b0" in arguments(reply)
    ),
    "chat-arguments-encoded-twice": last(
        FORCED,
        lambda reply: calls(reply)[0]["function"]["arguments"].startswith('"'),
    ),
    "chat-alternatives-are-one-fewer": last(
        LIMITED, lambda reply: len(positions(reply)[0]["top_logprobs"]) == 2
    ),
    "chat-null-top-logprobs-drops-all": last(
        chat(logprobs=True, top_logprobs=None), lambda reply: logprobs(reply) == [None]
    ),
    "chat-logprobs-need-top-logprobs": last(
        chat(logprobs=True), lambda reply: logprobs(reply) == [None]
    ),
    "chat-logprobs-as-of-completions": last(
        LIMITED, lambda reply: "text_offset" in logprobs(reply)[0]
    ),
    "chat-first-log-probability-is-null": last(
        LIMITED, lambda reply: positions(reply)[0]["logprob"] is None
    ),
    "chat-stream-has-no-role": last(
        streamed(chat()), lambda reply: roles(reply) == {None}
    ),
    "chat-stream-role-in-each-delta-free": last(
        streamed(chat()), lambda reply: roles(reply) == {"assistant"}
    ),
    "chat-stream-role-is-empty": last(
        streamed(chat()), lambda reply: roles(reply) == {"assistant", ""}
    ),
    "chat-stream-created-in-milliseconds": last(
        streamed(chat()), lambda reply: reply.chunks()[0]["created"] > 10**12
    ),
    "chat-nested-arguments-are-text": last(
        NESTED, lambda reply: isinstance(given(reply)["at"], str)
    ),
    "chat-numbers-in-arguments-are-text": last(
        COUNTED, lambda reply: isinstance(given(reply)["days"], str)
    ),
    "chat-stream-nested-arguments-lose-a-brace": differs(arguments, streamed(NESTED)),
    "chat-stream-call-after-an-empty-one-lacks-arguments": differs(
        arguments, streamed(AT_ONCE)
    ),
    "chat-tool-name-is-sanitized": last(
        HYPHEN, lambda reply: calls(reply)[0]["function"]["name"] == "get_wind"
    ),
    "chat-property-without-type-refused": status(WORDED, 400),
    "chat-words-in-arguments-are-capitalized": last(
        WORDED, lambda reply: given(reply)["unit"] in ("Low", "Flat")
    ),
    "chat-stream-second-choice-has-no-role": differs(
        lambda reply: sum("role" in piece["delta"] for piece in pieces(reply)),
        streamed(chat(n=2, **SEEDED)),
    ),
    "chat-second-choice-calls-nothing": last(
        longer(FORCED, n=2, **SEEDED),
        lambda reply: reply.json()["choices"][1]["message"]["content"] == "Sure.",
    ),
    "chat-top-logprobs-0-drops-all": last(
        chat(logprobs=True, top_logprobs=0), lambda reply: logprobs(reply) == [None]
    ),
    "chat-stream-reasoning-lost": last(
        chat(),
        lambda reply: reply.json()["choices"][0]["message"]["reasoning_content"],
    ),
    "chat-call-says-stop-free": last(
        FORCED, lambda reply: reply.json()["choices"][0]["finish_reason"] == "stop"
    ),
    "chat-one-call-at-most-free": last(AT_ONCE, lambda reply: len(calls(reply)) == 1),
    "chat-stream-second-token-has-the-first-alternatives": differs(
        listed, streamed(LIMITED)
    ),
    "chat-stream-call-has-an-id-in-each-piece": last(
        SENT, lambda reply: len({part.get("id") for part in parts(reply)}) > 2
    ),
    "chat-stream-call-has-no-index": last(
        SENT, lambda reply: not any("index" in part for part in parts(reply))
    ),
    "chat-stream-call-has-no-id": last(
        SENT, lambda reply: not any("id" in part for part in parts(reply))
    ),
    "chat-cache-key-is-the-last-message": differs(
        prompt_tokens, chat(), chat([BLANK, chat()[1]["messages"][0]])
    ),
    "chat-later-system-message-refused-free": status(chat([ASK, SYSTEM, ASK]), 400),
    "chat-user-turns-in-a-row-lose-the-first": differs(
        prompt_tokens, chat([BLANK, ASK])
    ),
    "chat-repeated-user-text-is-lost": differs(
        prompt_tokens, chat([ASK, {"role": "assistant", "content": "Fine."}, ASK])
    ),
    "chat-second-tool-result-not-read": differs(prompt_tokens, results("a", "b")),
    "chat-none-without-tools-refused": status(chat(tool_choice="none"), 400),
    "chat-auto-refused": status(longer(FORCED, tool_choice="auto"), 400),
    "chat-call-ids-count-from-0": last(
        FORCED, lambda reply: calls(reply)[0]["id"] == "call_0"
    ),
    "chat-reference-in-parameters-crashes": status(forced(REFERRED), 500),
    "chat-nullable-parameter-crashes": status(
        forced(function("wind", days=NULLABLE)), 500
    ),
    "chat-referred-arguments-are-text": last(
        forced(REFERRED), lambda reply: isinstance(given(reply)["hour"], str)
    ),
    "chat-union-arguments-are-text": last(
        forced(function("wind", days=NULLABLE)),
        lambda reply: isinstance(given(reply)["days"], str),
    ),
    "chat-stream-last-delta-is-blank-free": last(
        streamed(chat()), lambda reply: pieces(reply)[-1]["delta"] == {"content": ""}
    ),
    "chat-empty-calls-in-history-refused": status(
        chat([{"role": "assistant", "content": "Hi", "tool_calls": []}, ASK]), 400
    ),
    "chat-earlier-arguments-that-are-no-object-crash": status(earlier("[1]"), 500),
    "chat-null-from-the-user-crashes": status(chat([{**ASK, "content": None}]), 500),
    "chat-emoji-cuts-the-prompt": differs(prompt_tokens, chat("Of 🦀 and sea.")),
    "chat-booleans-in-arguments-are-of-python": last(
        forced(function("wind", wet={"type": "boolean"})),
        lambda reply: re.search("True|False", calls(reply)[0]["function"]["arguments"]),
    ),
    "chat-names-of-arguments-lose-letters": last(
        forced(function("wind", né={"type": "integer"})),
        lambda reply: list(given(reply)) == ["n-"],
    ),
    "chat-call-loses-reasoning": Case(
        [FORCED, streamed(FORCED)],
        lambda found, _: (
            b"Let me think" in found[1].body and b"Let me think" not in found[0].body
        ),
    ),
}
