"""LangChain's Cohere reranker."""

import os

from langchain_cohere import CohereRerank
from langchain_core.documents import Document

DOCUMENTS = ["Bananas are yellow.", "The capital of France is Paris.", "It rains."]
QUERY = "What is the capital of France?"
ranker = CohereRerank(
    model="sds/bge-reranker-v2-m3", top_n=2, base_url=os.environ["CO_API_URL"]
)


def test_documents_are_compressed_to_the_best() -> None:
    given = [Document(page_content=text) for text in DOCUMENTS]
    best = ranker.compress_documents(given, QUERY)
    assert best[0].page_content == DOCUMENTS[1]
    assert len(best) == 2
    assert best[0].metadata["relevance_score"] > best[1].metadata["relevance_score"]


def test_texts_are_ranked() -> None:
    ranked = ranker.rerank(DOCUMENTS, QUERY)
    assert ranked[0]["index"] == 1
