"""The printed requests of the documents, replayed with the served model."""

from collections.abc import Iterator

from aios_conformance.conformance.probes.bodies import TRUNCATION, is_beyond
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table
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


def printed(api: Api, *, smoke_rows: int = 1, **members: Json) -> Probe:
    """One request per printed request; equal ones are sent once.

    A printed limit that is more than the model says it reads may be refused (A-047):
    the rest of the request is then judged with the model's own.
    `members` are added: generation is never left without a limit (A-085).
    """
    rows = [example.id for example in _requests(api)]

    @table(f"{api}.printed", api, rows, smoke_rows=smoke_rows)
    def build(row: Params, served: Served) -> Iterator[Step]:
        example = examples()[row]
        body = example.body | {"model": served.model(api)} | members
        if is_beyond(body, api, served):
            yield Step("as_it_stands", example.operation, body, expect="either")
            body |= {TRUNCATION: served.facts.limits[api]}
        yield Step(
            "printed",
            example.operation,
            body,
            serves=example.requirements[:1],
            shared=True,
        )

    return build
