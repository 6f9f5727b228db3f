"""The printed requests of the documents, replayed with the served model."""

from collections.abc import Iterator

from conformance.exchange import Api
from conformance.probe import Params, Probe, Served, Step, table
from conformance.probes.bodies import OPERATION
from spec import Example, examples


def _requests(api: Api) -> list[Example]:
    """The printed requests of an API; the first requirement of each is its validity."""
    path = OPERATION[api].removeprefix("POST /v1")  # the other paths end so as well
    return [
        example
        for example in examples().values()
        if example.direction == "request"
        and example.body is not None
        and example.operation.endswith(path)
    ]


def printed(api: Api) -> Probe:
    """One request per printed request; equal ones are sent once."""
    rows = [example.id for example in _requests(api)]

    @table(f"{api}.printed", api, rows, smoke_rows=1)
    def build(row: Params, served: Served) -> Iterator[Step]:
        example = examples()[row]
        yield Step(
            "printed",
            example.operation,
            example.body | {"model": served.model(api)},
            serves=example.requirements[:1],
            shared=True,
        )

    return build
