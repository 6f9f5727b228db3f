"""The recording of a run: all that a verdict rests on, without secrets.

exchanges.jsonl holds one JSON object per line, told apart by `line`: a header, the
plan, exchanges and observations as they happen, a footer with the digest of it all.
A file without a footer is the recording of a run that was broken off, and is judged
as such.
"""

import base64
import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson
from msgspec import convert, to_builtins

from aios_conformance.conformance.observing.recorder import Unsent
from aios_conformance.conformance.observing.selfcheck import SuiteFault
from aios_conformance.conformance.observing.setting import Setting
from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Expect,
    Facts,
    Observation,
)
from aios_conformance.conformance.terms.result import Usage
from aios_conformance.conformance.terms.scenario import (
    Dropped,
    PlannedScenario,
    PlannedStep,
)
from aios_conformance.spec import plain

FILE_NAME = "exchanges.jsonl"
VERSION = 1
Phase = Literal["main", "again", "smaller"]
_Step = tuple[str, str, tuple[str, ...]]  # label, operation, rows that it serves
BROKEN_OFF = "the recording has no footer: the run was broken off"


@dataclass(frozen=True)
class Recording:
    """A run as it was recorded, complete or not."""

    setting: Setting
    facts: Facts
    absent: Mapping[Api, str] = field(default_factory=dict)
    scenarios: Sequence[PlannedScenario] = ()
    dropped: Mapping[str, Dropped] = field(default_factory=dict)
    exchanges: Sequence[Exchange] = ()
    observations: Sequence[Observation] = ()
    again: Sequence[Observation] = ()  # failing scenarios, sent once more
    smaller: Sequence[Observation] = ()  # smaller scenarios that still fail
    unsent: Sequence[Unsent] = ()
    slips: Sequence[SuiteFault] = ()
    usage: Usage = field(default_factory=Usage)
    duration_s: float = 0.0
    cut_short: str | None = None
    left_out: Sequence[tuple[str, int]] = ()  # failed, and too dear to send again
    is_as_written: bool = True  # nobody has changed it

    @property
    def in_order(self) -> list[Exchange]:
        """The exchanges of plan and discovery, in the order of sending."""
        return sorted(self.exchanges, key=lambda exchange: exchange.sent_at)

    @property
    def later(self) -> list[Exchange]:
        """The exchanges of what was sent again, or made smaller."""
        seen = (*self.again, *self.smaller)
        return [exchange for each in seen for exchange in each.sent]

    @property
    def phases(self) -> Mapping[Phase, Sequence[Observation]]:
        """All observations by phase."""
        return {
            "main": self.observations,
            "again": self.again,
            "smaller": self.smaller,
        }


@dataclass(frozen=True, slots=True)
class _Plan:
    """The line of what is going to be sent; a scenario is a row, to be short."""

    facts: Facts = field(default_factory=Facts)
    absent: Mapping[Api, str] = field(default_factory=dict)
    dropped: Mapping[str, Dropped] = field(default_factory=dict)
    scenarios: Sequence[tuple[str, int, tuple[Api, ...], Sequence[_Step]]] = ()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A step that was sent: its exchange, and what it was sent for here."""

    id: str
    expect: Expect
    serves: tuple[str, ...]
    breaks: str
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Played:
    """The line of a scenario that was played."""

    phase: Phase
    probe: str
    draw: int
    params: Any
    steps: Mapping[str, _Sent]
    beside: Sequence[str] = ()  # the ids of exchanges that are not judged


@dataclass(frozen=True, slots=True)
class _End:
    """The last line."""

    unsent: Sequence[Unsent] = ()
    slips: Sequence[SuiteFault] = ()
    usage: Usage = field(default_factory=Usage)
    duration_s: float = 0.0
    cut_short: str | None = None
    left_out: Sequence[tuple[str, int]] = ()
    sha256: str = ""  # of all lines before this one


class RecordingWriter:
    """Writes the lines of a recording as things happen."""

    def __init__(self, directory: Path) -> None:
        """Start a recording, in place of one that is there.

        Raises:
            OptionError: the directory cannot be written to.

        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = (directory / FILE_NAME).open("wb")
        except OSError as error:
            raise OptionError(
                f"--report-dir: cannot write to {directory}: {error}",
                code="bad-report-dir",
                hint="name a folder that can be written to",
            ) from error
        self._digest = sha256()

    def header(self, setting: Setting) -> None:
        """The first line; said once, however often it is asked for."""
        if self._file.tell() == 0:
            self._write("header", setting, version=VERSION)

    def plan(
        self,
        facts: Facts,
        absent: Mapping[Api, str],
        scenarios: Sequence[PlannedScenario],
        dropped: Mapping[str, Dropped],
    ) -> None:
        """What is going to be sent."""
        rows = [
            (
                s.probe,
                s.draw,
                s.apis,
                [(t.label, t.operation, t.serves) for t in s.steps],
            )
            for s in scenarios
        ]
        self._write("plan", _Plan(facts, absent, dropped, rows))

    def exchange(self, exchange: Exchange) -> None:
        """One exchange."""
        self._write("exchange", _written(exchange))

    def observation(self, seen: Observation, phase: Phase) -> None:
        """One scenario that was played; its exchanges stand before it."""
        steps = {
            label: _Sent(e.id, e.expect, e.serves, e.breaks, e.codes)
            for label, e in seen.steps.items()
        }
        beside = [exchange.id for exchange in seen.beside]
        self._write(
            "observation",
            _Played(phase, seen.probe, seen.draw, seen.params, steps, beside),
        )

    def footer(self, recording: Recording) -> None:
        """The last line, without which a recording is one of a broken-off run."""
        self._write(
            "footer",
            _End(
                recording.unsent,
                recording.slips,
                recording.usage,
                recording.duration_s,
                recording.cut_short,
                recording.left_out,
                self._digest.hexdigest(),
            ),
        )
        self.close()

    def close(self) -> None:
        """End the file; without a footer it tells of a run that was broken off."""
        self._file.close()

    def _write(self, line: str, content: object, **more: object) -> None:
        members = {"line": line, **more, **to_builtins(content)}
        written = orjson.dumps(members) + b"\n"
        self._digest.update(written)
        self._file.write(written)
        self._file.flush()


def recording_in(run_dir: Path) -> Path:
    """The recording in the folder of a run, packed or not, or the file itself."""
    if not run_dir.is_dir():
        return run_dir
    packed = run_dir / f"{FILE_NAME}.gz"
    return packed if packed.is_file() else run_dir / FILE_NAME


def read_recording(run_dir: Path) -> Recording:
    """Load the recording of a run.

    Raises:
        OptionError: no recording is there, or it cannot be read.

    """
    path = recording_in(run_dir)
    try:
        packed = plain(path).suffix == ".gz"
        with gzip.open(path) if packed else path.open("rb") as file:
            return _read(file)
    except (OSError, EOFError) as error:
        raise OptionError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}",
            code="no-recording",
            hint=f"name a report directory that holds {FILE_NAME}",
        ) from error
    except Exception as error:  # whatever a file holds that is none
        raise OptionError(
            f"{path}: is no recording of this suite ({error})",
            code="bad-recording",
            hint="it may stem from another version",
        ) from error


def read_exchanges(path: Path) -> list[Exchange]:
    """All exchanges of a plain recording that can be read, sent again or not."""
    with path.open("rb") as file:
        lines = [orjson.loads(line) for line in whole_lines(file)]
    return [_exchange(members) for members in lines if members["line"] == "exchange"]


def whole_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a recording, but for one that was cut off in the middle."""
    return (line for line in lines if line.endswith(b"\n"))


def _read(lines: Iterator[bytes]) -> Recording:
    """Put a recording together line by line."""
    setting, plan, end = None, _Plan(), _End(cut_short=BROKEN_OFF)
    exchanges: dict[str, Exchange] = {}
    seen: dict[Phase, list[Observation]] = {"main": [], "again": [], "smaller": []}
    digest, before = sha256(), ""  # of the lines, and of those before the last one
    for line in whole_lines(lines):
        members = orjson.loads(line)
        before = digest.hexdigest()
        digest.update(line)
        match members["line"]:
            case "header" if members["version"] == VERSION:
                setting = convert(members, Setting)
            case "plan":
                plan = convert(members, _Plan)
            case "exchange":
                exchange = _exchange(members)
                exchanges[exchange.id] = exchange
            case "observation":
                played = convert(members, _Played)
                seen[played.phase].append(_observed(played, plan.facts, exchanges))
            case "footer":
                end = convert(members, _End)
            case other:
                raise ValueError(f"{other!r} is no line of this version")
    if setting is None:
        raise ValueError("it has no header")
    return Recording(
        setting,
        plan.facts,
        plan.absent,
        tuple(
            PlannedScenario(probe, draw, apis, tuple(PlannedStep(*s) for s in steps))
            for probe, draw, apis, steps in plan.scenarios
        ),
        plan.dropped,
        tuple(e for e in exchanges.values() if e.id.startswith("ex-")),
        seen["main"],
        seen["again"],
        seen["smaller"],
        end.unsent,
        end.slips,
        end.usage,
        end.duration_s,
        end.cut_short,
        end.left_out,
        end.sha256 == before,
    )


def _observed(
    played: _Played, facts: Facts, exchanges: Mapping[str, Exchange]
) -> Observation:
    probe, draw = played.probe, played.draw
    steps = {
        label: replace(
            exchanges[sent.id],
            probe=probe,
            draw=draw,
            label=label,
            expect=sent.expect,
            serves=sent.serves,
            breaks=sent.breaks,
            codes=sent.codes,
        )
        for label, sent in played.steps.items()
    }
    beside = [exchanges[name] for name in played.beside]
    return Observation(probe, draw, played.params, steps, facts, beside)


def _written(exchange: Exchange) -> dict[str, Any]:
    """The members of an exchange; what is no text is written as text."""
    members: dict[str, Any] = to_builtins(exchange, builtin_types=(bytes,))
    request = members["request"]
    request |= _body(request.pop("body"))
    for name in _ANSWERS:
        if (answer := members[name]) is not None:
            answer["headers"] = [
                (key, value.encode("utf-8", "surrogateescape").decode("latin-1"))
                for key, value in answer["headers"]
            ]
            answer |= _body(answer.pop("body"))
    return members


def _exchange(members: dict[str, Any]) -> Exchange:
    """The exchange that `_written` gave the members of."""
    members["request"]["body"] = _read_body(members["request"])
    for name in _ANSWERS:
        if (answer := members.get(name)) is not None:
            answer["body"] = _read_body(answer)
            answer["headers"] = [
                (key, value.encode("latin-1").decode("utf-8", "surrogateescape"))
                for key, value in answer["headers"]
            ]
    return convert(members, Exchange)


_ANSWERS = ("response", "partial")


def _body(body: bytes) -> dict[str, str]:
    """A body as text where it is UTF-8, so that a recording can be read."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _read_body(members: Mapping[str, Any]) -> bytes:
    if "body_base64" in members:
        return base64.b64decode(members["body_base64"])
    text: str = members["body"]
    return text.encode()
