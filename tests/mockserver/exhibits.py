"""The museum's exhibits, each with requests that show it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exhibit_requests import (
    ASKED,
    BIAS,
    BOTH,
    CALL,
    ECHOED,
    FORCED,
    LIMITED,
    LONG,
    MANY,
    NOW,
    REFUSED,
    TOOL,
    Request,
    calls,
    chat,
    comp,
    counted,
    data,
    emb,
    ends,
    pieces,
    positions,
    ranked,
    rerank,
    score,
    shown,
    streamed,
    texts,
    told,
    usage,
    vectors,
)
from plain_http import Reply


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that show an exhibit, and what tells it from the faithful mock.

    `seen` is given the answers of the broken and those of the faithful mock; given
    those of the faithful one twice, it must say no.
    """

    requests: Sequence[Request]
    seen: Callable[[list[Reply], list[Reply]], object]
    at_once: bool = False


def last(request: Request, seen: Callable[[Reply], object]) -> Case:
    """One request, judged by its own answer."""
    return Case([request], lambda found, _: seen(found[-1]))


def status(request: Request, wanted: int) -> Case:
    return last(request, lambda reply: reply.status == wanted)


def differs(by: Callable[[Reply], object], *requests: Request, **more: Any) -> Case:
    """By some measure, some answer is another one."""
    return Case(
        requests,
        lambda found, true: [by(one) for one in found] != [by(one) for one in true],
        **more,
    )


CASES: dict[str, Case] = {
    "emb-batch-over-8": Case(
        [emb(MANY[:10])],
        lambda found, true: vectors(found[0])[:8] == vectors(true[0])[:8]
        and vectors(found[0])[8:] == vectors(true[0])[:2],
    ),
    "emb-over-10-refused": status(emb(MANY[:11]), 422),
    "emb-over-32-refused": status(emb(MANY[:33]), 422),
    "emb-over-64-is-413": status(emb(MANY * 2), 413),
    "emb-over-128-crashes": status(emb(MANY * 4), 500),
    "emb-index-restarts-at-1000": last(
        emb(["a"] * 1001), lambda reply: data(reply)[1000]["index"] == 0
    ),
    "emb-order-mangled-from-1000": differs(vectors, emb(MANY * 25)),
    "emb-blank-input-dropped": last(
        emb(["a", "", "b"]), lambda reply: [i["index"] for i in data(reply)] == [0, 1]
    ),
    "emb-empty-string-crashes": status(emb(""), 500),
    "emb-empty-list-is-413": status(emb([]), 413),
    "emb-mixed-lengths-crash": status(emb(["a", "word " * 200]), 500),
    "emb-body-of-2-mb-is-413": status(emb(["a" * 1_000_000] * 3), 413),
    "emb-wrong-when-parallel": differs(
        vectors, *(emb(text) for text in MANY[:8]), at_once=True
    ),
    "emb-cache-ignores-truncation": Case(
        [emb("one two three"), emb("one two three", truncate_prompt_tokens=1)],
        lambda found, _: vectors(found[0]) == vectors(found[1]),
    ),
    "rerank-over-32-refused": status(rerank(MANY[:33]), 422),
    "enc-truncate-1-refused": status(rerank(MANY[:2], truncate_prompt_tokens=1), 400),
    "rerank-long-documents-in-order": last(
        rerank(LONG), lambda reply: ranked(reply) == [0, 1, 2]
    ),
    "rerank-text-cut-at-512": last(
        rerank(LONG), lambda reply: max(map(len, shown(reply))) == 512
    ),
    "rerank-text-white-space-folded": last(
        rerank([" a  b\n"]), lambda reply: shown(reply) == ["a b"]
    ),
    "rerank-last-batch-only": last(
        rerank(MANY), lambda reply: sorted(ranked(reply)) == list(range(32, 40))
    ),
    "rerank-cut-before-sorting": last(
        rerank([*LONG[::-1], "Seoul"], top_n=2),
        lambda reply: sorted(ranked(reply)) == [0, 1],
    ),
    "rerank-top-n-not-read": last(
        rerank(MANY[:3], top_n=1), lambda reply: len(ranked(reply)) == 3
    ),
    "rerank-results-in-input-order": last(
        rerank(LONG), lambda reply: ranked(reply) == [0, 1, 2]
    ),
    "rerank-nothing-without-top-n": last(
        rerank(["a"]), lambda reply: ranked(reply) == []
    ),
    "rerank-index-of-distinct-documents": last(
        rerank(["a", "a", "b"]), lambda reply: sorted(ranked(reply)) == [0, 1]
    ),
    "rerank-truncation-cuts-the-query": last(
        rerank(LONG, truncate_prompt_tokens=20),
        lambda reply: reply.json()["results"][0]["relevance_score"] < 0.01,
    ),
    "rerank-truncation-not-forwarded": last(
        rerank(LONG, truncate_prompt_tokens=5),
        lambda reply: reply.json()["usage"]["total_tokens"] > 15,
    ),
    "scores-saturate-at-1": last(
        score("Seoul is a city.", "Seoul is a city!"),
        lambda reply: data(reply)[0]["score"] == 1,
    ),
    "score-over-16-shifted": Case(
        [score("Seoul", [*MANY[:17], "Seoul", "Busan"])],
        lambda found, true: data(found[0])[18]["score"] == data(true[0])[17]["score"],
    ),
    "score-blank-pair-dropped": last(
        score("a", ["b", "", "c"]), lambda reply: len(data(reply)) == 2
    ),
    "score-truncated-pair-is-misread": differs(
        lambda reply: round(data(reply)[0]["score"], 3),
        score("Seoul", "word " * 50, truncate_prompt_tokens=10),
    ),
    "gen-bias-leaks-to-next": Case(
        [comp(logit_bias=BIAS), comp()],
        lambda found, _: texts(found[0]) == texts(found[1]),
    ),
    "gen-cache-key-lacks-bias": Case(
        [comp(), comp(logit_bias=BIAS)],
        lambda found, _: texts(found[0]) == texts(found[1]),
    ),
    "cache-repeats-id": Case(
        [rerank(["a"]), rerank(["a"])],
        lambda found, _: found[0].json()["id"] == found[1].json()["id"],
    ),
    "comp-second-greedy-differs": Case(
        [comp(), comp()], lambda found, _: texts(found[0]) != texts(found[1])
    ),
    "gen-seed-lost-in-company": differs(
        texts,
        *[comp(temperature=1, seed=5)] * 6,
        comp("Other", temperature=0),
        at_once=True,
    ),
    "gen-bias-lost-under-load": differs(
        texts, *[comp(logit_bias=BIAS)] * 6, at_once=True
    ),
    "chat-answers-the-neighbour": differs(
        texts, *(chat(f"Tell of {x}.") for x in MANY[:8]), at_once=True
    ),
    "gen-cap-64-length": last(
        chat(max_tokens=100, logit_bias=BIAS),
        lambda reply: reply.json()["usage"]["completion_tokens"] == 64,
    ),
    "gen-limit-0-refused": status(comp(max_tokens=0), 422),
    "gen-stop-newline-ignored": last(
        comp(logit_bias={"198": 100}, stop="\n"), lambda reply: "\n" in texts(reply)[0]
    ),
    "gen-stream-stop-list-ignored": last(
        streamed(comp(stop=[" ", "e"])), lambda reply: "e" in told(reply)
    ),
    "gen-stream-stop-of-two-words-missed": differs(
        told, streamed(comp("The river", max_tokens=40, stop="makes one"))
    ),
    "gen-stream-stop-prefix-leaks": differs(
        told, streamed(comp("The river", max_tokens=40, stop="makes one"))
    ),
    "gen-penalty-logprobs-500": status(comp(top_p=0.1, logprobs=2), 500),
    "gen-temperature-0-unset": differs(
        texts, *(comp(seed=seed) for seed in range(6))
    ),
    "gen-seed-not-passed-on": Case(
        [comp(temperature=1, seed=5, max_tokens=40)] * 2,
        lambda found, _: texts(found[0]) != texts(found[1]),
    ),
    "gen-n-not-read": last(comp(n=2), lambda reply: len(texts(reply)) == 1),
    "gen-index-beyond-n": last(
        comp(n=2), lambda reply: reply.json()["choices"][1]["index"] == 2
    ),
    "gen-bias-on-first-token-only": Case(
        [comp(logit_bias=BIAS)],
        lambda found, true: texts(found[0])[0][:3] == texts(true[0])[0][:3]
        and texts(found[0]) != texts(true[0]),
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
    "chat-call-has-no-usage": last(
        FORCED, lambda reply: reply.json()["usage"] is None
    ),
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
        ("/v1/chat/completions", chat()[1] | {"max_tokens": None}
         | {"max_completion_tokens": 3}),
        lambda reply: reply.json()["usage"]["completion_tokens"] > 3,
    ),
    "comp-echo-logprobs-generated-only": last(
        ECHOED,
        lambda reply: len(reply.json()["choices"][0]["logprobs"]["tokens"])
        <= reply.json()["usage"]["completion_tokens"],
    ),
    "comp-echo-logprobs-500": status(ECHOED, 500),
    "comp-echo-limit-0-crashes": status(comp(echo=True, max_tokens=0), 500),
    "comp-stream-list-refused": status(streamed(comp(["One", "Two"])), 422),
    "comp-list-n-choice-major": last(
        comp(["One", "Two"], n=2, echo=True),
        lambda reply: [t[:3] for t in texts(reply)] == ["One", "Two", "One", "Two"],
    ),
    "comp-leading-space-lost-whole": Case(
        [comp(), streamed(comp())],
        lambda found, _: " " + texts(found[0])[0] == told(found[1]),
    ),
    "comp-leading-space-lost": differs(told, streamed(comp())),
    "comp-stream-usage-without-total": last(
        counted(comp()), lambda reply: "total_tokens" not in usage(reply)
    ),
    "comp-stream-echo-offsets-slip": last(
        streamed(ECHOED),
        lambda reply: pieces(reply)[1]["logprobs"]["text_offset"][0] == 0,
    ),
    "comp-stream-logprobs-missing": last(
        streamed(comp(logprobs=2)),
        lambda reply: not any(p["logprobs"] for p in pieces(reply)),
    ),
    "comp-stream-id-of-each-chunk": last(
        streamed(comp()), lambda reply: len({c["id"] for c in reply.chunks()}) > 1
    ),
    "chat-stream-id-of-each-chunk": last(
        streamed(LIMITED), lambda reply: len({c["id"] for c in reply.chunks()}) > 1
    ),
    "comp-stream-echo-not-read": last(
        streamed(comp(echo=True)),
        lambda reply: not told(reply).startswith("The river"),
    ),
    "sse-empty-data-heartbeat": last(
        streamed(comp()), lambda reply: b"\n\ndata:\n\n" in reply.body
    ),
    "sse-retry-only-event": last(
        streamed(comp()), lambda reply: reply.body.startswith(b"retry: 3000\n\n")
    ),
    "sse-id-then-ping": last(
        streamed(comp()), lambda reply: b"\n\n: ping\n\nid: 1\n" in reply.body
    ),
    "sse-heartbeat-inside-event": last(
        streamed(comp()), lambda reply: b"\n: heartbeat\n\n" in reply.body[:60]
    ),
    "gen-stream-refusal-is-200": last(
        streamed(comp(**REFUSED)),
        lambda reply: reply.status == 200 and b'"error"' in reply.body,
    ),
    "gen-stream-refusal-is-blank": last(
        streamed(comp(**REFUSED)),
        lambda reply: (reply.status, reply.body) == (200, b""),
    ),
    "gen-stream-too-long-is-200": status(streamed(comp(max_tokens=10_000_000)), 200),
    "gen-minus-infinity-literal": last(
        LIMITED, lambda reply: b":-Infinity" in reply.body
    ),
    "gen-stream-prompt-tokens-one-more": differs(
        lambda reply: usage(reply)["prompt_tokens"], counted(comp())
    ),
    "gen-stream-completion-tokens-recounted": differs(
        lambda reply: usage(reply)["completion_tokens"], counted(comp())
    ),
    "gen-u2028-free": last(
        comp(max_tokens=200), lambda reply: "\u2028" in texts(reply)[0]
    ),
    "gen-cap-64-stop": last(
        comp(max_tokens=100, logit_bias=BIAS),
        lambda reply: reply.json()["usage"]["completion_tokens"] == 64,
    ),
    "scores-in-bf16-free": differs(
        lambda reply: data(reply)[0]["score"], score("Seoul", "Seoul is a city")
    ),
    "sse-byte-order-mark-free": last(
        streamed(comp()), lambda reply: reply.body[:3] == b"\xef\xbb\xbf"
    ),
    "sse-cr-only-free": last(
        streamed(comp()), lambda reply: b"\r\r" in reply.body
    ),
    "sse-first-chunk-without-choices": last(
        streamed(comp()), lambda reply: reply.chunks()[0]["choices"] == []
    ),
}  # fmt: skip
