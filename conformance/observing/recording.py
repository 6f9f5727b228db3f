"""The recording of a run: all that a verdict rests on, without secrets.

exchanges.jsonl holds one JSON object per line, told apart by `line`: a header, the
plan, exchanges and observations as they happen, a footer. A file without a footer
is the recording of a run that was broken off, and is judged as such.
"""

import base64
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson

from aios_conformance.conformance.observing.recorder import Unsent
from aios_conformance.conformance.observing.selfcheck import SuiteFault
from aios_conformance.conformance.options.values import OptionError, RunOptions, Waiver
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Observation,
    Request,
    Response,
)
from aios_conformance.conformance.terms.result import Usage
from aios_conformance.conformance.terms.scenario import (
    Dropped,
    PlannedScenario,
    PlannedStep,
)

FILE_NAME = "exchanges.jsonl"
VERSION = 1
Phase = Literal["main", "again", "smaller"]
BROKEN_OFF = "the recording has no footer: the run was broken off"


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which options a run was made; those that verdicts depend on."""

    url: str
    dialect: str
    preset: str
    seed: int
    started: str  # ISO 8601, UTC
    suite: str  # version
    apis: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    selection: tuple[str, ...] | None = None
    has_key: bool = False
    key_env: str = "AIOS_API_KEY"

    @classmethod
    def of(
        cls,
        options: RunOptions,
        *,
        url: str,
        started: str,
        suite: str,
        selection: Collection[str] | None,
    ) -> "Setting":
        """The setting of a run with these options."""
        return cls(
            url,
            options.dialect,
            options.preset,
            options.seed,
            started,
            suite,
            options.apis,
            options.without,
            options.waivers,
            None if selection is None else tuple(sorted(selection)),
            options.api_key is not None,
            options.api_key_env,
        )


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

    @property
    def in_order(self) -> list[Exchange]:
        """The exchanges of plan and discovery, in the order of sending."""
        return sorted(self.exchanges, key=lambda exchange: exchange.sent_at)

    @property
    def phases(self) -> Mapping[Phase, Sequence[Observation]]:
        """All observations by phase."""
        return {
            "main": self.observations,
            "again": self.again,
            "smaller": self.smaller,
        }


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

    def header(self, setting: Setting) -> None:
        """The first line; said once, however often it is asked for."""
        if self._file.tell() == 0:
            self._write("header", version=VERSION, **asdict(setting))

    def plan(
        self,
        facts: Facts,
        absent: Mapping[Api, str],
        scenarios: Sequence[PlannedScenario],
        dropped: Mapping[str, Dropped],
    ) -> None:
        """What is going to be sent."""
        self._write(
            "plan",
            facts=_facts(facts),
            absent=dict(absent),
            dropped={probe: asdict(d) for probe, d in dropped.items()},
            scenarios=[
                [
                    s.probe,
                    s.draw,
                    s.apis,
                    [[t.label, t.operation, t.serves] for t in s.steps],
                ]
                for s in scenarios
            ],
        )

    def exchange(self, exchange: Exchange) -> None:
        """One exchange."""
        self._write("exchange", **_exchange(exchange))

    def observation(self, seen: Observation, phase: Phase) -> None:
        """One scenario that was played; its exchanges stand before it."""
        steps = {
            label: {
                "id": e.id,
                "expect": e.expect,
                "serves": e.serves,
                "breaks": e.breaks,
                "codes": e.codes,
            }
            for label, e in seen.steps.items()
        }
        self._write(
            "observation",
            phase=phase,
            probe=seen.probe,
            draw=seen.draw,
            params=seen.params,
            steps=steps,
        )

    def footer(self, recording: Recording) -> None:
        """The last line, without which a recording is one of a broken-off run."""
        self._write(
            "footer",
            unsent=[asdict(u) for u in recording.unsent],
            slips=[asdict(s) for s in recording.slips],
            usage=asdict(recording.usage),
            duration_s=recording.duration_s,
            cut_short=recording.cut_short,
        )
        self.close()

    def close(self) -> None:
        """End the file; without a footer it tells of a run that was broken off."""
        self._file.close()

    def _write(self, line: str, **members: Any) -> None:
        self._file.write(orjson.dumps({"line": line, **members}) + b"\n")
        self._file.flush()


def read_recording(run_dir: Path) -> Recording:
    """Load the recording of a run.

    Raises:
        OptionError: no recording is there, or it cannot be read.

    """
    path = run_dir / FILE_NAME if run_dir.is_dir() else run_dir
    try:
        with path.open("rb") as file:
            return _Reader().read(file)
    except OSError as error:
        raise OptionError(
            f"{path}: cannot be read: {error.strerror or error}",
            code="no-recording",
            hint=f"name a report directory that holds {FILE_NAME}",
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(
            f"{path}: is no recording of this suite ({error})",
            code="bad-recording",
            hint="it may stem from another version",
        ) from error


class _Reader:
    """Puts a recording together line by line."""

    def __init__(self) -> None:
        self.setting: Setting | None = None
        self.plan: dict[str, Any] = {}
        self.facts = Facts()
        self.exchanges: dict[str, Exchange] = {}
        self.main: list[str] = []
        self.seen: dict[str, list[Observation]] = {}
        self.footer: dict[str, Any] = {}

    def read(self, lines: Iterator[bytes]) -> Recording:
        takers: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "header": self._header,
            "plan": self._plan,
            "exchange": self._exchange,
            "observation": self._observation,
            "footer": self.footer.update,
        }
        for line in lines:
            if not line.endswith(b"\n"):
                break  # cut off in the middle of a line
            members = orjson.loads(line)
            takers[members.pop("line")](members)
        if self.setting is None:
            raise ValueError("it has no header")
        plan, end = self.plan, self.footer
        return Recording(
            self.setting,
            self.facts,
            plan.get("absent", {}),
            tuple(_planned(s) for s in plan.get("scenarios", ())),
            {p: Dropped(**_tupled(d)) for p, d in plan.get("dropped", {}).items()},
            tuple(e for e in self.exchanges.values() if e.id.startswith("ex-")),
            self.seen.get("main", ()),
            self.seen.get("again", ()),
            self.seen.get("smaller", ()),
            tuple(Unsent(**_tupled(u)) for u in end.get("unsent", ())),
            tuple(SuiteFault(**_tupled(s)) for s in end.get("slips", ())),
            Usage(**end.get("usage", {})),
            end.get("duration_s", 0.0),
            end.get("cut_short") if end else BROKEN_OFF,
        )

    def _header(self, members: dict[str, Any]) -> None:
        if members.pop("version") != VERSION:
            raise ValueError("it has another version")
        waivers = tuple(Waiver(**w) for w in members.pop("waivers"))
        self.setting = Setting(**_tupled(members), waivers=waivers)

    def _plan(self, members: dict[str, Any]) -> None:
        self.plan = members
        self.facts = Facts(**members["facts"])

    def _exchange(self, members: dict[str, Any]) -> None:
        exchange = _read_exchange(members)
        self.exchanges[exchange.id] = exchange

    def _observation(self, members: dict[str, Any]) -> None:
        probe, draw = members["probe"], members["draw"]
        steps = {}
        for label, own in members["steps"].items():
            sent = self.exchanges[own.pop("id")]
            steps[label] = replace(
                sent, probe=probe, draw=draw, label=label, **_tupled(own)
            )
        seen = Observation(probe, draw, members["params"], steps, self.facts)
        self.seen.setdefault(members["phase"], []).append(seen)


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "dialect": facts.dialect,
        "models": dict(facts.models),
        "kinds": dict(facts.kinds),
        "limits": dict(facts.limits),
        "scheme": facts.scheme,
    }


def _planned(row: list[Any]) -> PlannedScenario:
    probe, draw, apis, steps = row
    return PlannedScenario(
        probe,
        draw,
        tuple(apis),
        tuple(PlannedStep(label, op, tuple(serves)) for label, op, serves in steps),
    )


def _exchange(exchange: Exchange) -> dict[str, Any]:
    members = {
        name: getattr(exchange, name)
        for name in exchange.__dataclass_fields__
        if name not in ("request", "response")
    }
    request, response = exchange.request, exchange.response
    members["request"] = {
        "operation": request.operation,
        "headers": request.headers,
        **_body(request.body),
    }
    members["response"] = response and {
        "status": response.status,
        "headers": [
            [n, v.encode("utf-8", "surrogateescape").decode("latin-1")]
            for n, v in response.headers
        ],
        "arrivals": response.arrivals,
        "broken": response.broken,
        **_body(response.body),
    }
    return members


def _read_exchange(members: dict[str, Any]) -> Exchange:
    request, response = members.pop("request"), members.pop("response")
    return Exchange(
        **_tupled(members),
        request=Request(
            request["operation"], _read_body(request), _pairs(request["headers"])
        ),
        response=response
        and Response(
            response["status"],
            tuple(
                (n, v.encode("latin-1").decode("utf-8", "surrogateescape"))
                for n, v in response["headers"]
            ),
            _read_body(response),
            tuple((at, count) for at, count in response["arrivals"]),
            response["broken"],
        ),
    )


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


def _pairs(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)


def _tupled(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in members.items()
    }
