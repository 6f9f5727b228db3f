"""The rounds of a trial: one bad day each, so that one failure hides no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final


class Hope(Enum):
    """What a good command makes of a round."""

    WORKS = auto()  # nothing is wrong
    RECOVERS = auto()  # what is wrong passes
    REPORTS = auto()  # what is wrong stays: it says so
    NONE = auto()  # who knows
    NOTICES = auto()  # one answer breaks off: it asks again or says so


@dataclass(frozen=True, slots=True)
class Round:
    """What the mock plays while the command runs once."""

    name: str
    plays: str
    hope: Hope
    rules: Sequence[Mapping[str, Any]] = ()
    seconds: float | None = None  # at most; None: as for all


def _once(respond: Mapping[str, Any], **match: Any) -> Mapping[str, Any]:
    return {"match": match, "respond": respond, "times": 1}


def _always(fault: str, plays: str) -> Round:
    rule = {"match": {}, "respond": {"fault": fault}}
    return Round(fault, plays, Hope.WORKS, [rule])


def _refused(status: int) -> Round:
    rule = {"match": {}, "respond": {"status": status}}
    return Round(str(status), f"every request gets {status}", Hope.REPORTS, [rule])


def _first(name: str, plays: str, **respond: Any) -> Round:
    return Round(name, plays, Hope.RECOVERS, [_once(respond)])


def _stream(name: str, plays: str, fault: str, **more: Any) -> Round:
    rule = _once({"fault": fault}, stream=True)
    return Round(name, plays, Hope.NOTICES, [rule], **more)


def rounds(patience: float) -> Sequence[Round]:
    """Return all rounds; `patience` is for how long a command may wait in silence."""
    return (
        Round("good", "nothing is wrong", Hope.WORKS),
        _always("dribble", "answers come a few bytes at a time"),
        _always("crlf", "the lines of streams end with CR LF"),
        _always("ping", "there are comments in streams"),
        _first("429", "the first request gets 429, Retry-After 1", status=429),
        _first("503", "the first request gets 503, Retry-After 1", status=503),
        _first("drop", "the first connection is lost", fault="drop"),
        _stream("truncate", "the first stream ends after three events", "truncate@3"),
        _stream("cut", "the first stream loses its connection", "cut@3"),
        _stream("error", "the first stream ends in an error event", "error@3"),
        _stream(
            "stall",
            "the first stream goes silent",
            "stall@2",
            seconds=patience,
        ),
        *map(_refused, (400, 401, 404, 422)),
    )


OWN: Final = Round("yours", "the mock plays what your options say", Hope.NONE)
"""The only round where the options of the mock choose what goes wrong."""
