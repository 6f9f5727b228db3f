"""The refusal of a valid body, charged to the members that it was refused for."""

from collections.abc import Iterator

from aios_conformance.conformance.probes.member_rows import charged_rows
from aios_conformance.conformance.probes.pairs import (
    ROW,
    SMALLEST,
    culprits,
    was_refused,
)
from aios_conformance.conformance.terms.check import Finding, Note, Witness
from aios_conformance.conformance.terms.exchange import Observation


def is_narrowed(seen: Observation) -> bool:
    """A row of a covering array that was refused: `charged` has the finding."""
    row = seen.steps.get(ROW)
    return row is not None and was_refused(row)


def charged(seen: Observation) -> Iterator[Note]:
    """Members that are accepted alone, and not in this body."""
    row = seen[ROW]
    if not seen[SMALLEST].is_answer or (row.expect == "either" and row.status < 500):
        return  # nothing is taken, or the documents leave open whether it is
    found, sent = culprits(row.api, seen.params, seen.steps)
    given = {name: value for unit in seen.params for name, value in unit.items()}
    blamed = {r for name in found or () for r in charged_rows(row.api, name, given)}
    yield Witness((*row.serves, "COMMON-RES-001"))
    shown = next((e for e in reversed(sent) if was_refused(e)), row)
    code = (
        f"{shown.status} {shown.response.body[:200].decode(errors='replace')}"
        if shown.response
        else ""
    )
    told = " and ".join(found or ())
    yield Finding(
        expected="200: the request is valid",
        actual=f"{code}: refused only with {told}" if told else code,
        kind="crash" if shown.status >= 500 else "refused",
        step=shown.label,
        ids=tuple(sorted(blamed)) or ("COMMON-RES-001",),
    )
