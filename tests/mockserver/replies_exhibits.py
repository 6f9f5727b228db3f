"""What shows the bugs of later turns, of what has no text, and of one for all."""

from exhibit_case import Case, differs, last, status
from exhibit_requests import (
    FORCED,
    LIMITED,
    SEEDED,
    chat,
    comp,
    counted,
    emb,
    ends,
    logprobs,
    longer,
    pieces,
    prompt_tokens,
    rerank,
    score,
    streamed,
    texts,
    told,
    vectors,
)
from kept_exhibits import TURNS
from plain_http import Reply

CONTINUOUS = {"include_usage": True, "continuous_usage_stats": True}


def _scores(reply: Reply) -> list[float]:
    body = reply.json()
    found = body.get("results") or body["data"]
    return [each.get("score", each.get("relevance_score")) for each in found]


def _reason(reply: Reply) -> str:
    found: str = reply.json()["choices"][0]["finish_reason"]
    return found


CASES: dict[str, Case] = {
    "chat-seed-lost-after-a-reply": differs(texts, chat(TURNS, **SEEDED)),
    "chat-sampler-is-lost-after-a-reply": differs(
        texts, chat(TURNS, logit_bias={"1001": 100})
    ),
    "chat-first-turn-is-answered-again": differs(
        prompt_tokens, chat(TURNS[:1]), chat(TURNS)
    ),
    "gen-second-choice-is-empty": differs(texts, longer(chat(n=2), **SEEDED)),
    "gen-stream-cache-key-lacks-top-p": differs(
        told,
        streamed(comp(**SEEDED)),
        streamed(comp(top_p=0.01, **SEEDED)),
    ),
    "emb-all-have-the-last-vector": differs(vectors, emb(["sea", "land"])),
    "emb-string-is-its-first-letter": differs(vectors, emb("sea")),
    "rerank-is-a-bare-list": last(
        rerank(["sea", "land"]), lambda reply: isinstance(reply.json(), list)
    ),
    "rerank-scores-are-all-half": differs(_scores, rerank(["sea", "land"])),
    "gen-stop-string-refused": status(comp(stop="sea"), 400),
    "chat-logprobs-are-null": differs(logprobs, LIMITED),
    "chat-stream-calls-are-lost": last(
        streamed(FORCED), lambda reply: ends(reply) == {"stop"}
    ),
    "chat-cut-has-no-choices": last(
        chat(max_tokens=2), lambda reply: reply.json()["choices"] is None
    ),
    "gen-whole-is-the-last-word": differs(texts, comp()),
    "gen-stream-piece-holds-all-so-far": differs(told, streamed(comp(max_tokens=40))),
    "gen-continuous-usage-adds-up": differs(
        lambda reply: reply.chunks()[-1]["usage"],
        longer(streamed(comp()), stream_options=CONTINUOUS),
    ),
    "comp-stream-end-has-no-choice": last(counted(comp()), lambda r: not ends(r)),
    "comp-stream-pieces-are-of-chat": last(
        streamed(comp()), lambda reply: "delta" in pieces(reply)[0]
    ),
    "gen-end-is-eos-token-free": last(
        chat(max_tokens=500), lambda reply: _reason(reply) == "eos_token"
    ),
    "gen-matched-stop-free": last(
        chat(), lambda reply: "matched_stop" in reply.json()["choices"][0]
    ),
    "cross-scores-from-a-half-free": differs(_scores, score("sea", "land")),
}
