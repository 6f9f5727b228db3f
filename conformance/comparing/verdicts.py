"""Requirements that one side keeps and the other breaks, put under the causes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.comparing.causes import Cause, causes
from aios_conformance.conformance.comparing.pairs import Pair, Side

JUDGED = frozenset({"pass", "warn", "fail", "waived", "error"})


def with_verdicts(one: Side, other: Side, pairs: Sequence[Pair]) -> list[Cause]:
    """The causes of all differences, with the requirements that are broken by them.

    A requirement that no difference of an answer explains makes a cause of its own,
    named as the report of the side that breaks it names it.
    """
    told = causes(one, other, pairs)
    counted = [each for each in told if each.counts]
    rows: dict[int, list[str]] = {}
    lost: dict[str, Side] = {}
    apart = dict(_apart(one, other))
    for row, worse in apart.items():
        place = _explained(row, worse, is_one=worse is one, told=counted)
        if place is None:
            lost[row] = worse
        else:
            rows.setdefault(place, []).append(row)
    # what consists of rows that are explained, or is told as one with them
    for row in list(lost):
        told_as_one = _cause(lost[row], row).get("requirements", ())
        below = {*lost[row].rows[row].get("refuted_by", ()), *told_as_one} & {*apart}
        for place, cause in enumerate(counted):
            if below & {*cause.rows, *rows.get(place, ())}:
                rows.setdefault(place, []).append(row)
                lost.pop(row, None)
    filled = {
        id(cause): replace(
            cause, rows=tuple(dict.fromkeys((*cause.rows, *rows.get(place, ()))))
        )
        for place, cause in enumerate(counted)
    }
    own = list(_by_fault(one, other, lost))
    left = []
    for each in (filled.get(id(cause), cause) for cause in told):
        place = _shown_by(each, own, one, len(pairs))
        if place is None:
            left.append(each)
        else:
            worse, fault = own[place]
            found = fault.found or each.found
            own[place] = worse, replace(fault, found=found, of=each.of).with_also(each)
    return [*left, *(fault for _, fault in own)]


def _shown_by(
    cause: Cause, own: Sequence[tuple[Side, Cause]], one: Side, pairs: int
) -> int | None:
    """The place of the broken rows whose checks judged every answer of a cause.

    Checks that judge most answers have nothing to do with one of them in particular.
    """
    if not cause.counts or cause.kind in ("support", "crash", "unanswered", "code"):
        return None
    for place, (side, fault) in enumerate(own):
        ids = {(p.one if side is one else p.other).id for p, _ in cause.found}
        judged = {
            exchange
            for row in fault.rows
            for check in side.rows[row].get("checks", ())
            for exchange in check.get("exchanges", ())
        }
        if ids and ids <= judged and 2 * len(judged) < pairs:
            return place
    return None


def _apart(one: Side, other: Side) -> Iterator[tuple[str, Side]]:
    """Rows whose verdicts differ, with the side that does worse."""
    for row, mine in one.rows.items():
        if theirs := other.rows.get(row):
            verdicts = (mine["verdict"], theirs["verdict"])
            if verdicts[0] != verdicts[1] and JUDGED.issuperset(verdicts):
                yield row, other if verdicts[0] == "pass" else one


def _explained(
    row: str, worse: Side, *, is_one: bool, told: Sequence[Cause]
) -> int | None:
    """The place of the cause that breaks a row: it names it, or shows its finding."""
    findings = worse.rows[row].get("findings", ())
    shown = {worse.asked(each["exchange"]) for each in findings} - {None}
    for place, cause in enumerate(told):
        if row in cause.rows:
            return place
    for place, cause in enumerate(told):
        sides = (pair.one if is_one else pair.other for pair, _ in cause.found)
        if shown and not shown.isdisjoint(map(worse.content, sides)):
            return place
    return None


def _by_fault(
    one: Side, other: Side, lost: Mapping[str, Side]
) -> Iterator[tuple[Side, Cause]]:
    """What breaks the rows that are lost, each with the side that does so."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row, worse in lost.items():
        groups.setdefault((worse.name, _fault(worse, row)), []).append(row)
    for (name, fault), rows in groups.items():
        worse, better = (one, other) if name == one.name else (other, one)
        title = f"{name} breaks what {better.name} keeps: {fault}"
        curls = _curls(one, other, worse, rows)
        shown = (each for row in rows for each in worse.rows[row].get("findings", ()))
        asked = worse.apis_of(each["exchange"] for each in shown)
        known = spec.apis(worse.dialect)
        word = fault.partition(" ")[0]  # a parameter, in "top_n is not obeyed"
        subject = word if any(word in known[api].members for api in asked) else ""
        cause = Cause("verdict", title, subject=subject, asked=asked, curls=curls)
        yield worse, replace(cause, rows=tuple(rows))


def _fault(side: Side, row: str) -> str:
    """What a side's own report calls the fault that breaks a row."""
    return str(_cause(side, row).get("title") or side.rows[row]["statement"])


def _cause(side: Side, row: str) -> Mapping[str, Any]:
    """The cause under which a side's own report tells a row; empty if there is none."""
    for cause in side.report.get("causes", ()):
        if row in (*cause["requirements"], *cause.get("follows", ())):
            return dict(cause)
    return {}


def _curls(
    one: Side, other: Side, worse: Side, rows: Sequence[str]
) -> tuple[str, str] | None:
    found: Iterator[Any] = (
        each for row in rows for each in worse.rows[row].get("findings", ())
    )
    line = next((str(each["curl"]) for each in found if each.get("curl")), None)
    if line is None:
        return None
    return line.replace(worse.url, one.url), line.replace(worse.url, other.url)
