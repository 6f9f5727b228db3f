"""The list of models that Infinity's page promises (002:5-54)."""

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from aios_conformance.conformance.probes.dialects_models import embedding_models
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Observation

_EARLIEST = 1_000_000_000  # September 2001: before that, no Unix time of a model


def _list(seen: Observation, label: str) -> list[Mapping[str, Any]]:
    response = seen[label].response if label in seen.steps else None
    body = response.json if response else None
    data = body.get("data") if isinstance(body, dict) else None
    return [m for m in data if isinstance(m, dict)] if isinstance(data, list) else []


def _is_listed(seen: Observation) -> bool:
    return bool(_list(seen, "list"))


@check("INF-RES-004", "META-105", on="infinity.models", when=_is_listed)
def model_ids_differ(seen: Observation) -> Iterator[Note]:
    """No two listed models share an id."""
    ids = [model.get("id") for model in _list(seen, "list")]
    if len(set(map(str, ids))) != len(ids):
        yield Finding("distinct ids", ids, "/data", step="list")


@check("INF-RES-007", on="infinity.models", when=_is_listed)
def model_times_are_plausible(seen: Observation) -> Iterator[Note]:
    """Created of a model is a Unix time: after 2001, not after the answer."""
    latest = seen["list"].sent_at + 86_400
    for position, model in enumerate(_list(seen, "list")):
        created = model.get("created")
        if isinstance(created, int | float) and not _EARLIEST <= created <= latest:
            yield Finding(
                expected=f"Unix seconds from {_EARLIEST} to {latest:.0f}",
                actual=created,
                pointer=f"/data/{position}/created",
                step="list",
            )


@check("INF-SEM-002", on="infinity.models", when=_is_listed)
def each_model_has_its_statistics(seen: Observation) -> Iterator[Note]:
    """Each listed model reports stats."""
    for position, model in enumerate(_list(seen, "list")):
        if not isinstance(model.get("stats"), dict):
            yield Finding(
                expected="an object",
                actual=model.get("stats", "absent"),
                pointer=f"/data/{position}/stats",
                step="list",
            )


def _has_list(seen: Observation) -> bool:
    return "list" in seen.steps and 0 < seen["list"].status < 300


def _header(seen: Observation, name: str) -> str | None:
    response = seen["list"].response
    return response.header(name) if response is not None else None


@check("INF-RES-015", on="infinity.models", when=_has_list)
def the_list_is_json(seen: Observation) -> Iterator[Note]:
    """The list is JSON by its Content-Type."""
    media = _header(seen, "content-type") or "none"
    if not media.lower().startswith("application/json"):
        yield Finding("application/json", media, step="list")


@check("INF-RES-016", on="infinity.models", when=_has_list)
def the_list_is_as_long_as_it_says(seen: Observation) -> Iterator[Note]:
    """The list's Content-Length is right."""
    length, response = _header(seen, "content-length"), seen["list"].response
    size = str(len(response.body)) if response is not None else None
    if length is not None and length != size:
        yield Finding(f"{size}", length, step="list")


@check("INF-RES-017", on="infinity.models", when=_has_list)
def the_list_is_dated(seen: Observation) -> Iterator[Note]:
    """The list has a Date in the form of HTTP dates."""
    date = _header(seen, "date")
    if date is None or not _is_date(date):
        yield Finding("an HTTP date", date or "no Date header", step="list")


@check("INF-RES-018", on="infinity.models", when=_has_list)
def a_server_may_be_named(seen: Observation) -> Iterator[Note]:
    """Which server the list's headers name."""
    yield FollowedReading(_header(seen, "server") or "no Server header")


def _is_date(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True


def _is_called(seen: Observation) -> bool:
    """A model embeds, and the list can be read."""
    return _has_list(seen) and seen.facts.models.get("embeddings") is not None


@check("INF-RES-003", on="infinity.models", when=_is_called)
def what_can_be_called_is_listed(seen: Observation) -> Iterator[Note]:
    """The list is not empty while a model answers embedding calls (002:11)."""
    for label in ("list", "again"):
        response = seen[label].response if label in seen.steps else None
        body = response.json if response else None
        if isinstance(body, dict) and body.get("data") == []:
            actual = "an empty list"
            yield Finding("all available models", actual, "/data", step=label)


@check("META-106", on="infinity.models", when=lambda s: s.accepted("list", "again"))
def the_list_stays_the_same(seen: Observation) -> Iterator[Note]:
    """Two lists in a row differ in stats and created only."""
    moving = ("stats", "created")
    before, after = (
        [{k: v for k, v in model.items() if k not in moving} for model in models]
        for models in (_list(seen, "list"), _list(seen, "again"))
    )
    if before != after:
        yield Finding("the same models and fields", after, "/data", step="again")


@check(
    on="infinity.models",
    witness=True,
    names=("INF-SEM-001", "INF-SEM-003", "META-105"),
)
def listed_models_embed(seen: Observation) -> Iterator[Note]:
    """Each listed model with the capability embed answers an embedding call."""
    rows = ("INF-SEM-001", "INF-SEM-003", "META-105")
    names = embedding_models(seen["list"].response) if "list" in seen.steps else []
    for number, name in enumerate(names):
        exchange = seen.steps.get(f"call_{number}")
        if exchange is None or exchange.response is None:
            continue
        yield Witness(rows)
        if not exchange.is_success:
            yield Finding(
                expected=f"200: {name} is listed with the capability embed",
                actual=exchange.status,
                step=f"call_{number}",
                kind="crash" if exchange.status >= 500 else "refused",
                ids=rows,
            )
