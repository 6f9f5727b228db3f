"""Two tools that are not ours find nothing wrong with the mock.

openapi-core checks whole exchanges against the same OpenAPI document, schemathesis
sends what it draws from it. Neither knows our judge. Streams are schemathesis' alone:
openapi-core takes the schema of one event for that of the whole body.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import hypothesis.core
import pytest
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, seed, settings
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from plain_http import Client, Reply

from aios_conformance import spec
from aios_conformance.conformance.planning.drawing import REPEATABLE
from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.options import read_options

PATHS = tuple(spec.openapi()["paths"])
NAME = "meta-llama/Llama-3.3-70B-Instruct"
RERANKER = "sds/bge-reranker-v2-m3"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CHAT = {
    "model": NAME,
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    "max_tokens": 24,
}
COMPLETION = {"model": NAME, "prompt": "The sky is", "max_tokens": 8}
RERANK = {
    "model": RERANKER,
    "query": "What is the capital of France?",
    "documents": ["Bananas are yellow.", "Paris is the capital of France."],
}
SCORE = {"model": RERANKER, "text_1": "a", "text_2": ["b", "c"]}
EMBEDDING = {"model": "sds/bge-m3", "input": ["The sky is blue.", "물"]}
SMALLEST = {
    **{path: RERANK for path in PATHS if path.endswith("/rerank")},
    **{path: SCORE for path in PATHS if path.endswith("/score")},
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETION,
    "/v1/embeddings": EMBEDDING,
}


@pytest.fixture(scope="module")
def mock(
    running: Callable[[web.Application], AbstractContextManager[Client]],
) -> Iterator[Client]:
    with running(mock_application(read_options([], {}))) as client:
        yield client


# --- openapi-core ------------------------------------------------------------------


@pytest.fixture(scope="module")
def contract() -> OpenAPI:
    document: Any = spec.openapi()
    return OpenAPI.from_dict(document)


def exchanged(
    contract: OpenAPI, mock: Client, path: str, body: bytes
) -> tuple[bool, Reply]:
    """Whether openapi-core takes the request, and the answer, which it takes too."""
    kind = "application/json"
    request = MockRequest(mock.url, "post", path, data=body, content_type=kind)
    try:
        contract.validate_request(request)
    except OpenAPIError:
        is_valid = False
    else:
        is_valid = True
    reply = mock.post(path, body)
    media = reply.headers["content-type"].partition(";")[0]
    answer = MockResponse(reply.body, status_code=reply.status, content_type=media)
    contract.validate_response(request, answer)
    return is_valid, reply


@pytest.mark.parametrize(
    ("path", "change"),
    [
        *((path, {}) for path in PATHS),
        ("/v1/rerank", {"top_n": 1, "truncate_prompt_tokens": 5}),
        ("/v1/score", {"text_1": ["a", "b"], "encoding_format": "float"}),
        ("/v1/embeddings", {"encoding_format": "base64"}),
        ("/v1/chat/completions", {"n": 2, "temperature": 0.8, "seed": 1}),
        ("/v1/chat/completions", {"logprobs": True, "top_logprobs": 2}),
        ("/v1/chat/completions", {"tools": [TOOL], "tool_choice": "required"}),
        ("/v1/chat/completions", {"stop": ["a", " the"], "logit_bias": {"7": 3}}),
        ("/v1/completions", {"prompt": ["a", "b"], "echo": True}),
        ("/v1/completions", {"logprobs": 2}),
    ],
)
def test_openapi_core_takes_request_and_answer(
    contract: OpenAPI, mock: Client, path: str, change: Any
) -> None:
    body = json.dumps(SMALLEST[path] | change).encode()
    is_valid, reply = exchanged(contract, mock, path, body)
    assert (is_valid, reply.status) == (True, 200)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        *((path, {"model": {"a": 1}}) for path in PATHS),
        ("/v1/rerank", {"documents": "word"}),
        ("/v1/rerank", {"top_n": 2.5}),
        ("/v1/rerank", {"truncate_prompt_tokens": 0}),
        ("/v1/score", {"text_2": None}),
        ("/v1/embeddings", {"encoding_format": "word"}),
        ("/v1/chat/completions", {"messages": [{"content": "no role"}]}),
        ("/v1/chat/completions", {"frequency_penalty": 2.1}),
        ("/v1/chat/completions", {"top_logprobs": 2}),
        ("/v1/completions", {"top_p": 1.5}),
        ("/v1/completions", {"prompt": {"a": 1}}),
    ],
)
def test_openapi_core_and_the_mock_refuse_the_same(
    contract: OpenAPI, mock: Client, path: str, change: Any
) -> None:
    body = json.dumps(SMALLEST[path] | change).encode()
    is_valid, reply = exchanged(contract, mock, path, body)
    assert (is_valid, reply.status) == (False, 422)


@pytest.mark.parametrize("path", PATHS)
def test_openapi_core_takes_the_answer_to_what_is_no_json(
    contract: OpenAPI, mock: Client, path: str
) -> None:
    is_valid, reply = exchanged(contract, mock, path, b'{"model": ')
    assert (is_valid, reply.status) == (False, 400)


# --- schemathesis ------------------------------------------------------------------

CASES = 15  # of each operation and mode; all of it takes some ten seconds


@pytest.fixture(scope="module")
def drawn() -> Iterator[Any]:
    """The contract as schemathesis reads it, for models that are served."""
    core: Any = hypothesis.core
    printer = core.RepresentationPrinter
    schemathesis = pytest.importorskip("schemathesis")
    yield schemathesis.openapi.from_dict(_of_the_mock())
    core.RepresentationPrinter = printer  # schemathesis' own prints nothing


def _of_the_mock() -> Any:
    """The contract with served names, and without generations of millions of tokens."""
    document = json.loads(json.dumps(spec.openapi()))
    schemas = document["components"]["schemas"]
    for name, body in (
        ("RerankRequest", RERANK),
        ("ScoreRequest", SCORE),
        ("ChatCompletionRequest", CHAT),
        ("CompletionRequest", COMPLETION),
        ("EmbeddingRequest", EMBEDDING),
    ):
        members = schemas[name]["properties"]
        members["model"]["const"] = body["model"]
        for limit in {"max_tokens", "max_completion_tokens"} & members.keys():
            members[limit]["maximum"] = 16
            members["n"]["maximum"] = 4
    return document


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("path", PATHS)
def test_schemathesis_finds_nothing(
    drawn: Any, mock: Client, path: str, mode: str
) -> None:
    from schemathesis import GenerationMode, checks  # noqa: PLC0415  slow to import

    strategy = drawn[path]["POST"].as_strategy(generation_mode=GenerationMode(mode))
    statuses: list[int] = []

    @seed(0)
    @settings(
        max_examples=CASES,
        phases=(Phase.explicit, Phase.generate),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        backend=REPEATABLE,  # else the constants of loaded modules are drawn too
    )
    @given(strategy)
    def each(case: Any) -> None:
        response = case.call(base_url=mock.url)
        statuses.append(response.status_code)
        case.validate_response(
            response,
            checks=[
                checks.not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_schema_conformance,
            ],
        )

    each()
    accepted = [status for status in statuses if status == 200]
    refused = [status for status in statuses if 400 <= status < 500]
    assert len(accepted) + len(refused) == len(statuses) >= CASES
    # what the schema leaves open (empty texts, token ids …) the mock may refuse
    wanted = accepted if mode == "positive" else refused
    assert len(wanted) >= (CASES // 4 if mode == "positive" else CASES // 2)
