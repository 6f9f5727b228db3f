"""Exhibits of encoders and of their dialects, each with requests that show it."""

from typing import Any

from exhibit_requests import (
    MANY,
    Request,
    data,
    emb,
    ranked,
    rerank,
    score,
    shown,
    vectors,
)
from exhibits import Case, differs, last, status
from plain_http import Reply

WORDS = "one two three four five six"
PROSE = "word " * 600


def prompt(reply: Reply) -> int:
    found: int = reply.json()["usage"]["prompt_tokens"]
    return found


def scores(reply: Reply) -> list[float]:
    return [result["relevance_score"] for result in reply.json()["results"]]


def lengths(reply: Reply) -> list[int]:
    return [len(vector) for vector in vectors(reply)]


def is_null(reply: Reply) -> bool:
    return None in vectors(reply)[0]


def ask(given: Any = "The sky is blue.", **more: Any) -> Request:
    """A request of the neighbouring dialects on the path that two of them share."""
    model = "text-embedding-3-large"
    return "/v1/embeddings", {"model": model, "input": given, **more}


def hub(given: Any, **more: Any) -> Request:
    return "/api/embeddings", ask(given, **more)[1]


CASES: dict[str, Case] = {
    "emb-list-is-not-truncated": differs(
        vectors, emb([WORDS], truncate_prompt_tokens=3)
    ),
    "emb-counts-what-was-cut": differs(prompt, emb([WORDS], truncate_prompt_tokens=3)),
    "emb-short-beside-long-is-null": last(emb(["a", PROSE]), is_null),
    "emb-cached-counts-nothing": Case(
        [emb(WORDS)] * 2, lambda found, _: [prompt(one) for one in found][1:] == [0]
    ),
    "emb-cached-part-is-not-counted": Case(
        [emb("a"), emb(["a", WORDS])],
        lambda found, true: prompt(found[1]) < prompt(true[1]),
    ),
    "emb-second-string-has-nulls": Case(
        [emb("a")] * 2,
        lambda found, _: [is_null(one) for one in found] == [False, True],
    ),
    "emb-cached-prefix-is-lost": differs(vectors, emb(WORDS), emb(WORDS)),
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
    "refusals-end-the-connection-free": last(
        emb({}), lambda reply: reply.headers.get("connection") == "close"
    ),
}

OF_DIALECTS: dict[str, Case] = {
    "infinity-more-dimensions-are-cut": last(
        ask(dimensions=9_999),
        lambda reply: reply.status == 200 and lengths(reply) == [3072],
    ),
    "infinity-base64-has-all-dimensions": Case(
        [ask(dimensions=8, encoding_format="base64")],
        lambda found, true: lengths(found[0]) > lengths(true[0]),
    ),
    "infinity-dimensions-of-the-neighbour": Case(
        [ask(dimensions=8 + number) for number in range(8)],
        lambda found, true: (
            [lengths(one) for one in found] != [lengths(one) for one in true]
        ),
        at_once=True,
    ),
    "infinity-shortened-stays-short": Case(
        [ask(dimensions=8), ask()], lambda found, _: lengths(found[1]) == [8]
    ),
    "infinity-over-32-are-refused": status(ask(MANY), 400),
    "aihubmix-limit-is-of-characters": status(ask("a" * 8_193), 400),
    "aihubmix-over-512-words-is-413": status(ask(PROSE), 413),
    "aihubmix-index-restarts-at-512": last(
        ask(["a"] * 513), lambda reply: data(reply)[512]["index"] == 0
    ),
    "aihubmix-base64-has-all-dimensions": Case(
        [ask(dimensions=8, encoding_format="base64")],
        lambda found, true: lengths(found[0]) > lengths(true[0]),
    ),
    "aigne-over-100-are-refused": status(hub(MANY * 3), 400),
}
