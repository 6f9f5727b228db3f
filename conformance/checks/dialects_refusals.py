"""What the neighbouring dialects refuse, how, and what they leave free."""

from collections.abc import Iterator

from aios_conformance.conformance.checks.dialects_vectors import vectors_of
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Observation

_DIALECTS = ("infinity.", "aigne-hub.", "aihubmix.")


@check(
    "INF-REQ-015",
    on="infinity.odd_dimensions",
    when=lambda s: s["free"].status > 0,
)
def odd_dimensions_are_no_crash(seen: Observation) -> Iterator[Note]:
    """A size that a model cannot give is refused or ignored."""
    status = seen["free"].status
    if status >= 500:
        yield Finding("200 or 4xx", status, step="free", kind="crash")
    else:
        yield FollowedReading("refused" if status >= 400 else "given or ignored")


@check("AHM-REQ-013", on="aihubmix.blank_among", when=lambda s: s["free"].status > 0)
def an_empty_text_among_others_is_refused(seen: Observation) -> Iterator[Note]:
    """An array that contains an empty text is refused; to accept it warns (A-154)."""
    status = seen["free"].status
    if status >= 500:
        yield Finding("4xx", status, step="free", kind="crash")
    elif status < 300:
        yield Finding("4xx", status, "/input/1", step="free", soft=True)


@check("AHM-REQ-022", on="aihubmix.old_model", when=lambda s: s["sized"].status > 0)
def an_old_model_refuses_dimensions(seen: Observation) -> Iterator[Note]:
    """Dimensions on a model older than text-embedding-3 is refused, never a crash."""
    status = seen["sized"].status
    old = vectors_of(seen["old"])
    if status >= 500:
        yield Finding("4xx", status, step="sized", kind="crash")
    elif old is None:
        yield FollowedReading("no older model is served")
    elif status < 300 and len((vectors_of(seen["sized"]) or [[]])[0]) != len(old[0]):
        yield FollowedReading("an older model obeys dimensions")


@check(
    "AHM-REQ-007", "INF-REQ-009", "AIGNE-REQ-012", on=_DIALECTS,
    when=lambda s: any(e.expect == "either" for e in s.steps.values()),
)  # fmt: skip
def what_is_unlisted_is_free(seen: Observation) -> Iterator[Note]:
    """What the target does with input that the page does not list."""
    rows = {"infinity.token_ids": "INF-REQ-009", "aigne-hub.unlisted": "AIGNE-REQ-012"}
    if row := rows.get(seen.probe):
        yield FollowedReading(f"answered {seen['free'].status}", (row,))


@check(on=_DIALECTS, witness=True)
def a_refusal_is_no_crash(seen: Observation) -> Iterator[Note]:
    """A client mistake is refused with 4xx, never answered 5xx."""
    for label, exchange in seen.steps.items():
        if exchange.expect == "refuse" and exchange.status >= 500:
            yield Finding(
                expected=f"4xx: {exchange.breaks}",
                actual=exchange.status,
                step=label,
                kind="crash",
                ids=exchange.serves,
            )


@check("META-114", on=("aigne-hub.keys", "aihubmix.keys"), witness=True)
def keys_are_refused_as_such(seen: Observation) -> Iterator[Note]:
    """A missing, empty or wrong key is answered 401 or 403."""
    if not seen.accepted("valid"):
        return
    for label in ("missing", "empty", "wrong"):
        status = seen[label].status if label in seen.steps else 0
        if status:
            yield Witness(("META-114",))
        if 400 <= status < 500 and status not in (401, 403):
            yield Finding("401 or 403", status, step=label, ids=("META-114",))
