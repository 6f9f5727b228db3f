"""From a step to the bytes of its request."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import Answers, Step


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request before it is sent; not redacted, so never stored."""

    operation: str  # "POST /v1/rerank"
    body: bytes | None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    leaves: bool = False  # the client goes away after the first bytes


def body_bytes(body: Json) -> bytes:
    """A body as JSON text; what orjson cannot spell, the standard library can."""
    try:
        return orjson.dumps(body)
    except (TypeError, ValueError):  # integers beyond 64 bits, lone surrogates
        return json.dumps(body, separators=(",", ":")).encode()


def outgoing(step: Step, answers: Answers) -> Outgoing | None:
    """The request of a step, or None when earlier answers do not allow to make it.

    A body is made from answers of a target that may be wrong in any way, so an
    exception means the same as None.
    """
    headers = step.headers or {}
    if step.raw is not None:
        return Outgoing(step.operation, step.raw, headers, step.leaves)
    if not callable(step.body):
        is_empty = step.body is None and step.operation.startswith("GET ")
        content = None if is_empty else body_bytes(step.body)
        return Outgoing(step.operation, content, headers, step.leaves)
    try:
        body = step.body(answers)
    except Exception:  # noqa: BLE001 - see above; the step's rows stay inconclusive
        return None
    return None if body is None else Outgoing(step.operation, body_bytes(body), headers)


def content_key(step: Step) -> bytes:
    """Equal for steps that send the same request, whatever their labels.

    A body that is made from answers has a key of its own.
    """
    made = outgoing(step, {}) if not callable(step.body) else None
    if made is None:
        return f"{id(step)}".encode()
    parts = (
        made.operation.encode(),
        made.body or b"",
        repr(sorted(made.headers.items())).encode(),
    )
    return hashlib.sha256(b"\0".join(parts)).digest()
