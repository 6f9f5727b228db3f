"""What shows the museum's bugs of one form that its twin has not."""

from exhibit_case import Case, differs, last
from exhibit_requests import (
    ASKED,
    ECHOED,
    FORCED,
    LIMITED,
    MANY,
    TOOL,
    WINDY,
    arguments,
    calls,
    chat,
    comp,
    emb,
    given,
    logprobs,
    longer,
    parts,
    rerank,
    streamed,
    texts,
    told,
    vectors,
)

COUNT = {
    "type": "function",
    "function": {
        "name": "count",
        "parameters": {
            "type": "object",
            "properties": {"to": {"enum": [2**53 - 1]}},
            "required": ["to"],
        },
    },
}

CASES: dict[str, Case] = {
    "gen-stream-loses-an-only-token": differs(told, streamed(comp(max_tokens=1))),
    "chat-stream-arguments-come-again": differs(arguments, streamed(FORCED)),
    "chat-stream-last-arguments-are-null-free": last(
        streamed(FORCED),
        lambda reply: None in [part["function"]["arguments"] for part in parts(reply)],
    ),
    "chat-integers-have-14-digits": differs(
        given, chat(tools=[COUNT], tool_choice="required", max_tokens=60)
    ),
    "chat-arguments-are-escaped-free": differs(
        lambda reply: calls(reply)[0]["function"]["arguments"], WINDY
    ),
    "gen-cache-key-lacks-top-logprobs": Case(
        [LIMITED, longer(LIMITED, top_logprobs=1)],
        lambda found, _: logprobs(found[0]) == logprobs(found[1]),
    ),
    "chat-tools-are-offered-to-the-next": differs(
        lambda reply: bool(calls(reply)), chat(ASKED, tools=[TOOL]), chat(ASKED)
    ),
    "emb-string-is-not-normalized": differs(vectors, emb("One")),
    "rerank-scores-beyond-8-are-null": differs(
        lambda reply: [each["relevance_score"] for each in reply.json()["results"]],
        rerank(MANY),
    ),
    "comp-list-is-not-stopped": differs(texts, comp(["The river", "Sea"], stop="e")),
    "comp-echo-lists-one-position": differs(logprobs, ECHOED),
    "gen-logprobs-are-of-the-next-token": differs(logprobs, LIMITED),
    "gen-usage-tells-what-was-cached-free": differs(
        lambda reply: reply.json()["usage"]["prompt_tokens_details"], comp(), comp()
    ),
}
