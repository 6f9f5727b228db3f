"""The requirements and the rulings: what is promised, how firmly, and why so."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from aios_conformance.spec._dialects import Dialect, dialect, known_dialects
from aios_conformance.spec._files import DIALECTS, SpecError, read_once

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Record = TypeVar("_Record", bound="DataclassInstance")

_NAMING = {"topic", "covers", "same_as"}
_TOPIC = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Level(StrEnum):
    """How firmly the documents promise a thing; LEVEL_RULE says how it is found."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


PartsOf = Literal["acceptance", "refusal", "breach", "malformed", "omission", "members"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a row consists of that states in one sentence what others state singly.

    Attributes:
        of: which findings on the other rows refute it; None: all of them.
            acceptance: a valid request was refused;
            refusal: a client mistake was not refused as documented;
            breach: likewise, of a JSON object; malformed: of another body;
            omission: likewise, of an object without a required member;
            members: a documented member was missing in a whole answer.
        topics: the topics of the other rows; (): all rows.

    """

    of: PartsOf | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One obligation of the server, or one freedom (MAY), with its sources.

    Attributes:
        id: stable name; never renumbered, never reused.
        topic: what it is about, in words that one can search for: the same for the
            rows of other APIs and dialects that promise the same, and no two rows
            of one API in one dialect have the same.
        level: MUST, SHOULD or MAY.
        statement: the obligation in our own words; it completes the sentence
            "The server MUST …".
        api: area under which it is listed: common, rerank, score, chat,
            completions, embeddings or models; operations say where it applies.
        covers: topics of other APIs' rows that this row states among its own.
        same_as: the row that states the same or covers it, None where there is none.
        parts: the rows of the same operations that it consists of: what is found on
            one of them refutes it as well. None where it stands by itself.
        dialects: the document sets that promise it.
        operations: "METHOD /path" as in the OpenAPI document of the dialect.
        sources: the lines that state it, such as 000:57 or 000:234-239.
        rulings: the rulings (A-nnn) on those lines, the weightiest first.
        evidence: least number of judged observations for a verdict.
        noisy: compares generated texts of two calls, which batched arithmetic can
            break: a difference that does not come again is unstable.
        statistical: holds on average only, so that no single run can break it.
        needs: capabilities without which it does not apply, such as tools.
        soft: the clause of a MUST whose breach only warns.
        excluded: why it cannot be seen on the wire, None where it can.

    """

    id: str
    topic: str
    level: Level
    statement: str
    api: str
    covers: tuple[str, ...] = ()
    same_as: str | None = None
    parts: Parts | None = None
    dialects: tuple[str, ...] = ("aios",)
    operations: tuple[str, ...]
    sources: tuple[str, ...]
    rulings: tuple[str, ...] = ()
    evidence: int = 1
    noisy: bool = False
    statistical: bool = False
    needs: tuple[str, ...] = ()
    soft: str | None = None
    excluded: str | None = None

    @property
    def ruling(self) -> str | None:
        """The weightiest ruling, which the report shows; None without any."""
        return self.rulings[0] if self.rulings else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One accepted way to read a contradiction; the report says which is followed."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A contradiction or gap of the documents, the reading taken, and why.

    Attributes:
        id: stable name, A-nnn.
        scope: the documents or APIs concerned.
        where: the lines that contradict each other.
        problem: what is unclear.
        ruling: how this project reads it.
        reason: why so.
        danger: what a wrong guess would cost a server: high, medium or low.
        readings: the accepted readings where there are several.
        requirements: ids of all requirements that rest on it.

    """

    id: str
    scope: str
    where: tuple[str, ...]
    problem: str
    ruling: str
    reason: str
    danger: str
    readings: tuple[Reading, ...] = ()
    requirements: tuple[str, ...] = ()


@cache
def requirements(name: str = "aios") -> tuple[Requirement, ...]:
    """All requirements of a dialect, excluded ones too, in the order of the files.

    Raises:
        SpecError: no such dialect, a malformed row, or an id that is taken.

    """
    parts = dialect(name)
    rows = _rows() if parts.is_ours else _unique(_rows_of(parts))
    if taken := () if parts.is_ours else {r["id"] for r in rows} & {*_by_id(DIALECTS)}:
        raise SpecError(f"{min(taken)} is a row of ours: rows need ids of their own")
    return tuple(
        _requirement(row, (name,))
        for row in rows
        if name in row.get("dialects", ("aios",))
    )


def every_requirement() -> Mapping[str, Requirement]:
    """All rows of all dialects by id, with their operations in all of them."""
    return _by_id(known_dialects())


@cache
def _by_id(names: tuple[str, ...]) -> Mapping[str, Requirement]:
    rows = {row["id"]: _requirement(row, DIALECTS) for row in _rows()}
    for name in names:
        if name not in DIALECTS:
            rows |= {row.id: row for row in requirements(name)}
    return MappingProxyType(rows)


def requirement(identifier: str) -> Requirement:
    """Look up a requirement of any dialect, with its operations in all of them.

    Raises:
        SpecError: no such id; the message names the nearest ones.

    """
    known = every_requirement()
    if identifier in known:
        return known[identifier]
    near = ", ".join(get_close_matches(identifier.upper(), known, cutoff=0.8))
    raise SpecError(
        f"unknown requirement {identifier!r}: "
        + (f"did you mean {near}?" if near else "ids look like RERANK-SEM-006")
    )


def rulings() -> Mapping[str, Ruling]:
    """All rulings by id, each with the requirements that rest on it."""
    return _rulings(known_dialects())


@cache
def _rulings(names: tuple[str, ...]) -> Mapping[str, Ruling]:
    users: dict[str, list[str]] = {}
    for row in _by_id(names).values():
        for cited in row.rulings:
            users.setdefault(cited, []).append(row.id)
    found: dict[str, Ruling] = {}
    for members in _stated_rulings(names):
        readings = [_record(Reading, each) for each in members.get("readings", ())]
        computed = {"readings": readings, "requirements": users.get(members["id"], [])}
        ruling = _record(Ruling, {**members, **computed})
        found[ruling.id] = ruling
    return MappingProxyType(found)


def _stated_rulings(names: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    files = dict.fromkeys(path for each in names if (path := dialect(each).rulings))
    for path in files:
        yield from (read_once(path) or {}).get("rulings") or ()


@cache
def requirements_sha256(name: str = "aios") -> str:
    """Fingerprint of all that a run of this dialect judges by.

    Two reports can be compared row by row only if it is the same in both. How a row
    is called and which others state the same changes no verdict, and so not this.
    """
    rows = [
        {k: v for k, v in asdict(row).items() if k not in _NAMING}
        for row in requirements(name)
    ]
    text = json.dumps(rows, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _rows() -> tuple[Mapping[str, Any], ...]:
    """The rows of all our dialects, those that several share last."""
    ours = [dialect(name) for name in DIALECTS]
    shared = dict.fromkeys(path for one in ours for path in one.include)
    return _unique(
        [
            *(row for one in ours for row in _own_rows(one)),
            *(row for path in shared for row in _listed(path)),
        ]
    )


def _rows_of(parts: Dialect) -> Iterator[Mapping[str, Any]]:
    yield from _own_rows(parts)
    for path in parts.include:
        yield from _listed(path)


def _own_rows(parts: Dialect) -> Iterator[Mapping[str, Any]]:
    """The rows of a dialect's own files, which need not say whose they are."""
    for path in parts.requirements:
        for row in _listed(path):
            yield row if parts.name == "aios" else {"dialects": [parts.name], **row}


def _listed(path: Path) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (read_once(path) or {}).get("requirements") or []
    return found


def _unique(found: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    rows = tuple(found)
    seen: set[str] = set()
    for row in rows:
        if row["id"] in seen:
            raise SpecError(f"requirement {row['id']} is stated twice")
        seen.add(row["id"])
    verify_names(rows)
    return rows


def verify_names(rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise SpecError for a topic that names no one row, or a same_as that is lost."""
    by_id = {row["id"]: row for row in rows}
    topics = {row.get("topic") for row in by_id.values()}
    owners: dict[tuple[str, str, str], str] = {}
    for identifier, row in by_id.items():
        if "topic" not in row:
            raise SpecError(f"{identifier}: topic is missing, such as n-obeyed")
        for topic in (row["topic"], *row.get("covers", ())):
            if not _TOPIC.fullmatch(topic):
                raise SpecError(f"{identifier}: topic {topic!r} is not like n-obeyed")
            for each in row.get("dialects", ("aios",)):
                owner = owners.setdefault((row["api"], each, topic), identifier)
                if owner != identifier:
                    raise SpecError(f"{identifier}: topic {topic} is that of {owner}")
        same = row.get("same_as")
        if same and (same not in by_id or "same_as" in by_id[same]):
            raise SpecError(f"{identifier}: same_as {same} is no row of its own")
        if lost := {*row.get("parts", {}).get("topics", ())} - topics:
            raise SpecError(f"{identifier}: no row has the topic {min(lost)}")


def _requirement(row: Mapping[str, Any], dialects: Iterable[str]) -> Requirement:
    """Read a row; where the operations differ by dialect, take those of `dialects`."""
    operations = row["operations"]
    if isinstance(operations, Mapping):
        chosen = chain.from_iterable(operations.get(each, ()) for each in dialects)
        operations = list(dict.fromkeys(chosen))
    read = {"operations": operations, "level": Level(row["level"])}
    if "parts" in row:
        read["parts"] = _record(Parts, row["parts"])
    return _record(Requirement, {**row, **read})


def _record(kind: type[_Record], members: Mapping[str, Any]) -> _Record:
    """Make a dataclass of a mapping: lists become tuples, strangers are refused."""
    valid = [field.name for field in fields(kind)]
    if strangers := members.keys() - set(valid):
        raise SpecError(
            f"{members.get('id', kind.__name__)}: unknown member "
            f"{', '.join(sorted(strangers))}; valid are {', '.join(valid)}"
        )
    try:
        return kind(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in members.items()
            }
        )
    except TypeError as error:
        raise SpecError(f"{members.get('id', kind.__name__)}: {error}") from error
