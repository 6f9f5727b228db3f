"""Exhibits of the second round, each with requests that show it."""

import json
from typing import Any

from exhibit_requests import (
    ASKED,
    FORCED,
    MANY,
    NOW,
    Body,
    Request,
    calls,
    chat,
    comp,
    counted,
    data,
    emb,
    pieces,
    ranked,
    rerank,
    score,
    shown,
    streamed,
    texts,
    told,
    vectors,
)
from exhibits import Case, differs, last, status
from more_exhibits import EITHER, SEEDED, arguments, logprobs, longer, prompt_tokens
from plain_http import Reply

MARK = "<|endoftext|>"
DECOMPOSED = "Cafe\u0301"
NOT_UTF8 = b'{"model": "m", "query": "\xff", "documents": ["a"]}'
STOPS = ["the", "a", "of"]
SAID = "The river is wide. The sea is wide. The sea is deep."


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


def given(reply: Reply) -> Any:
    """The arguments of the first call of a whole answer."""
    return json.loads(calls(reply)[0]["function"]["arguments"])


def numbers(reply: Reply) -> list[Any]:
    return [item["index"] for item in data(reply)]


def scores(reply: Reply) -> list[float]:
    return [result["relevance_score"] for result in reply.json()["results"]]


def streams_usage(reply: Reply) -> bool:
    return any(chunk.get("usage") for chunk in reply.chunks())


CASES: dict[str, Case] = {
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
    "emb-fresh-index-restarts": Case(
        [emb(["a", "b"]), emb(["c", "a", "d"])],
        lambda found, _: numbers(found[1]) == [0, 1, 1],
    ),
    "emb-fresh-input-gets-a-cached-vector": Case(
        [emb("a"), emb(["b", "a", "c"])],
        lambda found, _: vectors(found[1])[1] == vectors(found[1])[2],
    ),
    "rerank-cache-key-lacks-the-query": Case(
        [rerank(["a", "b"]), rerank(["a", "b"], query="Paris")],
        lambda found, _: scores(found[0]) == scores(found[1]),
    ),
    "gen-cache-key-lacks-the-limit": differs(texts, comp(), comp(max_tokens=3)),
    "gen-cache-key-lacks-the-stop": differs(texts, comp(), comp(stop=STOPS)),
    "gen-penalty-of-the-neighbour": differs(
        texts,
        *(comp(SAID, max_tokens=40), comp(SAID, max_tokens=40, frequency_penalty=-2)),
        at_once=True,
    ),
    "gen-stream-of-the-neighbour": differs(
        told, streamed(comp("The river")), streamed(comp("A city")), at_once=True
    ),
    "rerank-text-is-composed": last(
        rerank([DECOMPOSED]), lambda reply: shown(reply) == ["Café"]
    ),
    "comp-echo-is-composed": last(
        comp(DECOMPOSED, echo=True), lambda reply: texts(reply)[0].startswith("Café")
    ),
    "comp-echo-loses-special-text": last(
        comp(f"a{MARK}b", echo=True), lambda reply: texts(reply)[0].startswith("ab")
    ),
    "enc-special-text-crashes": status(score(MARK, "a"), 500),
    "gen-special-text-crashes": status(chat(MARK), 500),
    "enc-nul-crashes": status(emb(["a\0b"]), 500),
    "gen-stream-loses-marks": last(
        streamed(comp(MARK, echo=True)), lambda reply: "<" not in told(reply)
    ),
    "gen-second-choice-is-not-stopped": differs(
        texts, comp(n=3, stop=STOPS, max_tokens=30, **SEEDED)
    ),
    "gen-second-choice-has-the-first-logprobs": differs(
        logprobs, comp(n=2, logprobs=1, **SEEDED)
    ),
    "gen-stream-second-choice-never-finishes": differs(
        lambda reply: sum(p["finish_reason"] is not None for p in pieces(reply)),
        streamed(EITHER),
    ),
    "chat-stream-second-choice-has-no-role": differs(
        lambda reply: sum("role" in piece["delta"] for piece in pieces(reply)),
        streamed(chat(n=2, **SEEDED)),
    ),
    "chat-second-choice-calls-nothing": last(
        longer(FORCED, n=2, **SEEDED),
        lambda reply: reply.json()["choices"][1]["message"]["content"] == "Sure.",
    ),
    "comp-list-counts-the-first-prompt": differs(prompt_tokens, comp(["a", "b c"])),
    "comp-list-is-joined": last(
        comp(["a", "b"]), lambda reply: len(reply.json()["choices"]) == 1
    ),
    "comp-stream-list-ends-with-the-first": differs(
        lambda reply: len(pieces(reply)), streamed(comp(["a", "b"]))
    ),
    "comp-stream-offsets-restart": last(
        streamed(comp(logprobs=1)),
        lambda reply: all(
            piece["logprobs"]["text_offset"][0] == 0
            for piece in pieces(reply)
            if (piece["logprobs"] or {}).get("text_offset")
        ),
    ),
    "gen-stream-ends-twice": last(
        streamed(chat()),
        lambda reply: sum(bool(p["finish_reason"]) for p in pieces(reply)) == 2,
    ),
    "rerank-single-document-crashes": status(rerank(["a"]), 500),
    "rerank-one-result-is-no-list": last(
        rerank(MANY[:3], top_n=1),
        lambda reply: isinstance(reply.json()["results"], dict),
    ),
    "score-of-one-pair-is-a-list": last(
        score("a", "b"), lambda reply: isinstance(data(reply)[0]["score"], list)
    ),
    "score-counts-nothing": last(
        score("a", "b"), lambda reply: prompt_tokens(reply) == 0
    ),
    "rerank-counts-nothing": last(
        rerank(["a"]), lambda reply: reply.json()["usage"]["total_tokens"] == 0
    ),
    "rerank-blank-document-dropped": last(
        rerank(["a", "", "b"]), lambda reply: sorted(ranked(reply)) == [0, 2]
    ),
    "rerank-blank-query-crashes": status(rerank(["a"], query=""), 500),
    "rerank-scores-of-the-unsorted": differs(scores, rerank(MANY[:5])),
    "rerank-documents-of-the-unsorted": last(
        rerank(MANY[:5]), lambda reply: ranked(reply) == [0, 1, 2, 3, 4]
    ),
    "rerank-v2-lacks-documents": last(
        ("/v2/rerank", rerank(["a"])[1]),
        lambda reply: "document" not in reply.json()["results"][0],
    ),
    "scores-are-squashed-twice": last(
        rerank(MANY[:3]), lambda reply: min(scores(reply)) >= 0.5
    ),
    "emb-base64-of-doubles": differs(
        lambda reply: len(vectors(reply)[0]), emb("a", encoding_format="base64")
    ),
    "emb-base64-for-the-first-only": last(
        emb(["a", "b"], encoding_format="base64"),
        lambda reply: isinstance(vectors(reply)[1], list),
    ),
    "emb-copies-dropped": last(
        emb(["a", "b", "a"]), lambda reply: numbers(reply) == [0, 1]
    ),
    "chat-top-logprobs-0-drops-all": last(
        chat(logprobs=True, top_logprobs=0), lambda reply: logprobs(reply) == [None]
    ),
    "gen-first-bias-only": differs(texts, comp(logit_bias={"9": -1, "1001": 100})),
    "gen-stream-bias-not-read": differs(
        told, streamed(comp(logit_bias={"1001": 100}, max_tokens=3))
    ),
    "gen-bias-beyond-the-vocabulary-crashes": status(
        comp(logit_bias={"999999999": 1}), 500
    ),
    "gen-negative-seed-crashes": status(chat(seed=-1), 500),
    "gen-top-p-1-refused": status(chat(top_p=1), 400),
    "comp-blank-prompt-crashes": status(comp([""]), 500),
    "gen-stream-model-is-the-backend": last(
        streamed(chat()),
        lambda reply: reply.chunks()[0]["model"] == "hosted/my-served-model",
    ),
    "gen-include-usage-false-is-true": last(
        longer(counted(chat()), stream_options={"include_usage": False}),
        streams_usage,
    ),
    "chat-stream-reasoning-lost": last(
        chat(),
        lambda reply: reply.json()["choices"][0]["message"]["reasoning_content"],
    ),
    "refusal-is-plain-text": last(
        chat(top_p=2), lambda reply: reply.body == b"Bad Request"
    ),
    "score-deep-body-crashes": status(("/v1/score", b"[" * 200), 500),
    "huge-integer-crashes": status(emb("a", truncate_prompt_tokens=-(2**63)), 500),
    "rerank-bytes-that-are-no-utf8-crash": status(("/v1/rerank", NOT_UTF8), 500),
    "gen-empty-body-crashes": status(("/v1/completions", b""), 500),
    "gen-any-word-of-a-stop-stops": differs(texts, chat(stop="the never a")),
    "gen-first-stop-only": differs(texts, chat(stop=["never", *STOPS])),
    "comp-stop-in-the-echo-strikes": last(
        comp("The river", echo=True, stop="river"),
        lambda reply: texts(reply) == ["The "],
    ),
    "gen-last-of-the-list-wins": differs(texts, chat(stop=STOPS)),
    "chat-call-says-stop-free": last(
        FORCED, lambda reply: reply.json()["choices"][0]["finish_reason"] == "stop"
    ),
    "chat-one-call-at-most-free": last(AT_ONCE, lambda reply: len(calls(reply)) == 1),
    "emb-newline-is-a-space-free": Case(
        [emb("a b"), emb("a\nb")],
        lambda found, _: vectors(found[0]) == vectors(found[1]),
    ),
    "gen-stream-with-stop-begins-blank-free": last(
        streamed(comp(stop=["never"])),
        lambda reply: [piece["text"] for piece in pieces(reply)[1:3]] == ["", ""],
    ),
}
