"""The printed examples are what the contract says, once they are repaired."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_walk import Node, compiled, nodes, operation, resolve

from aios_conformance import spec
from aios_conformance.spec import Example

FOLDER = Path(spec.__file__).parent / "examples"

EXAMPLES = [
    each for dialect in spec.DIALECTS for each in spec.examples(dialect).values()
]
BODIES = [each for each in EXAMPLES if each.direction in {"request", "response"}]
PRINTED = [each for each in BODIES if each.printed != "unusable"]


def names(examples: list[Example]) -> list[str]:
    return [each.id for each in examples]


def example(identifier: str) -> Example:
    return next(each for each in EXAMPLES if each.id == identifier)


def content(each: Example) -> Node:
    """The media type of the contract that an example is an instance of."""
    document = spec.openapi(each.dialect)
    found = operation(document, each.operation)
    place = (
        found["requestBody"]
        if each.direction == "request"
        else found["responses"]["200"]
    )
    media: Node = resolve(document, place)["content"]["application/json"]
    return media


def is_valid(each: Example, body: Any) -> bool:
    schema = content(each)["schema"]["$ref"].rsplit("/", 1)[1]
    return bool(compiled(spec.openapi(each.dialect), schema).is_valid(body))


def test_every_file_is_listed_once_and_every_listed_file_is_there() -> None:
    usable = [each for each in EXAMPLES if each.body is not None]
    assert len(list(FOLDER.glob("*.json"))) == len(usable)
    assert len(set(names(EXAMPLES))) == len(EXAMPLES)


def test_an_unusable_example_has_no_body_and_says_why() -> None:
    unusable = [each for each in EXAMPLES if each.printed == "unusable"]
    assert names(unusable) == [
        "GOLD-CHAT-REQ-OLD",
        "GOLD-CELL-RERANK",
        "GOLD-CELL-SCORE",
    ]
    assert all(each.body is None and each.repair for each in unusable)


def test_an_invalid_example_says_how_it_was_repaired() -> None:
    invalid = [each for each in EXAMPLES if each.printed == "invalid"]
    assert len(invalid) == 14
    assert all(each.repair for each in invalid)


@pytest.mark.parametrize("each", PRINTED, ids=names(PRINTED))
def test_an_example_satisfies_the_contract(each: Example) -> None:
    assert is_valid(each, each.body)


@cache
def witness(dialect: str) -> OpenAPI:
    return OpenAPI.from_dict(json.loads(json.dumps(spec.openapi(dialect))))


@pytest.mark.parametrize("each", PRINTED, ids=names(PRINTED))
def test_openapi_core_accepts_an_example(each: Example) -> None:
    document = witness(each.dialect)
    method, path = each.operation.split()
    sent = json.dumps(each.body).encode() if each.direction == "request" else None
    request = MockRequest(
        "http://localhost",
        method.lower(),
        path,
        headers={"Authorization": "Bearer key"},
        data=sent,
        content_type="application/json",
    )
    if each.direction == "request":
        document.validate_request(request)
    else:
        document.validate_response(
            request, MockResponse(json.dumps(each.body).encode())
        )


@pytest.mark.parametrize("dialect", spec.DIALECTS)
def test_the_examples_inside_the_documents_are_the_same(dialect: str) -> None:
    """A generic tool that sees the OpenAPI document alone sees the printed bodies."""
    bodies = [each.body for each in spec.examples(dialect).values()]
    inside = [
        case["value"]
        for node in nodes(spec.openapi(dialect))
        for case in node.get("examples", {}).values()
    ]
    assert inside
    assert all(body in bodies for body in inside)


def test_the_aihubmix_answer_fails_as_printed() -> None:
    """It lacks the object member that 004:115-122 requires (A-153)."""
    answer = example("GOLD-AHM-RES")
    printed = {name: answer.body[name] for name in answer.body if name != "object"}
    assert not is_valid(answer, printed)
    assert is_valid(answer, answer.body)


def test_stream_as_a_string_fails_as_printed() -> None:
    """001:350 prints "true" in quotation marks; its table says boolean (A-108)."""
    request = example("GOLD-CELL-COMP-OLD")
    assert not is_valid(request, request.body | {"stream": "true"})


@pytest.mark.parametrize(
    ("identifier", "prompt", "completion"),
    [
        ("GOLD-SCORE-RES", 53, 0),
        ("GOLD-CHAT-RES", 54, 8),
        ("GOLD-COMP-RES", 9, 16),
        ("GOLD-EMB-RES", 9, 0),
        ("GOLD-INF-EMB-RES", 8, 0),
        ("GOLD-AIGNE-RES", 8, 0),
    ],
)
def test_printed_usage_adds_up(identifier: str, prompt: int, completion: int) -> None:
    usage = example(identifier).body["usage"]
    assert usage["prompt_tokens"] == prompt
    assert usage.get("completion_tokens", 0) == completion
    assert usage["total_tokens"] == prompt + completion


def test_the_printed_reranking_obeys_its_request() -> None:
    request = example("GOLD-RERANK-REQ").body
    results = example("GOLD-RERANK-RES").body["results"]
    assert len(results) == request["top_n"] == 2
    scores = [each["relevance_score"] for each in results]
    assert scores == sorted(scores, reverse=True)
    for each in results:
        assert request["documents"][each["index"]] == each["document"]["text"]


@pytest.mark.parametrize("api", ["RERANK-RES", "COMP-RES", "EMB-RES", "SCORE-RES"])
def test_both_editions_print_the_same_answer(api: str) -> None:
    assert example(f"GOLD-{api}").body == example(f"GOLD-{api}-OLD").body
