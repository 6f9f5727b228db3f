"""Vectors of the neighbouring dialects that must agree with each other."""

from collections.abc import Iterator

from aios_conformance import spec
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Exchange, Json, Observation
from aios_conformance.conformance.terms.tolerances import (
    BETWEEN_CALLS,
    COSINE_NEAR,
    COSINE_SAME,
)
from aios_conformance.conformance.terms.vectors import (
    agreement,
    cosine,
    decoded,
    is_close,
    is_finite,
    largest_difference,
    likeness,
)


def vectors_of(exchange: Exchange) -> list[list[float]] | None:
    """The vectors of an answer in either format; None when there are none."""
    body = exchange.response.json if exchange.response else None
    data = body.get("data") if isinstance(body, dict) else None
    if not exchange.is_success or not isinstance(data, list) or not data:
        return None
    found: list[list[float]] = []
    for item in data:
        vector = item.get("embedding") if isinstance(item, dict) else None
        if isinstance(vector, str):
            try:
                vector = decoded(vector)
            except ValueError:
                return None
        if not isinstance(vector, list) or not {*map(type, vector)} <= {int, float}:
            return None
        found.append(vector)
    return found


def _same(
    seen: Observation, rows: tuple[str, ...], one: str, other: str
) -> Iterator[Note]:
    """Both steps give the same vectors, as far as the shorter list goes."""
    if one not in seen.steps or other not in seen.steps:
        return
    before, after = vectors_of(seen[one]), vectors_of(seen[other])
    if before is None or after is None:
        return
    yield Witness(rows)
    for position, (left, right) in enumerate(zip(before, after, strict=False)):
        if not is_close(left, right):
            yield Finding(
                expected=f"the vector of step {one}, as between two calls",
                actual=f"{len(right)} numbers that differ",
                pointer=f"/data/{position}/embedding",
                step=other,
                ids=rows,
            )
            return


@check(on=("infinity.formats", "aihubmix.formats"), witness=True)
def formats_hold_the_same_vector(seen: Observation) -> Iterator[Note]:
    """Float is the default, and base64 holds the same little-endian numbers."""
    dialect = seen.facts.dialect
    default = ("omitted-encoding-like-float", "encoding-default")
    yield from _same(seen, spec.rows(*default, dialect=dialect), "float", "omitted")
    rows = spec.rows("base64-is-float-vector", "encoding-keeps-vector", dialect=dialect)
    yield from _same(seen, rows, "float", "base64")
    packed = seen.steps.get("base64")
    if packed is not None and packed.is_success and vectors_of(packed) is None:
        yield Witness(rows)
        yield Finding(
            expected="base64 of 32-bit floats",
            actual="something else",
            pointer="/data/0/embedding",
            step="base64",
            kind="silent",
            ids=rows,
        )


_SIZED = (
    "infinity.dimensions",
    "aihubmix.dimensions",
    "aihubmix.most_strings",
    "infinity.lent",
    "aihubmix.lent",
)


@check(on=_SIZED, witness=True)
def dimensions_set_the_length(seen: Observation) -> Iterator[Note]:
    """A vector has as many components as dimensions asks for."""
    topics = ("two-dimensions-obeyed", "dimensions-obeyed")
    rows = spec.rows(*topics, dialect=seen.facts.dialect)
    for exchange in seen.steps.values():
        vectors, body = vectors_of(exchange), exchange.request.json
        if vectors is None or exchange.expect != "accept" or "dimensions" not in body:
            continue
        yield Witness(rows)
        yield from _of_another_length(exchange, rows)
    yield from _beyond(seen, rows)


def _of_another_length(exchange: Exchange, rows: tuple[str, ...]) -> Iterator[Note]:
    """The first vector that has not as many numbers as were asked for."""
    wanted = exchange.request.json["dimensions"]
    for position, vector in enumerate(vectors_of(exchange) or ()):
        if len(vector) != wanted:
            yield Finding(
                expected=f"{wanted} numbers",
                actual=len(vector),
                pointer=f"/data/{position}/embedding",
                step=exchange.label,
                kind="silent",
                ids=rows,
            )
            return


def _beyond(seen: Observation, rows: tuple[str, ...]) -> Iterator[Note]:
    """More dimensions than a model has: what obeys fewer of them refuses these."""
    beyond = seen.steps.get("beyond")
    if beyond is None or not all(_is_obeyed(seen, label) for label in ("few", "more")):
        return
    if beyond.status >= 500:
        yield Finding(
            expected="4xx, or as many numbers",
            actual=beyond.status,
            step="beyond",
            kind="crash",
            ids=rows,
        )
    else:
        yield from _of_another_length(beyond, rows)


def _is_obeyed(seen: Observation, label: str) -> bool:
    vectors = vectors_of(seen[label]) if label in seen.steps else None
    if not vectors:
        return False
    return {len(v) for v in vectors} == {seen[label].request.json["dimensions"]}


@check(on=("infinity.dimensions", "aihubmix.dimensions"), witness=True)
def a_size_gives_a_text_one_vector(seen: Observation) -> Iterator[Note]:
    """Of one size, and in one format, a text has one vector wherever it stands."""
    rows = spec.rows("data-index", dialect=seen.facts.dialect)
    known: dict[tuple[str, int, Json], list[float]] = {}
    for label, exchange in seen.steps.items():
        vectors, body = vectors_of(exchange), exchange.request.json
        given = body["input"] if isinstance(body["input"], list) else [body["input"]]
        if vectors is None or len(vectors) != len(given):
            continue
        for position, (text, vector) in enumerate(zip(given, vectors, strict=True)):
            key = (text, len(vector), body.get("encoding_format"))
            before = known.setdefault(key, vector)
            if before is vector or not (is_finite(before) and is_finite(vector)):
                continue  # what is no number is not of its place
            yield Witness(rows)
            near = agreement(before, vector)
            if not near >= COSINE_SAME:
                yield Finding(
                    expected=f"cosine of at least {COSINE_SAME} with the same text's "
                    "vector of the same size",
                    actual=near,
                    pointer=f"/data/{position}/embedding",
                    soft=likeness(before, vector) >= COSINE_NEAR,
                    step=label,
                    ids=rows,
                )


@check("INF-EX-002", on="infinity.printed", when=lambda s: s.accepted("variant"))
def the_printed_length_is_obeyed(seen: Observation) -> Iterator[Note]:
    """The printed request gives the vectors of the length that it prints."""
    vectors = vectors_of(seen["variant"]) or [[]]
    wanted = seen["variant"].request.json["dimensions"]
    if len(vectors[0]) != wanted:
        yield Finding(f"{wanted} numbers", len(vectors[0]), "/data/0/embedding")


@check("INF-SEM-004", on="infinity.batch", when=lambda s: s.accepted("batch"))
def different_texts_have_different_vectors(seen: Observation) -> Iterator[Note]:
    """The texts of a batch have vectors of their own."""
    vectors = vectors_of(seen["batch"]) or []
    given = seen["batch"].request.json["input"]
    for position, (text, vector) in enumerate(zip(given, vectors, strict=False)):
        if text != given[0] and largest_difference(vectors[0], vector) <= BETWEEN_CALLS:
            yield Finding(
                expected="another vector than that of /data/0",
                actual="the same",
                pointer=f"/data/{position}/embedding",
                step="batch",
            )


@check(on=("infinity.batch", "aigne-hub.batch", "aihubmix.batch"), witness=True)
def a_vector_stands_at_the_place_of_its_text(seen: Observation) -> Iterator[Note]:
    """A text has in a long list the vector that it has alone and among a few."""
    rows = spec.rows("data-index", dialect=seen.facts.dialect)
    many = vectors_of(seen["batch"]) if "batch" in seen.steps else None
    given = seen["batch"].request.json["input"] if many else []
    if not many or len(many) != len(given):
        return
    known = dict(zip(given, many, strict=True))
    for label in ("single", "some"):
        vectors = vectors_of(seen[label]) if label in seen.steps else None
        sent = seen[label].request.json["input"] if vectors else []
        texts = sent if isinstance(sent, list) else [sent]
        if not vectors or len(vectors) != len(texts):
            continue
        yield Witness(rows)
        for text, vector in zip(texts, vectors, strict=True):
            near = agreement(known[text], vector)
            if not near >= COSINE_SAME:
                yield Finding(
                    expected=f"cosine of at least {COSINE_SAME} with step {label}, "
                    "and its length",
                    actual=near,
                    pointer=f"/data/{given.index(text)}/embedding",
                    soft=likeness(known[text], vector) >= COSINE_NEAR,
                    step="batch",
                    ids=rows,
                )


@check("AIGNE-SEM-002", on="aigne-hub.batch", when=lambda s: s.accepted())
def a_text_is_closest_to_itself(seen: Observation) -> Iterator[Note]:
    """A text alone is closer to itself in a batch than to the other texts."""
    batch, single = vectors_of(seen["batch"]), vectors_of(seen["single"])
    if not batch or not single:
        return
    scores = [cosine(vector, single[0]) for vector in batch]
    if scores.index(max(scores)) != len(scores) - 1:
        yield Finding(
            expected="the same text is the closest",
            actual=[round(score, 3) for score in scores],
            pointer="/data",
            step="single",
        )


@check("META-108", on="aigne-hub.tokens", when=lambda s: s.accepted("flat", "nested"))
def tokens_in_either_form_are_one_input(seen: Observation) -> Iterator[Note]:
    """A flat token array, an array of it, and the first of two have one vector."""
    yield from _same(seen, ("META-108",), "flat", "nested")
    yield from _same(seen, ("META-108",), "nested", "two")


@check(on="aihubmix.user", witness=True, names=("META-112", "AHM-SEM-003"))
def user_changes_nothing(seen: Observation) -> Iterator[Note]:
    """The vector is the same with and without user."""
    yield from _same(seen, ("META-112", "AHM-SEM-003"), "without", "with")
