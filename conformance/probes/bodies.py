"""The smallest valid body of each API: what mutants and variants start from."""

from typing import Any

from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Served

OPERATION: dict[Api, str] = {
    "rerank": "POST /v1/rerank",
    "score": "POST /v1/score",
    "chat": "POST /v1/chat/completions",
    "completions": "POST /v1/completions",
    "embeddings": "POST /v1/embeddings",
}

REQUIRED: dict[Api, tuple[str, ...]] = {
    "rerank": ("model", "query", "documents"),  # 001:40-42
    "score": ("model", "text_1", "text_2"),  # 001:136-140
    "chat": ("model", "messages"),  # 001:238-239
    "completions": ("model", "prompt"),  # 001:397-401
    "embeddings": ("model", "input"),  # 001:612-613
}


def valid(api: Api, served: Served) -> dict[str, Any]:
    """A small body that the documents allow; generation is always limited."""
    model = served.model(api)
    match api:
        case "rerank":
            documents = ["Paris is the capital of France.", "Bananas are yellow."]
            question = "What is the capital of France?"
            return {"model": model, "query": question, "documents": documents}
        case "score":
            return {
                "model": model,
                "text_1": "What is the capital of France?",
                "text_2": "Paris is the capital of France.",
            }
        case "chat":
            message = {"role": "user", "content": "Name a colour."}
            return {"model": model, "messages": [message], "max_tokens": 4}
        case "completions":
            return {"model": model, "prompt": "The sky is", "max_tokens": 4}
        case "embeddings":
            return {"model": model, "input": "The sky is blue."}
        case _:
            raise ValueError(api)
