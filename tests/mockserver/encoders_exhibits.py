"""Exhibits of embeddings, rerank and score, each with requests that show it."""

from typing import Any

from exhibit_case import Case, differs, last, status
from exhibit_requests import (
    DECOMPOSED,
    LONG,
    MANY,
    MARK,
    PROSE,
    data,
    emb,
    lengths,
    prompt_tokens,
    ranked,
    rerank,
    score,
    shown,
    vectors,
)
from plain_http import Reply

NOT_UTF8 = b'{"model": "m", "query": "\xff", "documents": ["a"]}'


def numbers(reply: Reply) -> list[Any]:
    return [item["index"] for item in data(reply)]


def scores(reply: Reply) -> list[float]:
    return [result["relevance_score"] for result in reply.json()["results"]]


SIX_WORDS = "one two three four five six"


def prompt(reply: Reply) -> int:
    found: int = reply.json()["usage"]["prompt_tokens"]
    return found


def is_null(reply: Reply) -> bool:
    return None in vectors(reply)[0]


CASES: dict[str, Case] = {
    "emb-batch-over-8": Case(
        [emb(MANY[:10])],
        lambda found, true: (
            vectors(found[0])[:8] == vectors(true[0])[:8]
            and vectors(found[0])[8:] == vectors(true[0])[:2]
        ),
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
    "scores-in-bf16-free": differs(
        lambda reply: data(reply)[0]["score"], score("Seoul", "Seoul is a city")
    ),
    "emb-token-input-refused-free": status(emb([11, 12]), 400),
    "emb-over-512-words-crashes": status(emb("word " * 513), 500),
    "rerank-over-512-words-crashes": status(rerank(["word " * 513]), 500),
    "emb-batch-over-256-words-crashes": status(emb(["word " * 200] * 2), 500),
    "emb-alone-differs": Case(
        [emb("a"), emb(["a", "b"])],
        lambda found, true: (
            vectors(found[0]) != vectors(true[0])
            and vectors(found[1]) == vectors(true[1])
        ),
    ),
    "emb-blank-vector-is-null": last(
        emb(["a", " "]), lambda reply: data(reply)[1]["embedding"][0] is None
    ),
    "rerank-top-n-above-the-count-refused": status(rerank(["a"], top_n=2), 400),
    "rerank-top-n-0-returns-none": last(
        rerank(MANY[:2], top_n=0), lambda reply: ranked(reply) == []
    ),
    "rerank-without-top-n-refused": status(rerank(MANY[:2]), 400),
    "rerank-document-is-null": last(
        rerank(MANY[:2]), lambda reply: reply.json()["results"][0]["document"] is None
    ),
    "rerank-scores-are-stretched": last(
        rerank(MANY[:3]),
        lambda reply: reply.json()["results"][-1]["relevance_score"] == 0,
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
    "rerank-text-is-composed": last(
        rerank([DECOMPOSED]), lambda reply: shown(reply) == ["Café"]
    ),
    "enc-special-text-crashes": status(score(MARK, "a"), 500),
    "enc-nul-crashes": status(emb(["a\0b"]), 500),
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
    "score-deep-body-crashes": status(("/v1/score", b"[" * 200), 500),
    "rerank-bytes-that-are-no-utf8-crash": status(("/v1/rerank", NOT_UTF8), 500),
    "emb-newline-is-a-space-free": Case(
        [emb("a b"), emb("a\nb")],
        lambda found, _: vectors(found[0]) == vectors(found[1]),
    ),
    "emb-list-is-not-truncated": differs(
        vectors, emb([SIX_WORDS], truncate_prompt_tokens=3)
    ),
    "emb-counts-what-was-cut": differs(
        prompt, emb([SIX_WORDS], truncate_prompt_tokens=3)
    ),
    "emb-short-beside-long-is-null": last(emb(["a", PROSE]), is_null),
    "emb-cached-counts-nothing": Case(
        [emb(SIX_WORDS)] * 2, lambda found, _: [prompt(one) for one in found][1:] == [0]
    ),
    "emb-cached-part-is-not-counted": Case(
        [emb("a"), emb(["a", SIX_WORDS])],
        lambda found, true: prompt(found[1]) < prompt(true[1]),
    ),
    "emb-second-string-has-nulls": Case(
        [emb("a")] * 2,
        lambda found, _: [is_null(one) for one in found] == [False, True],
    ),
    "emb-cached-prefix-is-lost": differs(vectors, emb(SIX_WORDS), emb(SIX_WORDS)),
    "emb-markdown-crashes": status(emb(["a", "text\n# heading"]), 500),
    "emb-counts-characters": differs(prompt, emb(["a" * 100])),
    "emb-model-lacks-its-slash": last(
        emb("a"), lambda reply: reply.json()["model"] == "sdsbge-m3"
    ),
    "emb-base64-of-a-string-is-floats": last(
        emb("a", encoding_format="base64"),
        lambda reply: isinstance(vectors(reply)[0], list),
    ),
    "emb-base64-is-a-quarter": Case(
        [emb("a", encoding_format="base64")],
        lambda found, true: lengths(found[0])[0] * 3 < lengths(true[0])[0],
    ),
    "rerank-unsorted-where-all-return": last(
        rerank(["no", "Seoul is a city."], top_n=2), lambda r: ranked(r) == [0, 1]
    ),
    "rerank-scores-64-only": last(
        rerank([*MANY, *MANY]), lambda reply: 0 in scores(reply)
    ),
    "rerank-limit-is-of-the-sum": status(rerank(["word " * 200] * 3), 500),
    "rerank-long-query-is-refused": status(rerank(["a"], query="word " * 65), 400),
    "rerank-index-is-rank-under-top-n": last(
        rerank(["no", "Seoul is a city."], top_n=1), lambda r: ranked(r) == [0]
    ),
    "rerank-text-is-what-was-read": last(
        rerank([PROSE], truncate_prompt_tokens=20), lambda r: len(shown(r)[0]) < 200
    ),
    "score-index-restarts-at-16": last(
        score(MANY[:17], MANY[:17]), lambda reply: data(reply)[16]["index"] == 0
    ),
    "scores-are-of-irrelevance": last(
        score("Seoul", "Seoul"), lambda reply: data(reply)[0]["score"] < 0.5
    ),
    "rerank-half-in-company": Case(
        [rerank(["Seoul is a city.", f"no {number}"]) for number in range(8)],
        lambda found, _: any(0.5 in scores(one) for one in found),
        at_once=True,
    ),
    "rerank-fails-after-embeddings-refuse": Case(
        [emb({}), rerank(["a"]), rerank(["a"])],
        lambda found, _: [one.status for one in found][1:] == [500, 200],
    ),
    "emb-in-fp16-free": differs(vectors, emb(MANY), emb("a", encoding_format="base64")),
    "emb-white-space-folded-free": differs(prompt, emb("a  \n b"), emb(["  a\tb "])),
    "pairs-are-cut-at-512-free": differs(
        lambda reply: reply.json()["usage"], score("a", PROSE)
    ),
    "emb-emoji-crashes": status(emb(["a", "🦀"]), 500),
    "emb-sorted-by-length-and-not-back": differs(vectors, emb(["a", "bbb", "cc"])),
    "rerank-escaped-pairs-are-lost": last(
        rerank(["🦀"]), lambda reply: shown(reply) == ["\ufffd\ufffd"]
    ),
    "rerank-copies-share-an-index": last(
        rerank(["a", "b", "a"]), lambda reply: sorted(ranked(reply)) == [0, 0, 1]
    ),
    "rerank-blank-document-refused-free": status(rerank(["a", " "]), 400),
    "scores-of-one-text-are-sorted": Case(
        [score("Seoul", ["The sea.", "Seoul", "A river."])],
        lambda found, true: (
            (said := [item["score"] for item in data(found[0])])
            == sorted(said, reverse=True)
            and data(found[0]) != data(true[0])
        ),
    ),
}
