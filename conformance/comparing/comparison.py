"""Two sides compared: causes first, then a line for each requirement and parameter."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aios_conformance import spec
from aios_conformance.conformance.comparing.answers import is_determined
from aios_conformance.conformance.comparing.causes import NEARLY_ALL, Cause, ordered
from aios_conformance.conformance.comparing.first_tokens import Moved, moved
from aios_conformance.conformance.comparing.pairs import Pair, Side, paired
from aios_conformance.conformance.comparing.verdicts import JUDGED, with_verdicts
from aios_conformance.conformance.terms.exchange import Api

Status = Literal["same", "differs", "only A", "only B", "not compared"]
STATUSES: tuple[Status, ...] = ("differs", "only A", "only B", "same", "not compared")
_SHOWN = JUDGED | {"unstable"}
ANY = "(any request)"
UNCOUNTED = "times are told alone"


@dataclass(frozen=True, slots=True)
class RowCompared:
    """A requirement on both sides."""

    id: str
    topic: str
    level: str
    statement: str
    verdicts: tuple[str | None, str | None]
    status: Status
    causes: tuple[int, ...] = ()  # numbers of causes, from 1


@dataclass(frozen=True, slots=True)
class ParameterCompared:
    """A parameter of an API on both sides."""

    api: Api
    name: str
    asked: int
    status: Status
    causes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Compared:
    """All that two sides do differently, and what could not be compared."""

    one: Side
    other: Side
    causes: Sequence[Cause]
    rows: Sequence[RowCompared]
    parameters: Sequence[ParameterCompared]
    pairs: int
    same: int  # pairs without a difference that counts
    free: int  # pairs whose texts were left to chance
    left: Mapping[str, int]  # what was not compared, by the reason
    times: Sequence[Moved] = ()  # told among the causes, and never counted

    @property
    def counted(self) -> list[Cause]:
        """The causes that are differences between the two."""
        return [each for each in self.causes if each.counts]

    @property
    def differs(self) -> bool:
        """Something counts."""
        return bool(self.counted)


def compare(one: Side, other: Side) -> Compared:
    """Compare what two sides answered to the same requests, and their verdicts."""
    found = paired(one, other)
    pairs = found.pairs
    times = tuple(moved(one.report, other.report))
    late = (Cause("time", each.text, excuse=UNCOUNTED) for each in times)
    told = ordered([*_absences(one, other), *with_verdicts(one, other, pairs), *late])
    numbers: dict[str, list[int]] = {}
    for number, cause in enumerate(told, 1):
        for row in cause.rows if cause.counts else ():
            numbers.setdefault(row, []).append(number)
    counting = {i for cause in told if cause.counts for i in cause.ids}
    free = sum(not is_determined(pair.one, one.dialect) for pair in pairs)
    return Compared(
        one,
        other,
        told,
        list(_rows(one, other, numbers)),
        list(_parameters(one, other, pairs, told)),
        len(pairs),
        sum(pair.one.id not in counting for pair in pairs),
        free,
        found.left,
        times,
    )


def _absences(one: Side, other: Side) -> Iterator[Cause]:
    """APIs that one side answers, and of which the other has no path."""
    if one.dialect != other.dialect:
        return
    for side, lacking in ((one, other), (other, one)):
        for api in sorted(side.apis - lacking.apis):
            why = f"the {api} API is absent"
            if any(why in (row.get("reason") or "") for row in lacking.rows.values()):
                name = spec.title(api, one.dialect)
                yield Cause("support", f"only {side.name} answers {name}", subject=api)


def _rows(
    one: Side, other: Side, numbers: Mapping[str, list[int]]
) -> Iterator[RowCompared]:
    for row in {**one.rows, **other.rows}:
        mine, theirs = one.rows.get(row), other.rows.get(row)
        known = mine or theirs or {}
        verdicts = tuple(each["verdict"] if each else None for each in (mine, theirs))
        causes_of = tuple(numbers.get(row, ()))
        yield RowCompared(
            row,
            known.get("topic", ""),
            known["level"],
            known["statement"],
            verdicts,  # type: ignore[arg-type]
            _status(*verdicts, is_caused=bool(causes_of)),
            causes_of,
        )


def _status(one: str | None, other: str | None, *, is_caused: bool) -> Status:
    if one is None or other is None:
        return "not compared"
    if one in _SHOWN and other == "not_applicable":
        return "only A"
    if other in _SHOWN and one == "not_applicable":
        return "only B"
    if is_caused or (one != other and JUDGED.issuperset((one, other))):
        return "differs"
    is_shown = {one, other} <= _SHOWN or one == other == "info"
    return "same" if is_shown else "not compared"


def _parameters(
    one: Side, other: Side, pairs: Sequence[Pair], told: Sequence[Cause]
) -> Iterator[ParameterCompared]:
    for api, known in spec.apis(one.dialect).items():
        mine = [p for p in pairs if p.api == api]
        carrying = Counter(name for p in mine for name in p.parameters)
        owned: dict[str, list[int]] = {}
        for number, cause in enumerate(told, 1):
            if cause.counts and api in cause.apis:
                name = _owner(cause, api, mine, carrying)
                owned.setdefault(name, []).append(number)
        for name in (ANY, *known.members):
            asked = len(mine) if name == ANY else carrying[name]
            numbers = owned.get(name, [])
            status = _support(name, mine, [told[n - 1] for n in numbers])
            if not mine:
                status = _absence(api, one, other)
            elif not asked:
                status = "not compared"
            yield ParameterCompared(api, name, asked, status, tuple(numbers))


def _absence(api: Api, one: Side, other: Side) -> Status:
    is_there = (api in one.apis, api in other.apis)
    if is_there == (True, False):
        return "only A"
    return "only B" if is_there == (False, True) else "not compared"


def _owner(cause: Cause, api: Api, mine: Sequence[Pair], carrying: Counter[str]) -> str:
    """The parameter that a cause is about; if nothing names it, the rarest one that all
    requests that show it have.
    """  # noqa: D205
    subject = cause.subject.strip("/").split(" ")[0].split("/")[0]
    if subject in carrying:
        return subject
    shown = [pair for pair, _ in cause.found if pair.api == api]
    if not shown:
        return ANY
    common = frozenset.intersection(*(pair.parameters for pair in shown))
    topics = [spec.requirement(row).topic for row in cause.rows]
    named = [n for n in common if any(n.replace("_", "-") in topic for topic in topics)]
    if cause.kind in ("support", "crash", "code", "verdict") and named:
        return max(named, key=len)
    special = [name for name in common if carrying[name] < len(mine) / 2]
    if len(shown) < 2:
        return ANY
    return min(special, key=lambda name: (carrying[name], name), default=ANY)


def _support(name: str, mine: Sequence[Pair], own: Sequence[Cause]) -> Status:
    """Whether only one side takes a parameter, or does otherwise with it."""
    for cause in own:
        if cause.kind != "support" or cause.subject != name or not cause.found:
            continue
        pair = cause.found[0][0]
        yes = 0 if pair.one.is_success else 1
        taken = [
            p for p in mine if name in p.parameters and (p.one, p.other)[yes].is_success
        ]
        if len(cause.found) >= NEARLY_ALL * len(taken):
            return "only A" if yes == 0 else "only B"
    return "differs" if own else "same"
