"""Exhibits of completions, each with requests that show it."""

from exhibit_case import Case, differs, last, status
from exhibit_requests import (
    DECOMPOSED,
    ECHOED,
    FOREIGN,
    MARK,
    SEEDED,
    comp,
    completion_tokens,
    counted,
    logprobs,
    pieces,
    prompt_tokens,
    streamed,
    texts,
    told,
    usage,
)

CASES: dict[str, Case] = {
    "comp-second-greedy-differs": Case(
        [comp(), comp()], lambda found, _: texts(found[0]) != texts(found[1])
    ),
    "comp-echo-logprobs-generated-only": last(
        ECHOED,
        lambda reply: (
            len(reply.json()["choices"][0]["logprobs"]["tokens"])
            <= reply.json()["usage"]["completion_tokens"]
        ),
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
    "comp-stream-echo-not-read": last(
        streamed(comp(echo=True)),
        lambda reply: not told(reply).startswith("The river"),
    ),
    "comp-echo-long-prompt-crashes": status(comp("a " * 600, echo=True), 500),
    "comp-token-prompt-refused-free": status(comp([11, 12]), 400),
    "comp-echo-limit-0-says-a-token": last(
        comp(echo=True, max_tokens=0), lambda reply: completion_tokens(reply) == 1
    ),
    "comp-tokens-are-the-likeliest": differs(logprobs, comp(logprobs=2, **SEEDED)),
    "comp-offsets-count-bytes": differs(
        lambda reply: logprobs(reply)[0]["text_offset"], FOREIGN
    ),
    "comp-echo-of-a-cached-prompt-is-0": Case(
        [comp(), ECHOED],
        lambda found, _: 0.0 in logprobs(found[1])[0]["token_logprobs"],
    ),
    "comp-penalties-not-read": differs(texts, comp(presence_penalty=2, max_tokens=40)),
    "comp-last-prompt-only": last(
        comp(["a", "b"]), lambda reply: len(reply.json()["choices"]) == 1
    ),
    "comp-echo-is-composed": last(
        comp(DECOMPOSED, echo=True), lambda reply: texts(reply)[0].startswith("Café")
    ),
    "comp-echo-loses-special-text": last(
        comp(f"a{MARK}b", echo=True), lambda reply: texts(reply)[0].startswith("ab")
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
    "comp-blank-prompt-crashes": status(comp([""]), 500),
    "comp-stop-in-the-echo-strikes": last(
        comp("The river", echo=True, stop="river"),
        lambda reply: texts(reply) == ["The "],
    ),
    "comp-stream-echo-refused": status(streamed(comp(echo=True)), 400),
    "comp-stream-echo-with-logprobs-breaks-off": last(
        streamed(comp(echo=True, logprobs=1)), lambda reply: b"[DONE]" not in reply.body
    ),
    "comp-logprobs-of-a-list-differ": differs(logprobs, comp(["a", "b"], logprobs=1)),
    "comp-echoed-tokens-repeat-line-breaks": differs(
        logprobs, comp("a\nb c", echo=True, logprobs=1)
    ),
    "comp-short-prompts-are-padded": differs(prompt_tokens, comp(["a b c", "d"])),
    "comp-offsets-count-from-the-prompt-free": last(
        comp("ab", logprobs=1),
        lambda reply: logprobs(reply)[0]["text_offset"][0] == 2,
    ),
}
