"""Exhibits of the neighbouring dialects, each with requests that show it."""

from typing import Any

from exhibit_case import Case, differs, last, status
from exhibit_requests import MANY, PROSE, Request, data, lengths, vectors


def ask(given: Any = "The sky is blue.", **more: Any) -> Request:
    """A request of the neighbouring dialects on the path that two of them share."""
    model = "text-embedding-3-large"
    return "/v1/embeddings", {"model": model, "input": given, **more}


def hub(given: Any, **more: Any) -> Request:
    return "/api/embeddings", ask(given, **more)[1]


CASES: dict[str, Case] = {
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
    "aigne-each-token-is-an-input": last(
        hub([1, 2]), lambda reply: len(data(reply)) == 2
    ),
    "aihubmix-tokens-are-refused": status(ask([1, 2]), 400),
    "aihubmix-lists-have-all-dimensions": last(
        ask(["a", "b"], dimensions=8), lambda reply: lengths(reply) == [3072, 3072]
    ),
    "infinity-base64-is-big-endian": differs(vectors, ask(encoding_format="base64")),
}
