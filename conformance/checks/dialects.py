"""What the neighbouring dialects of the embeddings API promise (002, 003, 004)."""

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from conformance.check import Check, Finding, Note, Reading, Witness, check
from conformance.checks.vectors import decoded
from conformance.exchange import Exchange, Json, Observation
from conformance.probes.dialects import embedding_models
from conformance.tolerances import BETWEEN_CALLS
from conformance.views import AnyAnswer, EmbeddingAnswer, View, is_number, is_whole

Rows = Mapping[str, tuple[str, ...]]
_COUNT: Rows = {
    "infinity": ("INF-RES-021",),
    "aigne-hub": ("AIGNE-RES-003", "META-107"),
    "aihubmix": ("AHM-RES-003",),
}
_FORMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # the rows that promise an item, or an item for each, by the form of the input
    "infinity": {"text": ("INF-REQ-007",), "texts": ("INF-REQ-008",)},
    "aigne-hub": {
        "text": ("AIGNE-REQ-007",),
        "texts": ("AIGNE-REQ-008",),
        "tokens": ("AIGNE-REQ-011",),
        "token lists": ("AIGNE-REQ-010",),
    },
    "aihubmix": {
        "text": ("AHM-REQ-008",),
        "texts": ("AHM-REQ-010",),
        "tokens": ("AHM-REQ-009",),
        "token lists": ("AHM-REQ-011",),
    },
}
_ORDER: Rows = {
    "infinity": ("INF-RES-024",),
    "aigne-hub": ("AIGNE-RES-007",),
    "aihubmix": ("AHM-RES-004",),
}
_NAME: Rows = {"infinity": ("INF-RES-025",), "aigne-hub": ("AIGNE-RES-008",)}
_TOTAL: Rows = {"infinity": ("INF-EX-004",), "aigne-hub": ("AIGNE-EX-003",)}
_LIST: Rows = {"aigne-hub": ("META-109",), "aihubmix": ("META-113",)}
_FORMATS: Rows = {
    "infinity": ("META-094", "INF-REQ-010"),
    "aihubmix": ("META-094", "AHM-REQ-019"),
}
_PACKED: Rows = {"infinity": ("META-093",), "aihubmix": ("META-093", "AHM-SEM-002")}
_LENGTH: Rows = {
    "infinity": ("META-104", "INF-SEM-005"),
    "aihubmix": ("AHM-SEM-001",),
}
_DIALECTS = ("infinity.", "aigne-hub.", "aihubmix.")
_EARLIEST = 1_000_000_000  # September 2001: before that, no Unix time of a model


def _is_neighbour(view: View) -> bool:
    return view.facts.dialect != "aios" and view.exchange.expect == "accept"


def _form(value: Json) -> tuple[str, int]:
    """The form of an input, and how many it holds; flat integers are one (A-150)."""
    if not isinstance(value, list) or not value:
        return "text", 1
    if isinstance(value[0], int):
        return "tokens", 1
    return ("texts" if isinstance(value[0], str) else "token lists"), len(value)


@check(on=_DIALECTS, witness=True)
def an_item_per_input(answer: EmbeddingAnswer) -> Iterator[Note]:
    """Data holds one item per input, in order, by index.

    An AIGNE hub that takes flat integers for many inputs only warns (A-150).
    """
    dialect, data = answer.facts.dialect, answer.body["data"]
    if not _is_neighbour(answer):
        return
    form, wanted = _form(answer.sent.get("input"))
    rows = (*_COUNT[dialect], *_FORMS[dialect].get(form, ()))
    yield Witness(rows)
    if len(data) != wanted:
        yield Finding(
            expected="1 item" if wanted == 1 else f"{wanted} items",
            actual=len(data),
            pointer="/data",
            soft=dialect == "aigne-hub" and form == "tokens" and len(data) > wanted,
            ids=rows,
        )
        return
    yield Witness(_ORDER[dialect])
    for position, item in enumerate(data):
        if is_whole(item.get("index")) and item["index"] != position:
            yield Finding(
                expected=str(position),
                actual=item["index"],
                pointer=f"/data/{position}/index",
                ids=_ORDER[dialect],
            )


@check(on=_DIALECTS, witness=True)
def members_say_what_was_asked(answer: EmbeddingAnswer) -> Iterator[Note]:
    """Model is the requested one, object is list, total_tokens is prompt_tokens."""
    if not _is_neighbour(answer):
        return
    dialect, body = answer.facts.dialect, answer.body
    if names := _NAME.get(dialect):
        yield Witness(names)
        if isinstance(body.get("model"), str) and body["model"] != answer.sent["model"]:
            yield Finding(
                expected=answer.sent["model"],
                actual=body["model"],
                pointer="/model",
                soft=True,
                ids=names,
            )
    if lists := _LIST.get(dialect):
        yield Witness(lists)
        if body.get("object") != "list":
            yield Finding("list", body.get("object"), "/object", ids=lists)
    usage = answer.usage
    prompt, total = usage.get("prompt_tokens"), usage.get("total_tokens")
    if (totals := _TOTAL.get(dialect)) and is_number(prompt) and is_number(total):
        yield Witness(totals)
        if prompt != total:
            yield Finding(
                expected=f"{prompt}, as prompt_tokens",
                actual=total,
                pointer="/usage/total_tokens",
                ids=totals,
            )


_STATUS: Rows = {
    "infinity": ("INF-RES-019",),
    "aigne-hub": ("AIGNE-RES-012",),
    "aihubmix": ("AHM-RES-001",),
}
_OBJECT: Rows = {
    "infinity": ("INF-RES-021",),
    "aigne-hub": ("AIGNE-RES-001",),
    "aihubmix": ("AHM-RES-002",),
}
_DEFAULT: Rows = {"infinity": ("INF-REQ-010",), "aihubmix": ("AHM-REQ-019",)}


@check(on=_DIALECTS, witness=True)
def a_success_is_200_with_an_object(answer: AnyAnswer) -> Iterator[Note]:
    """A success is answered 200, and its body is one JSON object."""
    exchange = answer.exchange
    if not _is_neighbour(answer) or not exchange.is_success:
        return
    is_list = exchange.api == "models"
    dialect = answer.facts.dialect
    rows = ("INF-RES-001",) if is_list else _STATUS[dialect]
    yield Witness(rows)
    if exchange.status != 200:
        yield Finding("200", exchange.status, ids=rows)
    if not is_list and exchange.response is not None:
        yield Witness(_OBJECT[dialect])
        if not isinstance(exchange.response.json, dict):
            shown = exchange.response.body[:80].decode(errors="replace")
            yield Finding("one JSON object", shown, ids=_OBJECT[dialect])


@check(on=_DIALECTS, witness=True)
def float_is_the_default(answer: EmbeddingAnswer) -> Iterator[Note]:
    """Without encoding_format vectors are arrays of numbers."""
    rows = _DEFAULT.get(answer.facts.dialect)
    if rows is None or not _is_neighbour(answer) or "encoding_format" in answer.sent:
        return
    yield Witness(rows)
    for position, vector in enumerate(answer.embeddings):
        if isinstance(vector, str):
            yield Finding(
                expected="an array of numbers",
                actual=vector[:40],
                pointer=f"/data/{position}/embedding",
                ids=rows,
            )


@check("AIGNE-SEM-001", on="aigne-hub.")
def text_becomes_a_vector(answer: EmbeddingAnswer) -> Iterator[Note]:
    """A vector has more than one component, and all are numbers."""
    for position, vector in enumerate(answer.embeddings):
        if not isinstance(vector, list) or len(vector) < 2:
            yield Finding(
                expected="an array of more than one number",
                actual=str(vector)[:60],
                pointer=f"/data/{position}/embedding",
            )


def _vectors(exchange: Exchange) -> list[list[float]] | None:
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
        if not isinstance(vector, list) or not all(is_number(x) for x in vector):
            return None
        found.append(vector)
    return found


def _close(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= BETWEEN_CALLS for a, b in zip(one, other, strict=True)
    )


def _same(
    seen: Observation, rows: tuple[str, ...], one: str, other: str
) -> Iterator[Note]:
    """Both steps give the same vectors, as far as the shorter list goes."""
    if one not in seen.steps or other not in seen.steps:
        return
    before, after = _vectors(seen[one]), _vectors(seen[other])
    if before is None or after is None:
        return
    yield Witness(rows)
    for position, (left, right) in enumerate(zip(before, after, strict=False)):
        if not _close(left, right):
            yield Finding(
                expected=f"the vector of step {one}, within {BETWEEN_CALLS}",
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
    yield from _same(seen, _FORMATS[dialect], "float", "omitted")
    yield from _same(seen, _PACKED[dialect], "float", "base64")
    packed = seen.steps.get("base64")
    if packed is not None and packed.is_success and _vectors(packed) is None:
        yield Witness(_PACKED[dialect])
        yield Finding(
            expected="base64 of 32-bit floats",
            actual="something else",
            pointer="/data/0/embedding",
            step="base64",
            kind="silent",
            ids=_PACKED[dialect],
        )


@check(on=("infinity.dimensions", "aihubmix.dimensions"), witness=True)
def dimensions_set_the_length(seen: Observation) -> Iterator[Note]:
    """A vector has as many components as dimensions asks for."""
    rows = _LENGTH[seen.facts.dialect]
    for label, exchange in seen.steps.items():
        vectors = _vectors(exchange)
        if vectors is None:
            continue
        yield Witness(rows)
        wanted = exchange.request.json["dimensions"]
        if len(vectors[0]) != wanted:
            yield Finding(
                expected=f"{wanted} numbers",
                actual=len(vectors[0]),
                pointer="/data/0/embedding",
                step=label,
                kind="silent",
                ids=rows,
            )


@check("INF-EX-002", on="infinity.printed", when=lambda s: s.accepted("variant"))
def the_printed_length_is_obeyed(seen: Observation) -> Iterator[Note]:
    """The printed request gives the vectors of the length that it prints."""
    vectors = _vectors(seen["variant"]) or [[]]
    wanted = seen["variant"].request.json["dimensions"]
    if len(vectors[0]) != wanted:
        yield Finding(f"{wanted} numbers", len(vectors[0]), "/data/0/embedding")


@check(
    "INF-REQ-015",
    on="infinity.odd_dimensions",
    when=lambda s: s["free"].status > 0,
)
def odd_dimensions_are_no_crash(seen: Observation) -> Iterator[Note]:
    """A size that a model cannot give is refused or ignored."""
    status = seen["free"].status
    if status >= 500:
        yield Finding("200 or 4xx", status, step="free", kind="crash")
    else:
        yield Reading("refused" if status >= 400 else "given or ignored")


@check("INF-SEM-004", on="infinity.batch", when=lambda s: s.accepted("batch"))
def different_texts_have_different_vectors(seen: Observation) -> Iterator[Note]:
    """The texts of a batch have vectors of their own."""
    vectors = _vectors(seen["batch"]) or []
    for position, vector in enumerate(vectors[1:], 1):
        if _close(vectors[0], vector):
            yield Finding(
                expected="another vector than that of /data/0",
                actual="the same",
                pointer=f"/data/{position}/embedding",
                step="batch",
            )


@check("AIGNE-SEM-002", on="aigne-hub.batch", when=lambda s: s.accepted())
def a_text_is_closest_to_itself(seen: Observation) -> Iterator[Note]:
    """A text alone is closer to itself in a batch than to the other texts."""
    batch, single = _vectors(seen["batch"]), _vectors(seen["single"])
    if not batch or not single:
        return
    scores = [_cosine(vector, single[0]) for vector in batch]
    if scores.index(max(scores)) != len(scores) - 1:
        yield Finding(
            expected="the same text is the closest",
            actual=[round(score, 3) for score in scores],
            pointer="/data",
            step="single",
        )


def _cosine(one: list[float], other: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=False))
    norms = sum(a * a for a in one) * sum(b * b for b in other)
    return dot / norms**0.5 if norms > 0 else 0.0


@check("META-108", on="aigne-hub.tokens", when=lambda s: s.accepted("flat", "nested"))
def tokens_in_either_form_are_one_input(seen: Observation) -> Iterator[Note]:
    """A flat token array and an array of it have the same vector."""
    yield from _same(seen, ("META-108",), "flat", "nested")


@check(on="aihubmix.user", witness=True)
def user_changes_nothing(seen: Observation) -> Iterator[Note]:
    """The vector is the same with and without user."""
    yield from _same(seen, ("META-112", "AHM-SEM-003"), "without", "with")


@check("AHM-REQ-022", on="aihubmix.old_model", when=lambda s: s["sized"].status > 0)
def an_old_model_refuses_dimensions(seen: Observation) -> Iterator[Note]:
    """Dimensions on a model older than text-embedding-3 is refused, never a crash."""
    status = seen["sized"].status
    old = _vectors(seen["old"])
    if status >= 500:
        yield Finding("4xx", status, step="sized", kind="crash")
    elif old is None:
        yield Reading("no older model is served")
    elif status < 300 and len((_vectors(seen["sized"]) or [[]])[0]) != len(old[0]):
        yield Reading("an older model obeys dimensions")


@check(
    "AHM-REQ-007", "INF-REQ-009", "AIGNE-REQ-012", on=_DIALECTS,
    when=lambda s: any(e.expect == "either" for e in s.steps.values()),
)  # fmt: skip
def what_is_unlisted_is_free(seen: Observation) -> Iterator[Note]:
    """What the target does with input that the page does not list."""
    rows = {"infinity.token_ids": "INF-REQ-009", "aigne-hub.unlisted": "AIGNE-REQ-012"}
    if row := rows.get(seen.probe):
        yield Reading(f"answered {seen['free'].status}", (row,))


@check(on=_DIALECTS, witness=True)
def a_refusal_is_no_crash(seen: Observation) -> Iterator[Note]:
    """A client mistake is refused with 4xx, never answered 5xx."""
    for label, exchange in seen.steps.items():
        if exchange.expect == "refuse" and exchange.status >= 500:
            yield Finding(
                expected=f"4xx: {exchange.breaks}",
                actual=exchange.status,
                step=label,
                kind="crash",
                ids=exchange.serves,
            )


@check("META-114", on=("aigne-hub.keys", "aihubmix.keys"), witness=True)
def keys_are_refused_as_such(seen: Observation) -> Iterator[Note]:
    """A missing or wrong key is answered 401 or 403."""
    if not seen.accepted("valid"):
        return
    for label in ("missing", "wrong"):
        status = seen[label].status if label in seen.steps else 0
        if status:
            yield Witness(("META-114",))
        if 400 <= status < 500 and status not in (401, 403):
            yield Finding("401 or 403", status, step=label, ids=("META-114",))


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


@check(on="infinity.models", witness=True)
def headers_of_the_list(seen: Observation) -> Iterator[Note]:
    """The list is JSON by its Content-Type, with a right Content-Length and a Date."""
    exchange = seen.steps.get("list")
    if exchange is None or exchange.response is None or exchange.status >= 300:
        return
    response = exchange.response
    yield Witness(("INF-RES-015", "INF-RES-016", "INF-RES-017"))
    media = response.header("content-type") or "none"
    if not media.lower().startswith("application/json"):
        yield Finding("application/json", media, step="list", ids=("INF-RES-015",))
    length = response.header("content-length")
    if length is not None and length != str(len(response.body)):
        yield Finding(
            str(len(response.body)), length, step="list", ids=("INF-RES-016",)
        )
    date = response.header("date")
    if date is None or not _is_date(date):
        yield Finding(
            "an HTTP date", date or "no Date header", step="list", ids=("INF-RES-017",)
        )
    yield Reading(response.header("server") or "no Server header", ("INF-RES-018",))


def _is_date(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True


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


@check(on="infinity.models", witness=True)
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


CHECKS: tuple[Check, ...] = (
    an_item_per_input,
    a_success_is_200_with_an_object,
    float_is_the_default,
    members_say_what_was_asked,
    text_becomes_a_vector,
    formats_hold_the_same_vector,
    dimensions_set_the_length,
    the_printed_length_is_obeyed,
    odd_dimensions_are_no_crash,
    different_texts_have_different_vectors,
    a_text_is_closest_to_itself,
    tokens_in_either_form_are_one_input,
    user_changes_nothing,
    an_old_model_refuses_dimensions,
    what_is_unlisted_is_free,
    a_refusal_is_no_crash,
    keys_are_refused_as_such,
    model_ids_differ,
    model_times_are_plausible,
    each_model_has_its_statistics,
    headers_of_the_list,
    the_list_stays_the_same,
    listed_models_embed,
)
