"""Exhibits of the third round, each with requests that show it."""

from typing import Any

from exhibit_requests import (
    ASKED,
    CALL,
    FORCED,
    LIMITED,
    Body,
    Request,
    calls,
    chat,
    comp,
    counted,
    ends,
    pieces,
    positions,
    streamed,
    texts,
    told,
)
from exhibits import Case, differs, last, status
from later_exhibits import forced, function, given
from more_exhibits import (
    CONTINUOUS,
    SEEDED,
    logprobs,
    longer,
    prompt_tokens,
)
from plain_http import Reply

RIVER = comp("The river", logprobs=1)
EITHER = comp("The river", n=2, **SEEDED)
BLANK = {"role": "user", "content": "Well?"}
ASK = {"role": "user", "content": ASKED}
SYSTEM = {"role": "system", "content": "Be kind."}
NULLABLE = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
REFERRED = function("wind", hour={"$ref": "#/$defs/hour"})
REFERRED["function"]["parameters"]["$defs"] = {"hour": {"type": "integer"}}
SENT = streamed(FORCED)


def feint(request: Request) -> Request:
    """It ends with what a stop string begins with."""
    return longer(request, stop=["library, never"])


def created(reply: Reply) -> set[int]:
    return {chunk["created"] for chunk in reply.chunks()}


def usages(reply: Reply) -> list[Body]:
    return [chunk["usage"] for chunk in reply.chunks() if chunk.get("usage")]


def parts(reply: Reply) -> list[Body]:
    """The pieces of calls of a stream."""
    found = (piece["delta"].get("tool_calls") for piece in pieces(reply))
    return [part for each in found for part in each or ()]


def listed(reply: Reply) -> list[Any]:
    return [piece["logprobs"] for piece in pieces(reply)]


def results(*said: str) -> Request:
    """A conversation with results of several calls."""
    told_so = [{"role": "tool", "tool_call_id": "call_1", "content": s} for s in said]
    return chat([*CALL[:2], *told_so])


CASES: dict[str, Case] = {
    "gen-stream-pieces-are-stripped": differs(told, streamed(comp())),
    "gen-stream-finish-chunk-has-no-model": last(
        streamed(comp()),
        lambda reply: {chunk["model"] for chunk in reply.chunks()} > {""},
    ),
    "gen-stream-usage-chunk-is-created-at-0": last(
        counted(comp()), lambda reply: created(reply) > {0}
    ),
    "chat-stream-second-token-has-the-first-alternatives": differs(
        listed, streamed(LIMITED)
    ),
    "gen-stream-chunks-list-their-last-token": differs(listed, streamed(RIVER)),
    "gen-stream-loses-a-piece-in-company": differs(
        told, *(streamed(comp(f"The {x}")) for x in ("sea", "sky")), at_once=True
    ),
    "gen-stream-usage-at-each-end": last(
        counted(EITHER), lambda reply: len(usages(reply)) == 3
    ),
    "gen-stream-continuous-usage-lacks-the-prompt": last(
        longer(streamed(comp()), stream_options=CONTINUOUS),
        lambda reply: usages(reply)[0]["prompt_tokens"] == 0,
    ),
    "gen-stream-n-not-read": last(
        streamed(EITHER), lambda reply: {p["index"] for p in pieces(reply)} == {0}
    ),
    "gen-stream-temperature-0-crashes": status(streamed(comp()), 500),
    "gen-stream-cut-says-stop": last(
        streamed(comp(max_tokens=2)), lambda reply: ends(reply) == {"stop"}
    ),
    "gen-stream-stop-says-length": last(
        streamed(chat(stop=["the", "a", "of"])),
        lambda reply: ends(reply) == {"length"},
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
    "gen-stream-u2028-is-lost": last(
        streamed(comp("a\u2028b", echo=True)),
        lambda reply: not told(reply).startswith("a"),
    ),
    "gen-stream-line-breaks-are-spelled": last(
        streamed(comp("a\nb", echo=True)),
        lambda reply: told(reply).startswith("a\\nb"),
    ),
    "gen-stream-end-is-held-back": differs(told, feint(streamed(chat()))),
    "gen-end-is-held-back": differs(texts, feint(chat())),
    "gen-stream-piece-that-begins-a-stop-is-lost": differs(
        told, streamed(comp(stop=[" harbor never"]))
    ),
    "gen-stream-text-before-a-stop-is-lost": differs(
        told, streamed(chat(stop=[" some forest"]))
    ),
    "gen-text-goes-on-without-the-stop": differs(
        texts, chat(stop=["the", "a", "of"], max_tokens=40)
    ),
    "gen-stop-is-a-pattern": last(
        chat(stop=".{2}"), lambda reply: texts(reply) == [""]
    ),
    "gen-seed-0-is-none": differs(texts, chat(temperature=1, seed=0)),
    "gen-seed-is-greedy": differs(texts, chat(**SEEDED)),
    "gen-limit-0-is-none": last(chat(max_tokens=0), lambda reply: texts(reply) != [""]),
    "gen-low-temperature-crashes": status(chat(temperature=0.001), 500),
    "gen-lone-surrogate-crashes": status(
        ("/v1/completions", b'{"model": "m", "prompt": "\\ud800"}'), 500
    ),
    "gen-braces-crash": status(chat("a {b} c"), 500),
    "gen-greedy-beside-sampled-crashes": Case(
        [comp(), comp(temperature=1)],
        lambda found, _: found[0].status == 500,
        at_once=True,
    ),
    "gen-alternatives-lost-in-company": Case(
        [LIMITED, chat("Why?", logprobs=True, top_logprobs=2)],
        lambda found, _: len(positions(found[0])[0]["top_logprobs"]) == 1,
        at_once=True,
    ),
    "gen-top-p-lost-in-company": differs(
        texts, comp(temperature=1, seed=3, top_p=0.01), comp(), at_once=True
    ),
    "gen-id-is-one-of-a-thousand": last(
        chat(), lambda reply: len(reply.json()["id"]) <= len("chatcmpl-999")
    ),
    "gen-stream-of-a-cached-answer-is-json": Case(
        [comp(), streamed(comp())],
        lambda found, _: found[1].body.startswith(b"{"),
    ),
    "gen-cache-key-lacks-the-penalties": Case(
        [comp(max_tokens=40), comp(max_tokens=40, frequency_penalty=2)],
        lambda found, true: texts(found[1]) == texts(true[0]) != texts(true[1]),
    ),
    "gen-cache-key-lacks-the-temperature": Case(
        [comp(**SEEDED), comp(seed=5)],
        lambda found, true: texts(found[1]) == texts(true[0]) != texts(true[1]),
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
    "comp-stream-echo-refused": status(streamed(comp(echo=True)), 400),
    "comp-stream-echo-with-logprobs-breaks-off": last(
        streamed(comp(echo=True, logprobs=1)), lambda reply: b"[DONE]" not in reply.body
    ),
    "comp-logprobs-of-a-list-differ": differs(logprobs, comp(["a", "b"], logprobs=1)),
    "comp-echoed-tokens-repeat-line-breaks": differs(
        logprobs, comp("a\nb c", echo=True, logprobs=1)
    ),
    "gen-unseeded-differs-free": differs(texts, chat(temperature=1)),
    "gen-stream-two-tokens-a-piece-free": differs(
        lambda reply: len(pieces(reply)), streamed(comp())
    ),
    "chat-stream-last-delta-is-blank-free": last(
        streamed(chat()), lambda reply: pieces(reply)[-1]["delta"] == {"content": ""}
    ),
}
