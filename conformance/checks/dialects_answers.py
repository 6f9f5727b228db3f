"""What each answer of the neighbouring dialects holds (002, 003, 004)."""

from collections.abc import Iterator

from aios_conformance import spec
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.views import (
    AnyAnswer,
    EmbeddingAnswer,
    View,
    is_number,
    is_whole,
)

_FORMS = {
    "text": "input-string",
    "texts": "input-strings",
    "tokens": "flat-tokens-one-input",
    "token lists": "input-token-arrays",
}
"""What promises an item, or an item for each, by the form of the input."""
_DIALECTS = ("infinity.", "aigne-hub.", "aihubmix.")


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
    counted = ("data-item-per-input", "four-input-forms-counted", _FORMS[form])
    rows = spec.rows(*counted, dialect=dialect)
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
    order = spec.rows("data-index", dialect=dialect)
    yield Witness(order)
    for position, item in enumerate(data):
        if is_whole(item.get("index")) and item["index"] != position:
            yield Finding(
                expected=str(position),
                actual=item["index"],
                pointer=f"/data/{position}/index",
                ids=order,
            )


@check(on=_DIALECTS, witness=True)
def members_say_what_was_asked(answer: EmbeddingAnswer) -> Iterator[Note]:
    """Model is the requested one, object is list, total_tokens is prompt_tokens."""
    if not _is_neighbour(answer):
        return
    dialect, body = answer.facts.dialect, answer.body
    if names := _echoing(dialect):
        yield Witness(names)
        if isinstance(body.get("model"), str) and body["model"] != answer.sent["model"]:
            yield Finding(
                expected=answer.sent["model"],
                actual=body["model"],
                pointer="/model",
                soft=True,
                ids=names,
            )
    if lists := spec.rows("object-always-list", dialect=dialect):
        yield Witness(lists)
        if body.get("object") != "list":
            yield Finding("list", body.get("object"), "/object", ids=lists)
    usage = answer.usage
    prompt, total = usage.get("prompt_tokens"), usage.get("total_tokens")
    totals = spec.rows("printed-usage-equal", dialect=dialect)
    if totals and is_number(prompt) and is_number(total):
        yield Witness(totals)
        if prompt != total:
            yield Finding(
                expected=f"{prompt}, as prompt_tokens",
                actual=total,
                pointer="/usage/total_tokens",
                ids=totals,
            )


def _echoing(dialect: str) -> tuple[str, ...]:
    """The rows that want the model's name as it was asked for, at least softly."""
    softly = (
        row
        for row in spec.rows("response-model", api="embeddings", dialect=dialect)
        if spec.requirement(row).soft
    )
    return (*spec.rows("response-model-as-requested", dialect=dialect), *softly)


@check(on=_DIALECTS, witness=True, names=("INF-RES-001",))
def a_success_is_200_with_an_object(answer: AnyAnswer) -> Iterator[Note]:
    """A success is answered 200, and its body is one JSON object."""
    exchange = answer.exchange
    if not _is_neighbour(answer) or not exchange.is_success:
        return
    dialect = answer.facts.dialect
    rows = spec.rows("success-status", api=exchange.api, dialect=dialect)
    yield Witness(rows)
    if exchange.status != 200:
        yield Finding("200", exchange.status, ids=rows)
    if exchange.api != "models" and exchange.response is not None:
        objects = spec.rows("success-body", dialect=dialect) or (
            spec.row("embeddings", "data-array", dialect),
        )
        yield Witness(objects)
        if not isinstance(exchange.response.json, dict):
            shown = exchange.response.body[:80].decode(errors="replace")
            yield Finding("one JSON object", shown, ids=objects)


@check(on=_DIALECTS, witness=True)
def float_is_the_default(answer: EmbeddingAnswer) -> Iterator[Note]:
    """Without encoding_format vectors are arrays of numbers."""
    rows = spec.rows("encoding-default", dialect=answer.facts.dialect)
    if not rows or not _is_neighbour(answer) or "encoding_format" in answer.sent:
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
