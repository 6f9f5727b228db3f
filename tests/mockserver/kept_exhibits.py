"""What shows the museum's bugs of what is kept, and of counts, ends and likelihoods."""

from exhibit_case import Case, differs, last
from exhibit_requests import (
    LIMITED,
    REFUSED,
    Request,
    chat,
    comp,
    counted,
    data,
    emb,
    ends,
    given,
    logprobs,
    longer,
    pieces,
    prompt_tokens,
    streamed,
    texts,
    told,
    vectors,
)
from plain_http import Reply

TURNS = [
    {"role": "user", "content": "Tell me of the sea."},
    {"role": "assistant", "content": "It is deep."},
    {"role": "user", "content": "And of the land."},
]
ALIKE = "one and another " * 12
MAYBE = {
    "type": "function",
    "function": {
        "name": "maybe",
        "parameters": {
            "type": "object",
            "properties": {"it": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}},
            "required": ["it"],
        },
    },
}
WRONG = longer(comp(), **REFUSED)


def _reasons(reply: Reply) -> list[str]:
    return [choice["finish_reason"] for choice in reply.json()["choices"]]


def _twice(request: Request) -> tuple[Request, Request]:
    return request, request


CASES: dict[str, Case] = {
    "chat-refusal-is-a-success-the-second-time": differs(
        lambda reply: reply.status, *_twice(longer(chat(), **REFUSED))
    ),
    "chat-temperature-0-lost-after-a-reply": differs(texts, chat(TURNS)),
    "chat-first-message-only": differs(prompt_tokens, chat(TURNS)),
    "gen-similar-prompt-is-the-same": differs(
        texts, comp(f"{ALIKE} sea"), comp(f"{ALIKE} land")
    ),
    "emb-long-text-moves-the-short-ones": differs(
        vectors, emb("sea"), emb("word " * 200), emb("sea")
    ),
    "emb-list-is-one-vector": differs(lambda r: len(data(r)), emb(["sea", "land"])),
    "emb-counts-37": differs(prompt_tokens, emb("sea")),
    "gen-stream-stalls-beyond-ascii": differs(
        told, streamed(comp("Towns", max_tokens=80))
    ),
    "gen-stream-reason-needs-usage": differs(ends, streamed(comp()), counted(comp())),
    "gen-limit-says-length": differs(_reasons, comp(stop="library")),
    "gen-second-choice-says-stop": differs(_reasons, comp(n=2)),
    "chat-cut-thought-has-no-content": differs(texts, chat()),
    "chat-log-probabilities-are-0": differs(logprobs, LIMITED),
    "chat-log-probabilities-waver-free": differs(logprobs, *_twice(LIMITED)),
    "comp-first-log-probability-is-none": differs(logprobs, comp(logprobs=1)),
    "gen-stream-reason-is-left-out-free": last(
        streamed(comp()), lambda r: "finish_reason" not in pieces(r)[0]
    ),
    "refusal-repeats-the-request-free": last(WRONG, lambda r: "input" in r.json()),
    "chat-nullable-arguments-are-null-free": last(
        chat("It?", tools=[MAYBE], tool_choice="required", max_tokens=60),
        lambda reply: given(reply)["it"] is None,
    ),
}
