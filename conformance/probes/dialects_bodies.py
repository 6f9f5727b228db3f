"""Bodies of the neighbouring dialects, and tables of single requests.

The dialects share paths but not promises (A-168), so each has its own rows; one set of
scenarios serves all three.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table

CLIENT_ERRORS = tuple(range(400, 500))
TEXT = "The sky is blue."


def operation_of(dialect: str) -> str:
    """The operation of a dialect that embeds."""
    return spec.apis(dialect)["embeddings"].operation


def ask(served: Served, **members: Any) -> dict[str, Any]:
    """A body that every dialect takes, with some members set."""
    return {"model": served.model("embeddings"), "input": TEXT, **members}


def accepted(
    dialect: str, rows: Iterable[Params], *, name: str = "accepted", needs: str = ""
) -> Probe:
    """Requests that a dialect must take, each alone."""

    @table(
        f"{dialect}.{name}",
        "embeddings",
        rows,
        needs=(needs,) if needs else (),
        dialects=(dialect,),
    )
    def build(row: Params, served: Served) -> Iterator[Step]:
        body = ask(served, **row["set"])
        yield Step("variant", operation_of(dialect), body, serves=tuple(row["serves"]))

    return build


def refused(
    dialect: str, rows: Iterable[Params], *, name: str = "refused", needs: str = ""
) -> Probe:
    """Requests that break one rule of a dialect, each beside a valid one."""

    @table(
        f"{dialect}.{name}",
        "embeddings",
        rows,
        needs=(needs,) if needs else (),
        dialects=(dialect,),
        smoke_rows=2,
    )
    def build(row: Params, served: Served) -> Iterator[Step]:
        changed = ask(served) | row["set"]
        mutant = {k: v for k, v in changed.items() if k != row.get("drop")}
        yield Step("valid", operation_of(dialect), ask(served), shared=True)
        yield Step(
            "mutant",
            operation_of(dialect),
            mutant,
            "refuse",
            tuple(row["serves"]),
            row["breaks"],
            CLIENT_ERRORS,
            off_schema=row.get("off_schema", ""),
        )

    return build


def takes(*serves: str, **members: Any) -> Params:
    """A row of `accepted`: what it proves, and the members that it sets."""
    return {"serves": list(serves), "set": members}


def breaks(breaks: str, *serves: str, **members: Any) -> Params:
    """A row of `refused`: the rule that it breaks, and what its refusal proves."""
    return {"serves": list(serves), "set": members, "breaks": breaks}


def lacks(field: str, *serves: str) -> Params:
    """A row of `refused` without a member."""
    return breaks(f"/{field} is missing", *serves) | {"drop": field}


def printed(dialect: str, name: str) -> dict[str, Any]:
    """The printed body but for its model, which is the served one."""
    body = spec.examples(dialect)[name].body
    return {k: v for k, v in body.items() if k != "model"}


def either(dialect: str, name: str, rows: Iterable[Params]) -> Probe:
    """Requests that a dialect may take or refuse."""

    @table(f"{dialect}.{name}", "embeddings", rows, dialects=(dialect,))
    def build(row: Params, served: Served) -> Iterator[Step]:
        yield Step("free", operation_of(dialect), ask(served, **row), "either")

    return build
