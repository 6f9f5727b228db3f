"""The answers of an observation's steps, as views, for checks of relations."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from aios_conformance.conformance.terms.check import Finding, FollowedReading, Note
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Json,
    Observation,
)
from aios_conformance.conformance.terms.views import Answer, View

V = TypeVar("V", bound=View)


def answer(kind: type[V], seen: Observation, label: str) -> V:
    """The answer of a step, as this kind of view.

    Raises:
        LookupError: never sent, refused, or of another kind: `answered` first.

    """
    view = kind.of(seen[label], seen.facts) if label in seen.steps else None
    if view is None:
        raise LookupError(f"{seen.probe}: no {kind.__name__} in step {label!r}")
    return view


def answered(kind: type[V], *labels: str) -> Callable[[Observation], bool]:
    """A `when` that holds if all these steps have an answer of this kind."""

    def hold(seen: Observation) -> bool:
        return all(
            label in seen.steps and kind.of(seen[label], seen.facts) is not None
            for label in labels
        )

    return hold


def other_shape(seen: Observation, label: str, other: str) -> Finding:
    """A step's success cannot be read as that of another step can."""
    response = seen[label].response
    return Finding(
        expected=f"an answer of the shape of step {other}",
        actual=response.body[:200].decode(errors="replace") if response else "",
        step=label,
    )


def was_read(seen: Observation) -> bool:
    """The overlong text was answered in some way that can be told."""
    exchange = seen["overlong"]
    return exchange.response is not None and not exchange.is_unreadable


def overlong_notes(exchange: Exchange, text: str) -> Iterator[Note]:
    """How a text beyond the model's input was taken (A-045); 5xx is a finding."""
    usage: Any = exchange.response.json if exchange.response else None
    if exchange.status >= 500:
        yield Finding(
            expected="200, 400 or 422",
            actual=exchange.status,
            kind="crash",
            step=exchange.label,
        )
    elif not exchange.is_success:
        yield FollowedReading("refused")
    else:
        match usage:
            case {"usage": {"total_tokens": int(total)}} if total < len(text.split()):
                yield FollowedReading("truncated")
            case _:
                yield FollowedReading("read as a whole")


def is_embedding(given: Answer, api: Api) -> bool:
    """The answer was made by an embedding model, not a cross-encoder (A-049).

    Besides the served model's own kind: a request that names the model which
    answers /v1/embeddings was answered by an embedding model.
    """
    named = given.sent.get("model")
    others = given.facts.models.get("embeddings")
    return given.kind(api) == "embedding" or (
        others is not None and named == others and named != given.facts.models.get(api)
    )


def are_promised(given: Answer, texts: Sequence[Json]) -> bool:
    """The texts are such that an answer to them is bound to what the documents say.

    What might have been refused but was answered is so too, unless there was nothing
    to read (A-044, A-131).
    """
    if not all(isinstance(text, str) for text in texts):
        return False
    is_read = any(text.strip() for text in texts)
    return given.exchange.expect == "accept" or (
        given.exchange.expect == "either" and is_read
    )
