"""Wrong numbering of the items of an answer, as embeddings and scores have it."""

from typing import Any


def numbered_from_one(operation: str, body: Any, answer: Any) -> Any:
    for item in answer["data"]:
        item["index"] += 1
    return answer


def numbered_all_zero(operation: str, body: Any, answer: Any) -> Any:
    for item in answer["data"]:
        item["index"] = 0
    return answer
