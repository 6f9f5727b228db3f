"""The printed requests of the documents, replayed with the served model."""

from collections.abc import Iterator

from aios_conformance.conformance.probes.bodies import TRUNCATION, is_beyond
from aios_conformance.conformance.terms.cost import UNLIMITED_CHAT
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Params,
    Probe,
    Served,
    Step,
    table,
)
from aios_conformance.spec import Example, api_of, examples


def _requests(api: Api) -> list[Example]:
    """The printed requests of an API; the first requirement of each is its validity."""
    return [
        example
        for example in examples().values()
        if example.direction == "request"
        and example.body is not None
        and api_of(example.operation) == api
    ]


def printed(api: Api, *, limit: int = 0) -> Probe:
    """One request per printed request, as printed; equal ones are sent once.

    A printed limit that is more than the model says it reads may be refused (A-047):
    the rest of the request is then judged with the model's own.
    With a `limit` what comes after the first is sent with one, in tokens, and only
    where that is refused as printed: a stream can be long (A-085).
    """
    rows = [example.id for example in _requests(api)]

    @table(f"{api}.printed", api, rows, smoke_rows=1)
    def build(row: Params, served: Served) -> Iterator[Step]:
        example = examples()[row]
        body = example.body | {"model": served.model(api)}
        if is_beyond(body, api, served):
            yield Step("as_it_stands", example.operation, body, expect="either")
            body |= {TRUNCATION: served.facts.limits[api]}
        is_limited = limit > 0 and row != rows[0]
        limited = body | {"max_tokens": limit} if is_limited else body
        rows_served = example.requirements[:1]
        yield Step(
            "printed", example.operation, limited, "accept", rows_served, shared=True
        )

        def as_printed(answers: Answers) -> Json:
            return body if answers["printed"].status >= 400 else None

        if is_limited:
            yield Step(
                "as_printed",
                example.operation,
                as_printed,
                spare=True,
                narrows=True,
                completion_tokens=UNLIMITED_CHAT,
            )

    return build
