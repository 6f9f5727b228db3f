"""AIHubMix's limits from both sides: what is refused costs nothing (004:56)."""

from collections.abc import Iterator

from aios_conformance.conformance.probes import texts
from aios_conformance.conformance.probes.dialects_bodies import (
    CLIENT_ERRORS,
    ask,
    operation_of,
)
from aios_conformance.conformance.terms.probe import Params, Served, Step, table

WORDS = 10_500  # one word is a token at least: above 8192 by any tokenizer's count
FEWER = 2_400
"""Words of more than 8192 characters, and of fewer tokens by any tokenizer of words."""
MANY, MEDIUM = 100, 4_500  # 450,000 words in legal items, by a margin


@table(
    "aihubmix.most_strings",
    "embeddings",
    [2048],
    needs=("dimensions", "base64"),
    dialects=("aihubmix",),
)
def most_strings(count: Params, served: Served) -> Iterator[Step]:
    """As many texts as are allowed: one word each, and short vectors (A-155)."""
    body = ask(served, input=["word"] * count, encoding_format="base64", dimensions=8)
    rows = ("AHM-REQ-014", "META-110")
    yield Step("most", operation_of("aihubmix"), body, serves=rows, last=True)


@table("aihubmix.longest", "embeddings", [FEWER], dialects=("aihubmix",))
def longest(words: Params, served: Served) -> Iterator[Step]:
    """A long text that is well within the limit."""
    body = ask(served, input=texts.long_text(words))
    operation = operation_of("aihubmix")
    yield Step("longest", operation, body, serves=("AHM-REQ-012",), last=True)


@table("aihubmix.limits", "embeddings", ["2049", "long", "sum"], dialects=("aihubmix",))
def limits(kind: Params, served: Served) -> Iterator[Step]:
    """One entry too many, an item too long, a sum too large: refused at no cost."""
    operation = operation_of("aihubmix")
    given, rows, breaks = {
        "2049": (
            ["word"] * 2049,
            ("AHM-REQ-014", "META-110", "AHM-ERR-001"),
            "/input has 2049 entries",
        ),
        "long": (
            texts.long_text(WORDS),
            ("AHM-REQ-012", "META-111", "AHM-ERR-001"),
            "/input has more than 8192 tokens",
        ),
        "sum": (
            [texts.long_text(MEDIUM)] * MANY,
            ("AHM-REQ-015", "META-111", "AHM-ERR-001"),
            "the inputs together have more than 300,000 tokens",
        ),
    }[kind]
    yield Step("valid", operation, ask(served), shared=True)
    yield Step(
        "mutant",
        operation,
        ask(served, input=given),
        "refuse",
        rows,
        breaks,
        CLIENT_ERRORS,
        off_schema="tokens are not counted by a schema" if kind != "2049" else "",
        prompt_tokens=0,  # a right server refuses before it reads
        last=True,
    )
