"""Exhibits of no common kind, each with requests that show it."""

from exhibit_case import Case, differs, last, status
from exhibit_requests import (
    BIAS,
    BOTH,
    FORCED,
    LONG,
    NOW,
    SEEDED,
    chat,
    comp,
    completion_tokens,
    emb,
    logprobs,
    pieces,
    prompt_tokens,
    rerank,
    score,
    streamed,
    texts,
    told,
    vectors,
)
from plain_http import Reply


def scores(reply: Reply) -> list[float]:
    results = reply.json().get("results") or reply.json()["data"]
    return [one.get("relevance_score", one.get("score")) for one in results]


def finish(reply: Reply) -> object:
    return reply.json()["choices"][0]["finish_reason"]


QUERIES = ["Seoul", "Busan", "A river", "The moon"]
ASK = {"role": "user", "content": "Name two."}
REPLY = {"role": "assistant", "content": "Blue, and red."}
LISTED = "List towns, one on each line."
CUT = emb("one two three four five six", truncate_prompt_tokens=4)

CASES: dict[str, Case] = {
    "rerank-neighbours-query": differs(
        scores, *(rerank(LONG, query=query) for query in QUERIES), at_once=True
    ),
    "rerank-chunks-are-results": last(
        rerank(LONG), lambda reply: len(scores(reply)) > len(LONG)
    ),
    "rerank-query-newline-crashes": status(rerank(LONG, query="Seoul\n"), 500),
    "rerank-long-one-degrades-all": last(
        rerank(["Seoul", "a " * 600]), lambda reply: 0 in scores(reply)
    ),
    "score-sorted-apart": differs(
        scores, score(["One two", "Three"], ["One", "Three four"])
    ),
    "emb-remains-of-the-longer": differs(vectors, emb("One two three"), emb("One")),
    "emb-cached-come-first": differs(vectors, emb("One"), emb(["Two", "One"])),
    "comp-null-limit-crashes": status(comp(max_tokens=None), 500),
    "comp-nothing-says-the-prompt": differs(texts, comp(stop="?", max_tokens=0)),
    "gen-stop-at-the-limit-says-length-free": Case(
        [comp(max_tokens=count, stop=["a", "e"]) for count in range(1, 12)],
        lambda found, true: [*map(finish, found)] != [*map(finish, true)],
    ),
    "gen-stop-in-a-longer-one-missed": differs(texts, comp(stop=["e", "e\u2403"])),
    "gen-penalties-count-the-prompt-only": differs(
        texts, comp(frequency_penalty=2, max_tokens=60)
    ),
    "rerank-ties-are-told-apart-free": differs(scores, rerank(["One", "One"])),
    "rerank-too-long-refuses-the-list-free": status(rerank(["a " * 8_001]), 400),
    "emb-cut-from-the-left-free": differs(vectors, CUT),
    "gen-stream-logprobs-run-ahead-free": differs(
        lambda reply: [
            (piece["logprobs"] or {}).get("content") for piece in pieces(reply)
        ],
        streamed(chat(logprobs=True)),
    ),
    "chat-stream-word-crashes": status(chat(stream="word"), 500),
    "gen-bias-lost-with-several-choices": differs(
        texts, comp(n=2, logit_bias=BIAS, **SEEDED)
    ),
    "chat-tools-drop-penalties-and-biases": differs(
        texts, chat(tools=[NOW], logit_bias=BIAS)
    ),
    "gen-top-p-lost-beside-temperature": differs(texts, comp(**SEEDED, top_p=0.01)),
    "gen-temperature-1-is-greedy": differs(texts, comp(**SEEDED)),
    "emb-base64-last-is-nan": differs(
        vectors, emb(["One", "Two"], encoding_format="base64")
    ),
    "chat-calls-are-not-counted": differs(completion_tokens, FORCED),
    "chat-stream-with-tools-loses-line-breaks": differs(
        told, streamed(chat(LISTED, tools=[NOW], max_tokens=40))
    ),
    "chat-cut-thought-is-content": differs(texts, chat()),
    "chat-logprobs-of-the-answer-alone-free": differs(logprobs, chat(logprobs=True)),
    "chat-tools-are-not-counted-free": differs(prompt_tokens, chat(tools=[NOW])),
    "gen-stream-choices-come-in-turn-free": differs(
        lambda reply: [piece["index"] for piece in pieces(reply)],
        streamed(comp(n=2, **SEEDED)),
    ),
    "chat-stream-logprobs-beside-tools-refused": status(
        streamed(chat(tools=[NOW], logprobs=True)), 400
    ),
    "chat-empty-calls-lose-the-reply": differs(
        prompt_tokens, chat([ASK, REPLY | {"tool_calls": []}, ASK])
    ),
    "chat-replies-are-not-read": differs(prompt_tokens, chat([ASK, REPLY, ASK])),
    "gen-stream-with-a-penalty-is-cut": differs(
        told, streamed(comp(frequency_penalty=1))
    ),
    "gen-whole-penalties-not-read": differs(
        texts, comp(frequency_penalty=2, max_tokens=60)
    ),
    "gen-stream-ends-the-first-choice-only": differs(
        lambda reply: [piece["index"] for piece in pieces(reply)],
        streamed(comp(n=2, **SEEDED)),
    ),
    "chat-stream-calls-are-the-last": differs(
        lambda reply: [piece["delta"].get("tool_calls") for piece in pieces(reply)],
        streamed(BOTH),
    ),
    "chat-cache-key-lacks-the-tools": Case(
        [chat(LISTED), chat(LISTED, tools=[NOW], tool_choice="required")],
        lambda found, _: texts(found[0]) == texts(found[1]),
    ),
    "emb-truncated-lists-slip": differs(
        vectors, emb(["One two three", "Four"], truncate_prompt_tokens=4)
    ),
    "emb-limit-is-of-characters": differs(
        vectors, emb("One two three", truncate_prompt_tokens=5)
    ),
    "emb-cached-comes-as-first-encoded": differs(
        vectors, emb("One"), emb("One", encoding_format="base64")
    ),
    "rerank-all-have-the-last-score": differs(scores, rerank(["One", "Seoul"])),
    "gen-stream-usage-is-null-free": last(
        streamed(comp()), lambda reply: "usage" in reply.chunks()[0]
    ),
    "chat-stream-content-beside-calls-is-null-free": last(
        streamed(FORCED),
        lambda reply: any(
            "content" in piece["delta"]
            for piece in pieces(reply)
            if piece["delta"].get("tool_calls")
        ),
    ),
}
