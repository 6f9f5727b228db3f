"""Exhibits of both generating APIs, each with requests that show it."""

from exhibit_case import Case, differs, last, status
from exhibit_requests import (
    BIAS,
    FOREIGN,
    LIMITED,
    MARK,
    REFUSED,
    SEEDED,
    WINDY,
    WORDS,
    Body,
    Request,
    arguments,
    chat,
    comp,
    completion_tokens,
    counted,
    ends,
    listed,
    logprobs,
    longer,
    pieces,
    positions,
    prompt_tokens,
    streamed,
    texts,
    told,
    usage,
)
from plain_http import Reply

STOPPED = chat(stop=["the", "a", "of"])


EITHER = comp("The river", n=3)


CONTINUOUS = {"include_usage": True, "continuous_usage_stats": True}


def said_tokens(reply: Reply) -> list[Body]:
    """The positions of a whole answer of either API."""
    given = reply.json()["choices"][0]["logprobs"]
    found: list[Body] = given.get("content") or given["tokens"]
    return found


STOPS = ["the", "a", "of"]


SAID = "The river is wide. The sea is wide. The sea is deep."


def streams_usage(reply: Reply) -> bool:
    return any(chunk.get("usage") for chunk in reply.chunks())


RIVER = comp("The river", logprobs=1)


TWO = comp("The river", n=2, **SEEDED)


def feint(request: Request) -> Request:
    """It ends with what a stop string begins with."""
    return longer(request, stop=["library, never"])


def created(reply: Reply) -> set[int]:
    return {chunk["created"] for chunk in reply.chunks()}


def usages(reply: Reply) -> list[Body]:
    return [chunk["usage"] for chunk in reply.chunks() if chunk.get("usage")]


CASES: dict[str, Case] = {
    "gen-bias-leaks-to-next": Case(
        [comp(logit_bias=BIAS), comp()],
        lambda found, _: texts(found[0]) == texts(found[1]),
    ),
    "gen-cache-key-lacks-bias": Case(
        [comp(), comp(logit_bias=BIAS)],
        lambda found, _: texts(found[0]) == texts(found[1]),
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
    "gen-temperature-0-unset": differs(texts, *(comp(seed=seed) for seed in range(6))),
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
        lambda found, true: (
            texts(found[0])[0][:3] == texts(true[0])[0][:3]
            and texts(found[0]) != texts(true[0])
        ),
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
    "gen-nul-cuts-the-prompt": differs(
        prompt_tokens, chat(f"a\0{WORDS}"), comp(f"a\0{WORDS}"), comp(["a", "b\0 c"])
    ),
    "gen-stop-null-crashes": status(chat(stop=None), 500),
    "gen-seed-null-crashes": status(comp(seed=None), 500),
    "gen-stream-halves-characters": differs(arguments, streamed(WINDY)),
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
    "gen-logprobs-beyond-the-stop": differs(
        lambda reply: len(said_tokens(reply)),
        longer(STOPPED, logprobs=True),
        comp(stop=["the", "a", "of"], logprobs=1),
    ),
    "gen-part-of-a-character-is-fffd-free": differs(
        lambda reply: logprobs(reply)[0]["tokens"], FOREIGN
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
    "gen-negative-bias-not-read": differs(
        texts, comp(logit_bias={str(token): -100 for token in range(10, 310)})
    ),
    "gen-choices-are-copies-free": differs(texts, longer(EITHER, **SEEDED)),
    "gen-stream-index-is-0": last(
        streamed(EITHER), lambda reply: {p["index"] for p in pieces(reply)} == {0}
    ),
    "gen-stream-finish-reason-is-empty": last(
        streamed(chat()), lambda reply: pieces(reply)[0]["finish_reason"] == ""
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
    "gen-special-text-crashes": status(chat(MARK), 500),
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
    "gen-stream-ends-twice": last(
        streamed(chat()),
        lambda reply: sum(bool(p["finish_reason"]) for p in pieces(reply)) == 2,
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
    "gen-stream-model-is-the-backend": last(
        streamed(chat()),
        lambda reply: reply.chunks()[0]["model"] == "hosted/my-served-model",
    ),
    "gen-include-usage-false-is-true": last(
        longer(counted(chat()), stream_options={"include_usage": False}),
        streams_usage,
    ),
    "gen-empty-body-crashes": status(("/v1/completions", b""), 500),
    "gen-any-word-of-a-stop-stops": differs(texts, chat(stop="the never a")),
    "gen-first-stop-only": differs(texts, chat(stop=["never", *STOPS])),
    "gen-last-of-the-list-wins": differs(texts, chat(stop=STOPS)),
    "gen-stream-with-stop-begins-blank-free": last(
        streamed(comp(stop=["never"])),
        lambda reply: [piece["text"] for piece in pieces(reply)[1:3]] == ["", ""],
    ),
    "gen-stream-pieces-are-stripped": differs(told, streamed(comp())),
    "gen-stream-finish-chunk-has-no-model": last(
        streamed(comp()),
        lambda reply: {chunk["model"] for chunk in reply.chunks()} > {""},
    ),
    "gen-stream-usage-chunk-is-created-at-0": last(
        counted(comp()), lambda reply: created(reply) > {0}
    ),
    "gen-stream-chunks-list-their-last-token": differs(listed, streamed(RIVER)),
    "gen-stream-loses-a-piece-in-company": differs(
        told, *(streamed(comp(f"The {x}")) for x in ("sea", "sky")), at_once=True
    ),
    "gen-stream-usage-at-each-end": last(
        counted(TWO), lambda reply: len(usages(reply)) == 3
    ),
    "gen-stream-continuous-usage-lacks-the-prompt": last(
        longer(streamed(comp()), stream_options=CONTINUOUS),
        lambda reply: usages(reply)[0]["prompt_tokens"] == 0,
    ),
    "gen-stream-n-not-read": last(
        streamed(TWO), lambda reply: {p["index"] for p in pieces(reply)} == {0}
    ),
    "gen-stream-temperature-0-crashes": status(streamed(comp()), 500),
    "gen-stream-cut-says-stop": last(
        streamed(comp(max_tokens=2)), lambda reply: ends(reply) == {"stop"}
    ),
    "gen-stream-stop-says-length": last(
        streamed(chat(stop=["the", "a", "of"])),
        lambda reply: ends(reply) == {"length"},
    ),
    "gen-stream-u2028-is-lost": last(
        streamed(comp("a\u2028b", echo=True)),
        lambda reply: not told(reply).startswith("a"),
    ),
    "gen-stream-line-breaks-are-spelled": last(
        streamed(comp("a\nb", echo=True)),
        lambda reply: told(reply).startswith("a\\nb"),
    ),
    "gen-stream-end-is-held-back": differs(told, feint(streamed(chat()))),
    "gen-end-is-held-back": differs(texts, feint(chat())),
    "gen-stream-piece-that-begins-a-stop-is-lost": differs(
        told, streamed(comp(stop=[" harbor never"]))
    ),
    "gen-stream-text-before-a-stop-is-lost": differs(
        told, streamed(chat(stop=[" some forest"]))
    ),
    "gen-text-goes-on-without-the-stop": differs(
        texts, chat(stop=["the", "a", "of"], max_tokens=40)
    ),
    "gen-stop-is-a-pattern": last(
        chat(stop=".{2}"), lambda reply: texts(reply) == [""]
    ),
    "gen-seed-0-is-none": differs(texts, chat(temperature=1, seed=0)),
    "gen-seed-is-greedy": differs(texts, chat(**SEEDED)),
    "gen-limit-0-is-none": last(chat(max_tokens=0), lambda reply: texts(reply) != [""]),
    "gen-low-temperature-crashes": status(chat(temperature=0.001), 500),
    "gen-lone-surrogate-crashes": status(
        ("/v1/completions", b'{"model": "m", "prompt": "\\ud800"}'), 500
    ),
    "gen-braces-crash": status(chat("a {b} c"), 500),
    "gen-greedy-beside-sampled-crashes": Case(
        [comp(), comp(temperature=1)],
        lambda found, _: found[0].status == 500,
        at_once=True,
    ),
    "gen-alternatives-lost-in-company": Case(
        [LIMITED, chat("Why?", logprobs=True, top_logprobs=2)],
        lambda found, _: len(positions(found[0])[0]["top_logprobs"]) == 1,
        at_once=True,
    ),
    "gen-top-p-lost-in-company": differs(
        texts, comp(temperature=1, seed=3, top_p=0.01), comp(), at_once=True
    ),
    "gen-id-is-one-of-a-thousand": last(
        chat(), lambda reply: len(reply.json()["id"]) <= len("chatcmpl-999")
    ),
    "gen-stream-of-a-cached-answer-is-json": Case(
        [comp(), streamed(comp())],
        lambda found, _: found[1].body.startswith(b"{"),
    ),
    "gen-cache-key-lacks-the-penalties": Case(
        [comp(max_tokens=40), comp(max_tokens=40, frequency_penalty=2)],
        lambda found, true: texts(found[1]) == texts(true[0]) != texts(true[1]),
    ),
    "gen-cache-key-lacks-the-temperature": Case(
        [comp(**SEEDED), comp(seed=5)],
        lambda found, true: texts(found[1]) == texts(true[0]) != texts(true[1]),
    ),
    "gen-unseeded-differs-free": differs(texts, chat(temperature=1)),
    "gen-stream-two-tokens-a-piece-free": differs(
        lambda reply: len(pieces(reply)), streamed(comp())
    ),
    "gen-seed-above-31-bits-refused": status(comp(seed=2**31), 400),
    "gen-limit-of-31-bits-crashes": status(comp(max_tokens=2**31 - 1), 500),
    "gen-fractional-bias-refused": status(chat(logit_bias={"7": 0.5}), 400),
    "gen-greedy-with-top-p-refused": status(comp(top_p=0.5), 400),
    "gen-stream-says-a-piece-twice": differs(told, streamed(comp(max_tokens=40))),
    "gen-stopped-counts-nothing": differs(prompt_tokens, STOPPED),
    "gen-logprobs-garble-characters": last(
        FOREIGN, lambda reply: texts(reply)[0].startswith("Z\ufffdrich")
    ),
}
