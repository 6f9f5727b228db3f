"""The Cohere client of Python: rerank, in both versions of its API."""

import asyncio
import os

import cohere
import pytest

MODEL = "sds/bge-reranker-v2-m3"
QUERY = "What is the capital of France?"
DOCUMENTS = ["Bananas are yellow.", "The capital of France is Paris.", "It rains."]


@pytest.mark.parametrize("client", [cohere.Client, cohere.ClientV2])
def test_the_best_document_comes_first(client: type) -> None:
    answer = client().rerank(model=MODEL, query=QUERY, documents=DOCUMENTS)
    assert answer.results[0].index == 1
    scores = [result.relevance_score for result in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert answer.id


@pytest.mark.parametrize("client", [cohere.Client, cohere.ClientV2])
def test_top_n_is_obeyed(client: type) -> None:
    answer = client().rerank(model=MODEL, query=QUERY, documents=DOCUMENTS, top_n=2)
    assert len(answer.results) == 2


def test_documents_come_back() -> None:
    answer = cohere.Client().rerank(
        model=MODEL, query=QUERY, documents=DOCUMENTS, return_documents=True
    )
    assert answer.results[0].document.text == DOCUMENTS[1]


def test_an_unknown_model_is_the_clients_own_error() -> None:
    with pytest.raises(cohere.NotFoundError):
        cohere.ClientV2().rerank(model="none", query=QUERY, documents=DOCUMENTS)


def test_a_wrong_body_is_the_clients_own_error() -> None:
    vllm = os.environ.get("MOCK_PROFILE") == "vllm"
    error = cohere.BadRequestError if vllm else cohere.UnprocessableEntityError
    with pytest.raises(error):
        cohere.ClientV2().rerank(model=MODEL, query=QUERY, documents=[])


def test_the_asynchronous_client_ranks() -> None:
    async def ask() -> object:
        return await cohere.AsyncClientV2().rerank(
            model=MODEL, query=QUERY, documents=DOCUMENTS
        )

    assert asyncio.run(ask()).results[0].index == 1
