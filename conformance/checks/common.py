"""What all five APIs promise: headers, members that answers share, error bodies."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from conformance.check import Check, Finding, Note, Reading, Witness, check
from conformance.exchange import Api, Exchange, Facts, Observation
from conformance.tolerances import BETWEEN_CALLS, CLOCK_S
from conformance.views import (
    Answer,
    AnyAnswer,
    Record,
    Refusal,
    Stream,
    View,
    is_number,
    is_whole,
)

_IDS: dict[Api, str] = {
    "rerank": "RERANK-RES-001",
    "score": "SCORE-RES-001",
    "chat": "CHAT-RES-001",
    "completions": "COMP-RES-001",
    "embeddings": "EMB-RES-001",
}
_SUMS: dict[Api, tuple[str, ...]] = {
    "score": ("COMMON-RES-010", "SCORE-RES-012", "SCORE-EX-005", "META-028"),
    "chat": ("COMMON-RES-010", "CHAT-RES-022", "CHAT-EX-003", "META-034"),
    "completions": ("COMMON-RES-010", "COMP-RES-014", "COMP-EX-004", "META-034"),
    "embeddings": ("COMMON-RES-010", "EMB-RES-013", "EMB-EX-003", "META-102"),
}


def _was_accepted(view: View) -> bool:
    return view.exchange.expect == "accept" and view.exchange.is_success


@check("COMMON-REQ-001", when=lambda a: a.exchange.expect == "accept")
def every_listed_path_exists(answer: AnyAnswer) -> Iterator[Note]:
    """A valid POST to a listed path is never answered 404 or 405."""
    if answer.exchange.status in (404, 405):
        yield Finding(
            expected="the path is served", actual=answer.exchange.status, kind="refused"
        )


@check("COMMON-REQ-002", when=lambda a: a.exchange.expect == "accept")
def post_is_the_method(answer: AnyAnswer) -> Iterator[Note]:
    """POST is allowed on every listed path."""
    if answer.exchange.status in (405, 501):
        yield Finding(
            expected="POST is served", actual=answer.exchange.status, kind="refused"
        )


@check("COMMON-REQ-004", when=lambda a: a.exchange.expect == "accept")
def json_is_the_media_type(answer: AnyAnswer) -> Iterator[Note]:
    """A JSON body with Content-Type application/json is a supported media type."""
    if answer.exchange.status == 415:
        yield Finding(expected="application/json is read", actual=415, kind="refused")


@check(witness=True)
def the_base_url_alone_reaches_every_api(record: Record) -> Iterator[Note]:
    """Paths under the given base URL, without a query, reach each tried API."""
    rows = ("COMMON-REQ-008", "COMMON-REQ-009")
    for api in _IDS:
        tried = [e for e in record.exchanges if e.api == api and e.expect == "accept"]
        answered = [e for e in tried if e.response is not None]
        if answered:
            yield Witness(rows)
            if not record.answers(api):
                yield Finding(
                    expected=f"some valid {api} request succeeds",
                    actual=f"none of {len(answered)} did",
                    kind="refused",
                    exchange=answered[0].id,
                    ids=rows,
                )


@check("COMMON-REQ-015", on="common.unicode.")
def non_ascii_text_comes_back_unharmed(seen: Observation) -> Iterator[Note]:
    """Text beyond ASCII that an answer echoes is the text that was sent."""
    exchange = seen["unicode"]
    body = exchange.response.json if exchange.response else None
    if not exchange.is_success or not isinstance(body, dict):
        return
    echoed: list[str] = []
    if exchange.api == "rerank":
        results = body.get("results") or []
        echoed = [r["document"]["text"] for r in results if r.get("index") == 0]
    elif exchange.api == "completions":
        echoed = [c["text"] for c in body.get("choices") or []]
    for text in echoed:
        if not text.startswith(seen.params):
            yield Finding(
                expected=f"text that starts with {seen.params!r}",
                actual=text,
                step="unicode",
            )


@check("COMMON-REQ-016", on="common.extra.")
def unlisted_members_are_free(seen: Observation) -> Iterator[Note]:
    """What the target does with a member that no table lists."""
    yield Reading(f"an unlisted member is answered {seen['extra'].status}")


@check("COMMON-RES-003", when=lambda a: _was_accepted(a) and not a.exchange.is_stream)
def success_is_labelled_json(answer: Answer) -> Iterator[Note]:
    """A whole success carries a JSON media type."""
    response = answer.exchange.response
    kind = (response and response.header("content-type")) or "no Content-Type"
    if not kind.lower().startswith("application/json"):
        yield Finding(expected="application/json", actual=kind)


@check(witness=True)
def ids_differ_between_calls(record: Record) -> Iterator[Note]:
    """No two answers carry the same id."""
    for api, row in _IDS.items():
        rows = ("COMMON-RES-005", "META-115", row)
        owners: dict[str, Exchange] = {}
        for exchange in record.answers(api):
            name = _id_of(exchange)
            if name is None:
                continue
            if name in owners:
                yield Finding(
                    expected=f"an id other than that of {owners[name].id}",
                    actual=name,
                    pointer="/id",
                    exchange=exchange.id,
                    ids=rows,
                )
            elif owners:
                yield Witness(rows)
            owners.setdefault(name, exchange)


@check("COMMON-RES-006", "META-116", when=lambda a: is_whole(a.body.get("created")))
def created_is_the_time_of_the_call(answer: Answer) -> Iterator[Note]:
    """`created` lies between sending and receiving, give or take clock skew."""
    sent = answer.exchange.sent_at
    earliest = sent - CLOCK_S
    latest = sent + answer.exchange.total_s + CLOCK_S
    created = answer.body["created"]
    if not earliest <= created <= latest:
        yield Finding(
            expected=f"Unix seconds from {earliest:.0f} to {latest:.0f}",
            actual=created,
            pointer="/created",
            soft=True,
        )


@check("META-116")
def created_never_goes_back(record: Record) -> Iterator[Note]:
    """Of two calls one after the other, the later has no earlier `created`."""
    stamped = [
        (exchange, int(created))
        for exchange in record.exchanges
        if is_whole(created := _created_of(exchange))
    ]
    stamped.sort(key=lambda pair: pair[0].sent_at)
    for (first, before), (second, after) in pairwise(stamped):
        ended = first.sent_at + first.total_s
        if ended <= second.sent_at and after < before:
            yield Finding(
                expected=f"at least {before}, as in {first.id} before it",
                actual=after,
                pointer="/created",
                exchange=second.id,
            )


@check("COMMON-RES-008", when=lambda v: v.exchange.is_success)
def model_is_the_one_that_was_asked_for(answer: Answer) -> Iterator[Note]:
    """The answer names the model that the request named."""
    wanted, named = answer.sent.get("model"), answer.body.get("model")
    if isinstance(wanted, str) and isinstance(named, str) and wanted != named:
        yield Finding(expected=wanted, actual=named, pointer="/model")


@check("COMMON-RES-008")
def chunks_name_the_model_that_was_asked_for(stream: Stream) -> Iterator[Note]:
    """Every chunk names the model that the request named."""
    wanted = stream.sent.get("model")
    for i, chunk in enumerate(stream.chunks):
        named = chunk.get("model")
        if isinstance(named, str) and named != wanted:
            yield Finding(
                expected=str(wanted), actual=named, pointer=f"/chunks/{i}/model"
            )


@check(witness=True)
def total_is_input_plus_output(answer: Answer) -> Iterator[Note]:
    """total_tokens is prompt_tokens plus completion_tokens."""
    rows = _SUMS.get(answer.exchange.api, ())
    usage = answer.usage
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    if not rows or not all(is_number(usage.get(name)) for name in names):
        return
    prompt, completion, total = (usage[name] for name in names)
    yield Witness(rows)
    if total != prompt + completion:
        yield Finding(
            expected=f"{prompt} + {completion} = {prompt + completion}",
            actual=total,
            pointer="/usage/total_tokens",
            ids=rows,
        )


@check("COMMON-ERR-005", on="common.")
def other_codes_are_free(seen: Observation) -> Iterator[Note]:
    """Which codes besides the documented ones the target uses."""
    others = {e.status for e in seen.steps.values()} - {0, 200, 400, 422, 500}
    for code in sorted(others):
        yield Reading(f"answers {code}")


@check("COMMON-ERR-006")
def a_refusal_is_json(refusal: Refusal) -> Iterator[Note]:
    """An error body is a JSON object."""
    response = refusal.exchange.response
    if response is None or not isinstance(response.json, dict):
        body = response.body[:120].decode(errors="replace") if response else ""
        yield Finding(expected="a JSON object", actual=body or "an empty body")


@check("COMMON-ERR-002", on="common.not_json.")
def not_json_is_a_documented_error(seen: Observation) -> Iterator[Note]:
    """Which of the two documented codes a body that is not JSON gets (A-003)."""
    yield from _which_code(seen)


@check("COMMON-ERR-003", on="common.ticked.")
def a_breach_is_a_documented_error(seen: Observation) -> Iterator[Note]:
    """Which of the two documented codes a breach of the table gets (A-003)."""
    yield from _which_code(seen)


def _which_code(seen: Observation) -> Iterator[Note]:
    status = seen["mutant"].status
    if status in (400, 422):
        yield Reading(str(status))
    elif 400 <= status < 500:
        yield Finding(expected="400 or 422", actual=status, step="mutant")


def _has_no_key(answer: AnyAnswer) -> bool:
    names = {name.lower() for name, _ in answer.exchange.request.headers}
    return answer.exchange.expect == "accept" and "authorization" not in names


@check("COMMON-SEM-001", when=_has_no_key)
def no_key_is_needed(answer: AnyAnswer) -> Iterator[Note]:
    """A call without an Authorization header is not refused for the want of it."""
    if answer.exchange.status in (401, 403):
        yield Finding(
            expected="an answer without a key",
            actual=answer.exchange.status,
            kind="refused",
        )


def _respelt_are_readable(seen: Observation) -> bool:
    return seen.accepted("plain", "respelt")


@check("META-118", on="common.spelling.", when=_respelt_are_readable, evidence=5)
def spelling_of_json_does_not_matter(seen: Observation) -> Iterator[Note]:
    """White space, member order and escapes of the request change nothing."""
    yield from _same(seen, "plain", "respelt")


@check("META-118", on="common.spelling.", when=lambda s: s.accepted("plain"))
def respelt_json_is_accepted(seen: Observation) -> Iterator[Note]:
    """The same JSON spelt otherwise is accepted as well."""
    exchange = seen["respelt"]
    if exchange.response and not exchange.is_success:
        yield Finding(
            expected="200, as for the plain spelling",
            actual=exchange.status,
            kind="refused",
            step="respelt",
        )


@check("META-119", on="common.after_error.", when=lambda s: s.accepted("before"))
def an_error_leaves_nothing_behind(seen: Observation) -> Iterator[Note]:
    """The valid request after a refused one is answered as it was before."""
    if seen.accepted("before", "after"):
        yield from _same(seen, "before", "after")


@check("META-117", on="common.nulls.", when=lambda s: s.accepted("omitted", "null"))
def null_is_as_good_as_nothing(seen: Observation) -> Iterator[Note]:
    """A null for a field whose default is null changes nothing (text: soft)."""
    yield from _same(seen, "omitted", "null", soft=True)


def _same(
    seen: Observation, one: str, other: str, *, soft: bool = False
) -> Iterator[Note]:
    """Content of two answers: texts equal, numbers within tolerance."""
    before, after = _content(seen[one]), _content(seen[other])
    for pointer in before.keys() | after.keys():
        left, right = before.get(pointer), after.get(pointer)
        close = (
            abs(left - right) <= BETWEEN_CALLS
            if isinstance(left, int | float) and isinstance(right, int | float)
            else left == right
        )
        if not close:
            yield Finding(
                expected=f"{left!r}, as in step {one}",
                actual=right,
                pointer=pointer,
                step=other,
                soft=soft,
            )
            return


def _content(exchange: Exchange) -> dict[str, Any]:
    """What an answer says, by JSON pointer, without ids, times and names."""
    body = exchange.response.json if exchange.response else None
    if not isinstance(body, dict):
        return {}
    found: dict[str, Any] = {}
    stack: list[tuple[str, Any]] = [("", {k: body.get(k) for k in _TELLING})]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{pointer}/{k}", v) for k, v in value.items() if k != "id"]
        elif isinstance(value, list):
            stack += [(f"{pointer}/{i}", v) for i, v in enumerate(value)]
        elif value is not None:
            found[pointer] = value
    return found


_TELLING = ("results", "data", "choices")


def _id_of(exchange: Exchange) -> str | None:
    name = _first_body(exchange).get("id")
    return name if isinstance(name, str) else None


def _created_of(exchange: Exchange) -> Any:
    return _first_body(exchange).get("created")


def _first_body(exchange: Exchange) -> Mapping[str, Any]:
    """The answer's object, or the first chunk of a stream."""
    if not exchange.is_success or exchange.response is None:
        return {}
    if exchange.is_stream:
        chunks = Stream(exchange, Facts()).chunks
        return chunks[0] if chunks else {}
    body = exchange.response.json
    return body if isinstance(body, dict) else {}


CHECKS: tuple[Check, ...] = (
    every_listed_path_exists,
    post_is_the_method,
    json_is_the_media_type,
    the_base_url_alone_reaches_every_api,
    non_ascii_text_comes_back_unharmed,
    unlisted_members_are_free,
    success_is_labelled_json,
    ids_differ_between_calls,
    created_is_the_time_of_the_call,
    created_never_goes_back,
    model_is_the_one_that_was_asked_for,
    chunks_name_the_model_that_was_asked_for,
    total_is_input_plus_output,
    other_codes_are_free,
    a_refusal_is_json,
    not_json_is_a_documented_error,
    a_breach_is_a_documented_error,
    no_key_is_needed,
    spelling_of_json_does_not_matter,
    respelt_json_is_accepted,
    an_error_leaves_nothing_behind,
    null_is_as_good_as_nothing,
)
