"""Hand-made exchanges, observations and notes: a check is tested without a server.

good = exchange("rerank", {"documents": ["a"]}, {"results": [...]})
assert not findings(scores_never_rise, good)
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    FollowedReading,
    Note,
    Witness,
)
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Json,
    Observation,
    Request,
    Response,
)
from aios_conformance.conformance.terms.views import Record

OPERATIONS: Mapping[Api, str] = {
    "rerank": "POST /v1/rerank",
    "score": "POST /v1/score",
    "chat": "POST /v1/chat/completions",
    "completions": "POST /v1/completions",
    "embeddings": "POST /v1/embeddings",
    "models": "GET /v1/models",
}


def sse(*events: Json, done: bool = True) -> bytes:
    """A stream of these events (JSON values; bytes and str as they are)."""
    datas = [
        e if isinstance(e, bytes) else e.encode() if isinstance(e, str) else dump(e)
        for e in events
    ]
    return b"".join(b"data: " + d + b"\n\n" for d in datas) + (
        b"data: [DONE]\n\n" if done else b""
    )


def dump(value: Json) -> bytes:
    """A JSON text."""
    return orjson.dumps(value)


def exchange(
    api: Api,
    sent: Json,
    answer: Json = None,
    *,
    status: int = 200,
    stream: Iterable[Json] | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    broken: str | None = None,
    arrivals: tuple[tuple[float, int], ...] = (),
    **over: Any,
) -> Exchange:
    """An exchange; `answer` is JSON (bytes: the exact body), None means no answer.

    `stream` makes it a streamed one: exact bytes, or the events before [DONE];
    `over` sets `operation` or any other member of Exchange (label, expect, serves …).
    """
    body: bytes | None
    if stream is not None:
        body = stream if isinstance(stream, bytes) else sse(*stream)
        media = "text/event-stream"
    elif answer is None:
        body, media = None, ""
    else:
        body = answer if isinstance(answer, bytes) else dump(answer)
        media = "application/json"
    named = {"content-type": media} | dict(headers or {})
    response = (
        None
        if body is None
        else Response(status, tuple(named.items()), body, arrivals, broken)
    )
    over.setdefault("failure", None if response else "timeout")
    return Exchange(
        id=over.pop("id", "ex-1"),
        probe=over.pop("probe", f"{api}.test"),
        draw=over.pop("draw", 0),
        label=over.pop("label", "whole"),
        api=api,
        expect=over.pop("expect", "accept"),
        request=Request(
            over.pop("operation", OPERATIONS[api]),
            sent if isinstance(sent, bytes) else dump(sent),
        ),
        response=response,
        **over,
    )


def observation(
    probe: str,
    params: Json = None,
    facts: Facts | None = None,
    draw: int = 0,
    **steps: Exchange,
) -> Observation:
    """A played scenario; each exchange gets the label and probe it stands under."""
    labelled = {
        label: replace(e, label=label, probe=probe, draw=draw)
        for label, e in steps.items()
    }
    return Observation(probe, draw, params, labelled, facts or Facts())


def notes(
    check: Check,
    *seen: Exchange | Observation,
    facts: Facts | None = None,
) -> list[Note]:
    """What a check notes on exchanges, on one observation, or on a record.

    An exchange that the check's view cannot be made of, or that its `when`
    declares to be no evidence, yields nothing.
    """
    known = facts or Facts()
    exchanges = tuple(e for e in seen if isinstance(e, Exchange))
    subjects: list[Any] = [s for s in seen if isinstance(s, Observation)]
    if check.view is Record:
        subjects = [Record(exchanges, known)]
    elif not issubclass(check.view, Observation):
        views = (check.view.of(e, known) for e in exchanges)  # type: ignore[attr-defined]
        subjects = [view for view in views if view is not None]
    return [
        note
        for subject in subjects
        if check.when is None or check.when(subject)
        for note in check.judge(subject)
    ]


def is_evidence(check: Check, seen: Exchange | Observation) -> bool:
    """The observation counts as evidence for the check."""
    if isinstance(seen, Observation):
        return check.when is None or check.when(seen)
    view = check.view.of(seen, Facts())  # type: ignore[attr-defined]
    return view is not None and (check.when is None or check.when(view))


def findings(check: Check, *seen: Exchange | Observation, **more: Any) -> list[Finding]:
    """Only the findings among the notes."""
    return [n for n in notes(check, *seen, **more) if isinstance(n, Finding)]


def witnessed(check: Check, *seen: Exchange | Observation, **more: Any) -> set[str]:
    """The rows that a `witness=True` check exercised."""
    return {
        row
        for n in notes(check, *seen, **more)
        if isinstance(n, Witness)
        for row in n.ids or check.ids
    }


def readings(check: Check, *seen: Exchange | Observation, **more: Any) -> list[str]:
    """The texts of the readings among the notes."""
    return [
        n.text for n in notes(check, *seen, **more) if isinstance(n, FollowedReading)
    ]
