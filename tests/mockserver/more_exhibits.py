"""Exhibits about what is read, counted and told, each with requests that show it."""

from typing import Any

from exhibit_requests import (
    ASKED,
    CALL,
    ECHOED,
    FORCED,
    LIMITED,
    MANY,
    TOOL,
    Body,
    Request,
    calls,
    chat,
    comp,
    counted,
    data,
    emb,
    pieces,
    positions,
    ranked,
    rerank,
    streamed,
    texts,
    usage,
    vectors,
)
from exhibits import Case, differs, last, status
from plain_http import Reply

WORDS = "word " * 30
SYSTEMS = [
    {"role": "system", "content": WORDS},
    {"role": "system", "content": WORDS},
    {"role": "user", "content": ASKED},
]
STOPPED = chat(stop=["the", "a", "of"])
EITHER = comp("The river", n=3)
SEEDED = {"temperature": 1, "seed": 5}
UNIT = {"enum": ["°C &amp; km/h"]}
WIND = {
    "type": "function",
    "function": {
        "name": "wind",
        "parameters": {
            "type": "object", "properties": {"unit": UNIT}, "required": ["unit"],
        },
    },
}  # fmt: skip
WINDY = chat(ASKED, tools=[WIND], tool_choice="required", max_tokens=60)
FOREIGN = comp("Zürich, Málaga und 東京: über", echo=True, logprobs=1)
CONTINUOUS = {"include_usage": True, "continuous_usage_stats": True}


def prompt_tokens(reply: Reply) -> Any:
    return reply.json()["usage"]["prompt_tokens"]


def completion_tokens(reply: Reply) -> Any:
    return reply.json()["usage"]["completion_tokens"]


def arguments(reply: Reply) -> str:
    """The arguments of the calls of a stream."""
    parts = (piece["delta"].get("tool_calls") for piece in pieces(reply))
    return "".join(c["function"]["arguments"] for p in parts for c in p or ())


def logprobs(reply: Reply) -> Any:
    return [choice["logprobs"] for choice in reply.json()["choices"]]


def roles(reply: Reply) -> set[Any]:
    return {piece["delta"].get("role") for piece in pieces(reply)}


def is_cut(reply: Reply) -> bool:
    try:
        reply.json()
    except ValueError:
        return True
    return False


def longer(request: Request, **more: Any) -> Request:
    return request[0], request[1] | more


def said_tokens(reply: Reply) -> list[Body]:
    """The positions of a whole answer of either API."""
    given = reply.json()["choices"][0]["logprobs"]
    found: list[Body] = given.get("content") or given["tokens"]
    return found


CASES: dict[str, Case] = {
    "chat-later-system-messages-dropped": differs(prompt_tokens, chat(SYSTEMS)),
    "chat-earlier-system-messages-dropped": differs(prompt_tokens, chat(SYSTEMS)),
    "chat-tool-result-not-read": differs(prompt_tokens, chat(CALL, tools=[TOOL])),
    "gen-nul-cuts-the-prompt": differs(
        prompt_tokens, chat(f"a\0{WORDS}"), comp(f"a\0{WORDS}"), comp(["a", "b\0 c"])
    ),
    "chat-long-prompt-cut": last(
        chat("word " * 1500), lambda reply: prompt_tokens(reply) == 1024
    ),
    "gen-stop-null-crashes": status(chat(stop=None), 500),
    "gen-seed-null-crashes": status(comp(seed=None), 500),
    "comp-echo-long-prompt-crashes": status(comp("a " * 600, echo=True), 500),
    "comp-token-prompt-refused-free": status(comp([11, 12]), 400),
    "emb-token-input-refused-free": status(emb([11, 12]), 400),
    "gen-stream-halves-characters": differs(arguments, streamed(WINDY)),
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
    "gen-after-a-stop-greedy-differs": differs(texts, STOPPED, chat()),
    "gen-n-counts-one-choice": differs(completion_tokens, EITHER),
    "gen-n-counts-the-prompt-n-times": differs(prompt_tokens, EITHER),
    "gen-cached-prompt-not-counted": differs(prompt_tokens, comp(), comp()),
    "gen-continuous-usage-of-each-chunk": last(
        longer(streamed(chat()), stream_options=CONTINUOUS),
        lambda reply: (
            max(
                chunk["usage"]["completion_tokens"]
                for chunk in reply.chunks()
                if chunk["choices"]
            )
            == 1
        ),
    ),
    "gen-stream-counts-one-choice": differs(usage, counted(EITHER)),
    "gen-stream-usage-unasked": last(
        streamed(chat()), lambda reply: not reply.chunks()[-1]["choices"]
    ),
    "gen-stream-usage-without-choices": last(
        counted(comp()), lambda reply: "choices" not in reply.chunks()[-1]
    ),
    "comp-echo-limit-0-says-a-token": last(
        comp(echo=True, max_tokens=0), lambda reply: completion_tokens(reply) == 1
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
    "gen-logprobs-beyond-the-stop": differs(
        lambda reply: len(said_tokens(reply)),
        longer(STOPPED, logprobs=True),
        comp(stop=["the", "a", "of"], logprobs=1),
    ),
    "comp-tokens-are-the-likeliest": differs(logprobs, comp(logprobs=2, **SEEDED)),
    "chat-logprobs-as-of-completions": last(
        LIMITED, lambda reply: "text_offset" in logprobs(reply)[0]
    ),
    "gen-part-of-a-character-is-fffd-free": differs(
        lambda reply: logprobs(reply)[0]["tokens"], FOREIGN
    ),
    "chat-first-log-probability-is-null": last(
        LIMITED, lambda reply: positions(reply)[0]["logprob"] is None
    ),
    "comp-offsets-count-bytes": differs(
        lambda reply: logprobs(reply)[0]["text_offset"], FOREIGN
    ),
    "comp-echo-of-a-cached-prompt-is-0": Case(
        [comp(), ECHOED],
        lambda found, _: 0.0 in logprobs(found[1])[0]["token_logprobs"],
    ),
    "gen-logprobs-with-a-stop-refused": status(longer(STOPPED, logprobs=True), 400),
    "gen-penalties-count-the-prompt-free": differs(
        texts, comp("The sea, the sea, the sea", presence_penalty=2, max_tokens=40)
    ),
    "gen-negative-penalties-not-read": differs(
        texts, comp(frequency_penalty=-2, max_tokens=40)
    ),
    "gen-frequency-penalty-is-the-other": differs(
        texts, comp(frequency_penalty=2, max_tokens=40)
    ),
    "comp-penalties-not-read": differs(texts, comp(presence_penalty=2, max_tokens=40)),
    "gen-negative-bias-not-read": differs(
        texts, comp(logit_bias={str(token): -100 for token in range(10, 310)})
    ),
    "gen-choices-are-copies-free": differs(texts, longer(EITHER, **SEEDED)),
    "gen-stream-index-is-0": last(
        streamed(EITHER), lambda reply: {p["index"] for p in pieces(reply)} == {0}
    ),
    "comp-last-prompt-only": last(
        comp(["a", "b"]), lambda reply: len(reply.json()["choices"]) == 1
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
    "gen-stream-finish-reason-is-empty": last(
        streamed(chat()), lambda reply: pieces(reply)[0]["finish_reason"] == ""
    ),
    "chat-stream-created-in-milliseconds": last(
        streamed(chat()), lambda reply: reply.chunks()[0]["created"] > 10**12
    ),
    "emb-over-512-words-crashes": status(emb("word " * 513), 500),
    "rerank-over-512-words-crashes": status(rerank(["word " * 513]), 500),
    "emb-batch-over-256-words-crashes": status(emb(["word " * 200] * 2), 500),
    "emb-alone-differs": Case(
        [emb("a"), emb(["a", "b"])],
        lambda found, true: (
            vectors(found[0]) != vectors(true[0])
            and vectors(found[1]) == vectors(true[1])
        ),
    ),
    "emb-blank-vector-is-null": last(
        emb(["a", " "]), lambda reply: data(reply)[1]["embedding"][0] is None
    ),
    "rerank-top-n-above-the-count-refused": status(rerank(["a"], top_n=2), 400),
    "rerank-top-n-0-returns-none": last(
        rerank(MANY[:2], top_n=0), lambda reply: ranked(reply) == []
    ),
    "rerank-without-top-n-refused": status(rerank(MANY[:2]), 400),
    "rerank-document-is-null": last(
        rerank(MANY[:2]), lambda reply: reply.json()["results"][0]["document"] is None
    ),
    "http-length-counts-characters": last(rerank(["서울", "Zürich"]), is_cut),
    "rerank-scores-are-stretched": last(
        rerank(MANY[:3]),
        lambda reply: reply.json()["results"][-1]["relevance_score"] == 0,
    ),
}
