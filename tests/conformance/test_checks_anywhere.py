"""What is said of one text, or of one pair, in two requests of a run."""

from base64 import b64encode
from struct import pack
from typing import Any

import pytest
from exchanges import exchange, findings

from aios_conformance.conformance.checks import anywhere
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Exchange

ONE, OTHER = [1.0, 0.0], [0.0, 1.0]
PACKED = b64encode(pack("<2f", *OTHER)).decode()


def rows(check: Check, *calls: Exchange) -> list[str]:
    """The rows of all findings, one for each."""
    return [row for each in findings(check, *calls) for row in each.ids]


def embedded(name: str, given: object, *vectors: object, **more: Any) -> Exchange:
    draw = more.pop("draw", int(name[-1]))
    sent = {"model": "m", "input": given, **more}
    data = [{"embedding": vector} for vector in vectors]
    return exchange("embeddings", sent, {"data": data}, id=name, draw=draw)


FIRST = embedded("ex-1", ["a", "b"], ONE, ONE)


@pytest.mark.parametrize(
    ("other", "row"),
    [
        (embedded("ex-2", "a", ONE), None),
        (embedded("ex-2", "a", OTHER), "META-097"),
        (embedded("ex-2", "a", [0.9, 0.3]), None),  # noise, and other rows' matter
        (embedded("ex-2", "c", OTHER), None),
        (embedded("ex-2", "a", PACKED, encoding_format="base64"), "META-093"),
        (embedded("ex-2", "a", OTHER, truncate_prompt_tokens=64), "META-099"),
        (embedded("ex-2", "a", OTHER, truncate_prompt_tokens=2), None),
        (embedded("ex-2", "a", OTHER, model="n"), None),
        (embedded("ex-2", "a", OTHER, dimensions=2), None),
        (embedded("ex-2", "a", "no base64!", encoding_format="base64"), None),
        (embedded("ex-2", ["b", "a"], ONE), None),
        (embedded("ex-1", "a", OTHER), None),
    ],
)
def test_a_text_has_one_vector(other: Exchange, row: str | None) -> None:
    found = rows(anywhere.a_text_has_one_vector, FIRST, other)
    assert found == ([row] if row else [])


def test_vectors_of_zeros_are_the_same() -> None:
    """They are no vectors of a text, but that is another row's matter."""
    alike = embedded("ex-1", "a", [0.0, 0.0]), embedded("ex-2", "a", [0, 0])
    assert rows(anywhere.a_text_has_one_vector, *alike) == []


def ranked(name: str, score: float, text: str = "a", **more: Any) -> Exchange:
    sent = {"model": "m", "query": "q", "documents": ["b", text], **more}
    results = [{"index": 1, "document": {"text": text}, "relevance_score": score}]
    return exchange("rerank", sent, {"results": results}, id=name, draw=int(name[-1]))


@pytest.mark.parametrize(
    ("other", "row"),
    [
        (ranked("ex-2", 0.75), None),
        (ranked("ex-2", 0.5), "META-009"),
        (ranked("ex-2", 0.5, "c"), None),
        (ranked("ex-2", 0.5, query="r"), None),
        (ranked("ex-2", 0.5, truncate_prompt_tokens=64), "META-015"),
        (ranked("ex-2", 0.5, truncate_prompt_tokens=2), None),
    ],
)
def test_a_document_has_one_score(other: Exchange, row: str | None) -> None:
    found = rows(anywhere.a_document_has_one_score, ranked("ex-1", 0.8), other)
    assert found == ([row] if row else [])


def scored(name: str, one: object, two: object, *scores: float, **more: Any) -> Any:
    sent = {"model": "m", "text_1": one, "text_2": two, **more}
    data = [{"score": score} for score in scores]
    return exchange("score", sent, {"data": data}, id=name, draw=int(name[-1]))


@pytest.mark.parametrize(
    ("other", "row"),
    [
        (scored("ex-2", ["q", "r"], ["a", "b"], 0.8, 0.1), None),
        (scored("ex-2", ["r", "q"], ["b", "a"], 0.8, 0.1), "META-019"),
        (scored("ex-2", "q", ["b", "a"], 0.8, 0.1), "META-019"),
        (scored("ex-2", "q", "a", 0.1, truncate_prompt_tokens=64), "META-031"),
        (scored("ex-2", "q", "a", 0.1, encoding_format="int"), None),
        (scored("ex-2", ["q", "r"], ["a"], 0.1), None),
    ],
)
def test_a_pair_has_one_score(other: Exchange, row: str | None) -> None:
    found = rows(anywhere.a_pair_has_one_score, scored("ex-1", "q", "a", 0.8), other)
    assert found == ([row] if row else [])


def test_what_contradicts_itself_says_nothing_of_another_form() -> None:
    other = embedded("ex-2", "a", OTHER)
    packed = embedded("ex-3", "a", PACKED, encoding_format="base64")
    found = rows(anywhere.a_text_has_one_vector, FIRST, packed, other)
    assert found == ["META-097"]
