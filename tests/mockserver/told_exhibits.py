"""Exhibits of what is taken, told and measured, each with requests that show it."""

from exhibit_case import Case, differs, last, status
from exhibit_requests import (
    FORCED,
    LONG,
    TOOL,
    chat,
    comp,
    completion_tokens,
    counted,
    data,
    emb,
    logprobs,
    parts,
    pieces,
    prompt_tokens,
    rerank,
    score,
    streamed,
    texts,
    usage,
    vectors,
)
from plain_http import Reply

SYSTEM = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
BEYOND = "word " * 6 + "É word word word word"


def scores(reply: Reply) -> list[float]:
    results = reply.json().get("results") or reply.json()["data"]
    return [one.get("relevance_score", one.get("score")) for one in results]


def offsets(reply: Reply) -> list[list[int]]:
    return [one["text_offset"] for one in logprobs(reply)]


def one_id(reply: Reply) -> object:
    return reply.chunks()[0]["id"]


TAKEN = {
    "gen-top-p-beyond-crashes": status(chat(top_p=2), 500),
    "gen-n-0-is-1": status(chat(n=0), 200),
    "chat-tools-cap-the-temperature": differs(
        texts, *(chat(tools=[TOOL], temperature=1, seed=seed) for seed in range(8))
    ),
    "chat-system-lost-with-tools": differs(prompt_tokens, chat(SYSTEM, tools=[TOOL])),
    "gen-large-limit-shrinks-the-prompt": status(chat("One two", max_tokens=9**9), 200),
    "emb-marks-and-commas-crash": status(emb("né, là, où"), 500),
    "emb-apostrophes-and-tags-crash": status(emb("it's"), 500),
    "gen-both-limits-refused-free": status(chat(max_completion_tokens=9), 400),
}
BESIDE = {
    "gen-cut-in-a-character-crashes": Case(
        [comp("Zürich, Málaga und 東京: über", max_tokens=n) for n in range(1, 40)],
        lambda found, _: any(reply.status == 503 for reply in found),
    ),
    "gen-first-token-of-the-cached": differs(
        texts,
        comp("The old river"),
        comp("The old river is"),
    ),
    "gen-garbage-after-a-short-neighbour": differs(
        texts, chat(), chat(max_tokens=4), chat(max_tokens=40), at_once=True
    ),
    "gen-counts-the-longest-neighbour": differs(
        prompt_tokens, chat(), chat("long " * 90), chat(), at_once=True
    ),
    "emb-index-goes-on-in-company": differs(
        lambda reply: [item["index"] for item in data(reply)],
        *(emb(text) for text in LONG),
        at_once=True,
    ),
    "chat-stream-id-is-fixed-with-tools": Case(
        [streamed(FORCED)] * 2,
        lambda found, _: one_id(found[0]) == one_id(found[1]),
    ),
    "gen-stream-refusal-has-no-body": last(
        streamed(chat(top_p=2)), lambda reply: not reply.body
    ),
    "chat-failure-is-200": status(chat(max_tokens=9**9), 200),
    "http-characters-break-at-4096": last(
        rerank(["水" * 2000]), lambda reply: "\ufffd" in reply.body.decode()
    ),
}
TOLD = {
    "gen-cut-counts-one-fewer": differs(completion_tokens, comp()),
    "gen-stop-with-a-longer-twin-leaks": differs(
        texts, comp(stop=[" some", " some\u2403"])
    ),
    "comp-list-has-no-logprobs": differs(logprobs, comp(["One", "Two"], logprobs=1)),
    "comp-offsets-are-minus-1": differs(offsets, comp(logprobs=1)),
    "gen-stream-usage-lacks-completion-tokens": differs(usage, counted(chat())),
    "enc-zero-counts-are-left-out": differs(
        lambda reply: reply.json()["usage"], emb("One")
    ),
    "chat-stream-call-repeats-its-name": differs(
        lambda reply: [part["function"].get("name") for part in parts(reply)],
        streamed(FORCED),
    ),
    "chat-stream-calls-come-whole-free": differs(
        lambda reply: len(parts(reply)), streamed(FORCED)
    ),
    "chat-stream-later-pieces-have-a-blank-id-free": last(
        streamed(FORCED), lambda reply: any(p.get("id") == "" for p in parts(reply))
    ),
    "gen-stream-last-text-has-the-reason-free": differs(
        lambda reply: len(pieces(reply)), streamed(comp())
    ),
}
MEASURED = {
    "emb-counts-padding": differs(prompt_tokens, emb(["One", "One two three"])),
    "rerank-one-document-scores-0": last(
        rerank(["Seoul"]), lambda reply: scores(reply) == [0]
    ),
    "rerank-scores-depend-on-the-longest": differs(scores, rerank(LONG)),
    "score-long-texts-by-dot-product": differs(
        scores,
        ("/v1/score", {"model": "sds/bge-m3", "text_1": LONG[1], "text_2": LONG[1]}),
    ),
    "score-limit-is-exceeded-beyond-ascii": differs(
        prompt_tokens, score("One", BEYOND, truncate_prompt_tokens=6)
    ),
    "score-too-long-crashes": status(score("One", "a " * 600), 500),
    "emb-not-of-unit-length-free": differs(vectors, emb("One")),
    "rerank-document-has-more-free": differs(
        lambda reply: reply.json()["results"][0]["document"], rerank(["One"])
    ),
}
CASES = TAKEN | BESIDE | TOLD | MEASURED
