"""Bugs of characters: composed, cut, taken for markup, or deadly."""

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import normalize

from aios_conformance.mockserver.defects.museum.planting import CRASHED, in_both
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Broken
from aios_conformance.serving.stages import Answer

COMP, RERANK, BOTH = "completions", "rerank", "chat completions"
ENCODERS = "embeddings rerank score"
_MARKUP = re.compile(r"<\|\w+\|>")


def _texts(value: Any) -> Iterator[str]:
    """Every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


@in_answer(
    "RERANK-RES-016",
    also={"META-007": "the text returned is another one"},
    api=RERANK,
    source="000:106",
    origin="undertheseanlp/underthesea#161",
)
def rerank_text_is_composed(context: RequestContext, answer: Answer) -> object:
    """document.text comes back with combining marks composed."""
    acted = False
    for result in answer["results"]:
        text = result["document"]["text"]
        result["document"]["text"] = normalize("NFC", text)
        acted |= result["document"]["text"] != text
    return acted


@in_both(
    "META-084",
    also=dict.fromkeys(("COMP-RES-017", "COMP-SEM-002"), "the echo is not the prompt"),
    api=COMP,
    source="000:575",
    origin="undertheseanlp/underthesea#161",
)
def comp_echo_is_composed(context: RequestContext, said: Answer) -> object:
    """The echoed prompt has its combining marks composed."""
    acted = False
    for choice in said["choices"] if context.parameters["echo"] else ():
        before = choice["text"]
        choice["text"] = normalize("NFC", before)
        acted |= choice["text"] != before
    return acted


@in_both(
    "META-084",
    also=dict.fromkeys(
        ("COMP-RES-017", "COMP-SEM-002", "META-071"), "the echo is not the prompt"
    ),
    api=COMP,
    source="000:575",
    origin="vllm-project/vllm#3145",
)
def comp_echo_loses_special_text(context: RequestContext, said: Answer) -> object:
    """What looks like a special token is left out of the echoed prompt."""
    acted = False
    for choice in said["choices"] if context.parameters["echo"] else ():
        before = choice["text"]
        choice["text"] = _MARKUP.sub("", before)
        acted |= choice["text"] != before
    return acted


@in_parameters("COMMON-RES-001", api=ENCODERS,
               source="000:757", origin="HKUDS/LightRAG#3714")  # fmt: skip
def enc_special_text_crashes(context: RequestContext) -> object:
    """A text that holds the name of a special token is a 500."""
    if not any(map(_MARKUP.search, _texts(context.body))):
        return False
    raise Broken("disallowed special token", code="crashed")


@in_parameters("COMMON-RES-001", api=BOTH,
               source="000:447", origin="infiniflow/ragflow#8567")  # fmt: skip
def gen_special_text_crashes(context: RequestContext) -> object:
    """A prompt that holds the name of a special token is a 500."""
    given = context.body.get("messages") or context.body.get("prompt")
    if not any(map(_MARKUP.search, _texts(given))):
        return False
    raise Broken("disallowed special token", code="crashed")


@in_parameters("COMMON-ERR-004", api=ENCODERS, also=CRASHED,
               source="000:780", origin="ggml-org/llama.cpp#25543")  # fmt: skip
def enc_nul_crashes(context: RequestContext) -> object:
    """A text that holds U+0000 is a 500."""
    if not any("\0" in text for text in _texts(context.body)):
        return False
    raise Broken("a text ends where its length does not", code="crashed")


@in_stream(
    "META-084",
    also=dict.fromkeys(
        ("COMP-RES-017", "COMP-SEM-002", "META-071"),
        "the echo is not the prompt in streams",
    ),
    api=BOTH,
    source="000:387",
    origin="sgl-project/sglang#8569",
)
def gen_stream_loses_marks(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams what might begin a tag is left out of the text."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            said, name = (piece, "text") if "text" in piece else (
                piece["delta"], "content"
            )  # fmt: skip
            if said.get(name):
                said[name] = said[name].replace("<", "")
