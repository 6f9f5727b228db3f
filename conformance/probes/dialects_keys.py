"""A key that is missing, empty or wrong, beside the right one."""

from collections.abc import Iterator

from aios_conformance.conformance.probes.dialects_bodies import ask, operation_of
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table

_UNACCEPTED = {"missing": None, "empty": "Bearer", "wrong": "Bearer no-such-key"}
"""What stands in the header Authorization."""


def keys(dialect: str, rows: tuple[str, ...]) -> Probe:
    """A missing, an empty and a wrong key, beside the right one."""

    @table(
        f"{dialect}.keys",
        "embeddings",
        [None],
        needs=("api_key",),
        dialects=(dialect,),
        smoke_rows=1,
    )
    def keys(_: Params, served: Served) -> Iterator[Step]:
        operation, body = operation_of(dialect), ask(served)
        yield Step("valid", operation, body, serves=rows)
        for label, header in _UNACCEPTED.items():
            yield Step(
                label,
                operation,
                body,
                "refuse",
                ("META-114", *(rows[:1] if label != "wrong" else ())),
                f"the key is {label}",
                (401, 403),
                headers={"Authorization": header},
                off_schema="the key is no part of the body",
            )

    return keys
