"""What shows the museum's bugs of what is said, and of company."""

from exhibit_case import Case, differs
from exhibit_requests import (
    ASKED,
    BIAS,
    ECHOED,
    FORCED,
    LIMITED,
    MANY,
    NOW,
    TOOL,
    arguments,
    chat,
    comp,
    counted,
    data,
    emb,
    logprobs,
    longer,
    parts,
    prompt_tokens,
    ranked,
    rerank,
    score,
    streamed,
    texts,
    told,
    usage,
    vectors,
)

DRAWN = {"temperature": 1, "seed": 5, "max_tokens": 40}
CAFE = comp("Towns", stop="fé", max_tokens=80)

CASES: dict[str, Case] = {
    "chat-stream-arguments-are-told-so-far": differs(arguments, streamed(FORCED)),
    "chat-stream-no-arguments-end-with-quotes": differs(
        arguments, streamed(chat("Now?", tools=[NOW], tool_choice="required"))
    ),
    "chat-stream-index-of-a-call-drifts": differs(
        lambda reply: {part["index"] for part in parts(reply)}, streamed(FORCED)
    ),
    "gen-stream-piece-like-the-last-is-lost": differs(
        told, streamed(comp(logit_bias=BIAS))
    ),
    "gen-first-listed-stop-strikes": differs(texts, comp(stop=["library", "question"])),
    "gen-last-place-of-a-stop-strikes": differs(texts, comp(stop="r")),
    "gen-stop-beyond-ascii-ignored": differs(texts, CAFE),
    "comp-echo-has-no-likelihoods": differs(logprobs, ECHOED),
    "chat-alternatives-have-no-names": differs(logprobs, LIMITED),
    "gen-stopped-stream-counts-nothing": differs(
        lambda reply: usage(reply)["completion_tokens"], counted(comp(stop="library"))
    ),
    "gen-temperature-of-the-neighbour": differs(
        texts, comp(**DRAWN), comp(max_tokens=40), at_once=True
    ),
    "gen-stop-of-the-neighbour": differs(
        texts, comp(), comp(stop="question"), at_once=True
    ),
    "comp-stream-seed-not-passed-on": differs(told, streamed(comp(**DRAWN))),
    "chat-seed-beside-tools-not-passed-on": differs(
        texts, longer(chat(tools=[TOOL]), **DRAWN)
    ),
    "chat-system-lost-without-tools": differs(
        prompt_tokens,
        chat(
            [{"role": "system", "content": "Be kind."}, chat(ASKED)[1]["messages"][0]]
        ),
    ),
    "rerank-first-8-are-sorted": differs(ranked, rerank(MANY)),
    "emb-padding-is-read": differs(vectors, emb(["One", "word " * 40])),
    "score-is-a-share": differs(
        lambda reply: [item["score"] for item in data(reply)],
        score("Seoul", ["Seoul is a city.", "No."]),
    ),
}
