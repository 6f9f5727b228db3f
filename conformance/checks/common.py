"""What all five APIs promise: paths, headers, and counts that answers share.

Answers to requests that should have been refused are not looked at: nothing says
what they mean.
"""

from collections.abc import Iterator

from aios_conformance import spec
from aios_conformance.conformance.probes.bodies import TRUNCATION
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Exchange, Observation
from aios_conformance.conformance.terms.views import (
    Answer,
    AnyAnswer,
    CompletionAnswer,
    Record,
    RerankTexts,
    Told,
    View,
    is_whole,
)
from aios_conformance.spec import model_apis, nodes, openapi

_SUM = ("total-tokens-sum", "usage-adds-up")
_PRINTED = spec.rows("printed-usage-sum")
_COUNTERS = ("prompt_tokens", "completion_tokens", "total_tokens")


def _is_valid(view: View) -> bool:
    return view.exchange.expect == "accept"


def _is_answered(view: View) -> bool:
    return _is_valid(view) and not view.exchange.is_unreadable


@check("COMMON-REQ-001", witness=True)
def every_listed_path_is_served(record: Record) -> Iterator[Note]:
    """Each of the listed paths answers valid requests, not 404 or 405."""
    listed = [f"POST {path}" for path in openapi(record.facts.dialect)["paths"]]
    tried: dict[str, list[Exchange]] = {}
    for exchange in record.exchanges:
        is_answered = exchange.response is not None and not exchange.is_unreadable
        if exchange.expect == "accept" and is_answered:
            tried.setdefault(exchange.request.operation, []).append(exchange)
    if tried.keys() >= {*listed}:
        yield Witness(("COMMON-REQ-001",))
    for operation in listed:
        missed = [e for e in tried.get(operation, ()) if e.status in (404, 405)]
        if missed and not any(e.is_success for e in tried[operation]):
            yield Finding(
                expected=f"{operation} is served",
                actual=missed[0].status,
                kind="refused",
                exchange=missed[0].id,
            )


@check("COMMON-REQ-002", when=_is_answered)
def post_is_the_method(answer: AnyAnswer) -> Iterator[Note]:
    """POST is allowed on every listed path."""
    if answer.exchange.status in (405, 501):
        yield Finding("POST is served", answer.exchange.status, kind="refused")


@check("COMMON-REQ-004", when=_is_answered)
def json_is_the_media_type(answer: AnyAnswer) -> Iterator[Note]:
    """A JSON body with Content-Type application/json is a supported media type."""
    if answer.exchange.status == 415:
        yield Finding(expected="application/json is read", actual=415, kind="refused")


@check("COMMON-REQ-008", witness=True)
def no_query_is_needed(record: Record) -> Iterator[Note]:
    """Each tried API that is found accepts some valid request without a query."""
    yield from _reached(record, is_found=True)


@check("COMMON-REQ-009", witness=True)
def the_base_url_alone_reaches_every_api(record: Record) -> Iterator[Note]:
    """Paths under the given base URL lead to each tried API."""
    yield from _reached(record, is_found=False)


def _reached(record: Record, *, is_found: bool) -> Iterator[Note]:
    """APIs of which no valid request succeeds, all of them found there, or not all."""
    for api in model_apis():
        answered = [
            e
            for e in record.exchanges
            if e.api == api and e.expect == "accept" and 200 <= e.status < 500
        ]
        found = [e for e in answered if e.status not in (404, 405)]
        is_answered = record.answers(api)
        if not answered or not (is_answered or bool(found) == is_found):
            continue
        yield Witness()
        if not is_answered:
            yield Finding(
                expected=f"some valid {api} request succeeds",
                actual=f"none of {len(answered)} did",
                kind="refused",
                exchange=(found or answered)[0].id,
            )


@check("COMMON-REQ-010")
def either_scheme_will_do(record: Record) -> Iterator[Note]:
    """Whether the target was reached over https, as the printed host is."""
    if record.facts.scheme and any(e.response for e in record.exchanges):
        yield FollowedReading(f"reached over {record.facts.scheme}")


_REPLACEMENTS = {"?", "\ufffd", " "}


def _told(answer: Answer) -> tuple[list[str], list[str]]:
    """The texts that were sent, and the texts that repeat them."""
    exchange, sent = answer.exchange, answer.sent
    texts: list[str] = []
    if exchange.api == "rerank" and not {"top_n", TRUNCATION} & sent.keys():
        ranked = RerankTexts.of(exchange, answer.facts)
        given, texts = sent.get("documents"), ranked.texts if ranked else []
    elif exchange.api == "completions" and sent.get("echo") is True:
        spoken = CompletionAnswer.of(exchange, answer.facts)
        given, texts = sent.get("prompt"), spoken.texts if spoken else []
    else:
        return [], []
    listed = given if isinstance(given, list) else [given]
    return [each for each in listed if isinstance(each, str)], texts


def _is_beyond_ascii(answer: Answer) -> bool:
    sent, echoed = _told(answer)
    is_told = bool(echoed) and not all(map(str.isascii, sent))
    return answer.exchange.expect != "refuse" and is_told


@check("COMMON-REQ-015", on=("rerank.", "completions."), when=_is_beyond_ascii)
def non_ascii_text_comes_back_unharmed(answer: Answer) -> Iterator[Note]:
    """Text beyond ASCII that an answer echoes is the text that was sent."""
    sent, echoed = _told(answer)
    for text in (each for each in sent if not each.isascii()):
        # that a text is not there, is cut, or is another one, is a matter of other rows
        alike = [
            each
            for each in echoed
            if _is_likeness(each, text)
            and each not in sent
            and not text.startswith(each)
        ]
        if alike and not any(each.startswith(text) for each in echoed):
            yield Finding(expected=f"text that starts with {text!r}", actual=alike[0])
            return


def _is_likeness(echoed: str, text: str) -> bool:
    """One begins like the other, but for what is beyond ASCII or replaces it."""
    if echoed.startswith(tuple(_misspelt(text))):
        return True
    if plain := _plain(text):
        return _plain(echoed).startswith(plain)
    return bool(echoed) and {*echoed[: len(text)]} <= _REPLACEMENTS


def _misspelt(text: str) -> Iterator[str]:
    """A text as it reads when UTF-8 is taken for Latin-1, or an escape for itself."""
    yield text.encode(errors="replace").decode("latin-1")
    for escapes in ("backslashreplace", "xmlcharrefreplace"):
        yield text.encode("ascii", escapes).decode()


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isalnum())


@check("COMMON-REQ-016", on="common.extra.")
def unlisted_members_are_free(seen: Observation) -> Iterator[Note]:
    """What the target does with a member that no table lists (A-007)."""
    if "extra" in seen.steps and seen["extra"].status:
        yield FollowedReading("ignored" if seen["extra"].is_success else "refused")


@check("COMMON-RES-003", when=_is_valid)
def success_is_labelled_json(answer: Answer) -> Iterator[Note]:
    """A whole success carries a JSON media type."""
    response = answer.exchange.response
    kind = (response and response.header("content-type")) or "no Content-Type"
    if not kind.lower().startswith("application/json"):
        yield Finding(expected="application/json", actual=kind)
    coding = (response and response.header("content-encoding")) or "identity"
    if coding.lower() != "identity":
        yield Finding(expected="no content coding, as none was offered", actual=coding)


@check("COMMON-RES-004")
def unlisted_answer_members_are_free(answer: Answer) -> Iterator[Note]:
    """Which members the target adds that no table lists (A-025)."""
    listed = _listed(answer.facts.dialect, answer.exchange.request.operation)
    added = sorted(set(answer.body) - listed) if listed else []
    if added:
        yield FollowedReading(f"adds {', '.join(added)}")


def _listed(dialect: str, operation: str) -> frozenset[str]:
    """The top-level members of an operation's documented answer."""
    walk = nodes(dialect)
    schema = walk.content(walk.success(operation)).get("application/json", {})
    return frozenset(walk.resolved(schema).get("properties", {}))


@check(*spec.rows(*_SUM), "META-062", witness=True)
def total_is_input_plus_output(answer: Told) -> Iterator[Note]:
    """total_tokens is prompt_tokens plus completion_tokens."""
    rows = spec.rows(*_SUM, api=answer.exchange.api)
    options = answer.sent.get("stream_options")
    is_along = isinstance(options, dict) and options.get("continuous_usage_stats")
    if not answer.is_whole and not is_along:
        rows += ("META-062",)
    if _is_valid(answer) and rows:
        yield from _sum(answer, rows)


@check(
    *_PRINTED,
    on=tuple(f"{spec.requirement(row).api}.printed" for row in _PRINTED),
    witness=True,
)
def total_of_the_printed_request_adds_up(seen: Observation) -> Iterator[Note]:
    """The usage of the printed request adds up, as it does in the documents."""
    exchange = seen.steps.get("printed")
    answer = Answer.of(exchange, seen.facts) if exchange else None
    if answer is not None:
        yield from _sum(answer, spec.rows("printed-usage-sum", api=answer.exchange.api))


def _sum(answer: Answer, rows: tuple[str, ...]) -> Iterator[Note]:
    prompt, completion, total = (answer.usage.get(name) for name in _COUNTERS)
    if not (is_whole(prompt) and is_whole(completion) and is_whole(total)):
        return
    yield Witness(rows)
    wanted = (prompt or 0) + (completion or 0)
    if total != wanted:
        yield Finding(
            expected=f"{prompt} + {completion} = {wanted}",
            actual=total,
            pointer="/usage/total_tokens",
            ids=rows,
        )


@check("COMMON-RES-011", witness=True)
def details_are_null_or_an_object(answer: Answer) -> Iterator[Note]:
    """Which form prompt_tokens_details has, where its type is right (A-019)."""
    if answer.exchange.api == "rerank" or not answer.usage:
        return
    absent = object()
    given = answer.usage.get("prompt_tokens_details", absent)
    if given is absent:
        yield FollowedReading("absent")
    elif given is None or isinstance(given, dict):
        yield FollowedReading("null" if given is None else "object")
    yield Witness(("COMMON-RES-011",))


def _has_no_key(answer: AnyAnswer) -> bool:
    names = {name.lower() for name, _ in answer.exchange.request.headers}
    return _is_answered(answer) and "authorization" not in names


@check("COMMON-SEM-001", when=_has_no_key)
def no_key_is_needed(answer: AnyAnswer) -> Iterator[Note]:
    """A call without an Authorization header is not refused for the want of it."""
    if answer.exchange.status in (401, 403):
        yield Finding("an answer without a key", answer.exchange.status, kind="refused")
