"""Infinity's list of models, and calls of those that it lists (002:5-54)."""

from collections.abc import Iterator
from typing import Any

from aios_conformance.conformance.probes.dialects_bodies import (
    CLIENT_ERRORS,
    TEXT,
    operation_of,
)
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Later,
    Params,
    Served,
    Step,
    table,
)
from aios_conformance.spec import LISTING

LISTED = 3  # listed models that are tried


@table("infinity.models", "models", [None], dialects=("infinity",), smoke_rows=1)
def listing(_: Params, served: Served) -> Iterator[Step]:
    """The list, a call of each listed model that can embed, and the list again.

    What was answered, and what was refused, waits no more.
    """
    rows = ("INF-REQ-001", "INF-REQ-002", "INF-RES-001")
    yield Step("list", LISTING, serves=rows)

    def call(number: int) -> Later:
        def body(answers: Answers) -> Json:
            names = embedding_models(answers["list"].response)
            if number >= len(names):
                return None
            return {"model": names[number], "input": TEXT}

        return body

    operation = operation_of("infinity")
    for number in range(LISTED):
        yield Step(f"call_{number}", operation, call(number), wants="so many models")
    lacking = {"model": served.model("embeddings")}
    yield Step(
        "refused",
        operation,
        lacking,
        "refuse",
        ("INF-REQ-006",),
        "/input is missing",
        CLIENT_ERRORS,
        shared=True,
    )
    yield Step("again", LISTING, serves=rows)


def embedding_models(response: Any) -> list[str]:
    """Names in a model list whose capabilities have `embed` (002:43)."""
    body = response.json if response is not None else None
    data = body.get("data") if isinstance(body, dict) else None
    return [
        model["id"]
        for model in (data if isinstance(data, list) else [])
        if isinstance(model, dict)
        and isinstance(model.get("id"), str)
        and "embed" in (model.get("capabilities") or ())
    ]
