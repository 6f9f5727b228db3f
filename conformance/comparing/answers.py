"""What two answers to the same request differ in.

Free are ids, times of creation, wordings of errors, and whatever follows from a text
that the request left to chance: the text, its length, why it ended, its probabilities.
Numbers are compared within the tolerances of `terms.tolerances`, texts exactly.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.comparing.values import (
    Difference,
    Kind,
    is_same_text,
    kind_of,
    walked,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Exchange, Response
from aios_conformance.conformance.terms.stream_grammar import Piece, piece_of

_OF_TEXT = frozenset({"content", "text", "arguments", "reasoning_content", "refusal"})
_ENDS = frozenset({"stop", "length", "tool_calls"})
MOST_TOLD = 100
"""Things that a pair of answers differs in: of more it is told how many there are."""

_COUNTED = ("completion_tokens", "total_tokens")


def differences(one: Exchange, other: Exchange, dialect: str) -> list[Difference]:
    """What two answers to the same request differ in; each thing once, at its worst."""
    try:
        found = list(_differences(one, other, dialect))
    except Exception:  # noqa: BLE001 - one pair is told as it is, and not the run lost
        found = [Difference("type", "", "an answer", "one that no comparison can read")]
    worst: dict[tuple[Any, ...], Difference] = {}
    for each in found:
        key = (each.kind, each.pointer)
        if key not in worst or abs(each.size) > abs(worst[key].size):
            worst[key] = each
    told = list(worst.values())
    more = len(told) - MOST_TOLD
    if more <= 0:
        return told
    return [*told[:MOST_TOLD], Difference("more", "", MOST_TOLD, len(told), more)]


def is_determined(exchange: Exchange, dialect: str) -> str:
    """By what the request leaves no choice to the server; "" where it does."""
    body = exchange.request.json
    api = spec.apis(dialect).get(exchange.api)
    if not isinstance(body, dict) or api is None or not api.generates:
        return "nothing generated"
    if body.get("temperature") == 0 or body.get("top_k") == 1:
        return "temperature 0"
    return "seed" if isinstance(body.get("seed"), int) else ""


def _differences(one: Exchange, other: Exchange, dialect: str) -> Iterator[Difference]:
    left, right = one.response, other.response
    if left is None or right is None:
        if left is not right:
            yield Difference("unanswered", "", _said(one), _said(other))
        return
    if bool(left.broken) != bool(right.broken):
        yield Difference("unanswered", "", _said(one), _said(other))
        return
    statuses = (left.status, right.status)
    if (left.status < 300) != (right.status < 300):
        kind: Kind = "crash" if max(statuses) >= 500 else "support"
        yield Difference(kind, "", *statuses)
        return
    if left.status != right.status:
        yield Difference("code", "", *statuses)
    media = (_media(left), _media(right))
    if media[0] != media[1]:
        yield Difference("media", "", *media, is_refusal=left.status >= 300)
    if left.status >= 300:
        yield from _refusals(left.json, right.json)
    elif one.is_stream and other.is_stream:
        yield from _streams(one, other)
    bodies = _named(one, one.said), _named(other, other.said)
    if left.status < 300 and bodies[0] is not None and bodies[1] is not None:
        yield from _successes(*bodies, is_determined(one, dialect), one)


def _said(exchange: Exchange) -> str:
    response = exchange.response
    if response is None:
        return exchange.failure or "no answer"
    return f"breaks off: {response.broken}" if response.broken else "answers"


def _media(response: Response) -> str:
    kind = response.header("content-type") or "no Content-Type"
    return kind.partition(";")[0].strip().lower()


def _named(exchange: Exchange, body: Any) -> Any:
    """The body with the model that was asked for under the same name on both sides."""
    asked = exchange.request.json
    name = asked.get("model") if isinstance(asked, dict) else None
    if isinstance(body, dict) and "model" in body and body["model"] == name:
        return {**body, "model": "the model asked for"}
    return body


def _refusals(one: Any, other: Any) -> Iterator[Difference]:
    """What the bodies of two errors differ in; wordings are free."""
    for each in walked("", one, other):
        yield replace(each, is_refusal=True)


def _successes(
    one: Mapping[str, Any], other: Mapping[str, Any], how: str, sent: Exchange
) -> Iterator[Difference]:
    if sent.api == "models":  # which models are listed is a server's own affair
        one, other = _first_only(one), _first_only(other)
    if "choices" in one and "choices" in other:
        one, other = ({**each, "choices": _choices(each)} for each in (one, other))
    loose = not how
    if how and how != "nothing generated":
        parted = [*_texts(one, other)]
        for pointer, left, right in parted:
            kind: Kind = "tie" if is_drift(left, right) else "text"
            yield Difference(kind, pointer, left, right)
        loose = bool(parted)
    if loose:
        one, other = _loosened(one, sent), _loosened(other, sent)
    yield from walked("", one, other)


def _first_only(listing: Mapping[str, Any]) -> Mapping[str, Any]:
    data = listing.get("data")
    if not isinstance(data, list) or not data or not isinstance(data[0], dict):
        return listing
    return {**listing, "data": [_hollow(data[0])]}


def _texts(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Generated texts that differ, each with its place."""
    pairs = zip(_choices(one), _choices(other), strict=False)
    for left, right in pairs:
        found, others = dict(_generated(left)), dict(_generated(right))
        for pointer in found.keys() & others.keys():
            mine, theirs = found[pointer], others[pointer]
            if not is_same_text(pointer, mine, theirs):
                yield f"/choices/*{pointer}", mine, theirs


def _choices(body: Mapping[str, Any]) -> list[Any]:
    """The choices by their index: in which order they come is free."""
    choices = body.get("choices")
    found = choices if isinstance(choices, list) else []
    indices = [each.get("index") for each in found if isinstance(each, dict)]
    if sorted(map(str, indices)) != sorted(map(str, range(len(found)))):
        return found
    return sorted(found, key=lambda each: int(each["index"]))


def _generated(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name in _OF_TEXT and isinstance(each, str):
                yield f"{pointer}/{name}", each
            elif name != "logprobs":
                yield from _generated(each, f"{pointer}/{name}")
    elif isinstance(value, list):
        for each in value:
            yield from _generated(each, f"{pointer}/*")


def _loosened(body: Mapping[str, Any], sent: Exchange) -> dict[str, Any]:
    """The answer without what follows from a text that may be any."""
    usage = body.get("usage")
    counted: dict[str, Any] = {}
    if isinstance(usage, dict):
        free = {k: 0 for k in _COUNTED if type(usage.get(k)) is int}
        details = usage.get("completion_tokens_details")
        more = {"completion_tokens_details": _hollow(details)} if details else {}
        counted = {"usage": {**usage, **free, **more}}
    request = sent.request.json
    has_tools = isinstance(request, dict) and bool(request.get("tools"))
    choices = [
        _loose_choice(each, has_tools=has_tools) if isinstance(each, dict) else each
        for each in _choices(body)
    ]
    return {**body, **counted, "choices": choices}


def _loose_choice(choice: Mapping[str, Any], *, has_tools: bool) -> dict[str, Any]:
    loose = {name: _hollow(each) for name, each in choice.items()}
    finish = choice.get("finish_reason")
    if isinstance(finish, str) and finish in _ENDS:
        loose["finish_reason"] = ""
    elif "finish_reason" in choice:
        loose["finish_reason"] = finish
    loose.pop("stop_reason", None)  # null, or the stop that a text came upon
    message = choice.get("message")
    if isinstance(message, dict):
        hidden = {"content", "tool_calls", "reasoning_content"} if has_tools else set()
        kept = {name: each for name, each in message.items() if name not in hidden}
        loose["message"] = {
            name: each if name == "role" else _hollow(each)
            for name, each in kept.items()
        }
    return loose


def _hollow(value: Any) -> Any:
    """The same kind of value, saying nothing."""
    if isinstance(value, dict):
        return {name: _hollow(each) for name, each in value.items()}
    return value if value is None or isinstance(value, bool) else type(value)()


def _streams(one: Exchange, other: Exchange) -> Iterator[Difference]:
    """How the events of two streams follow one another, and what chunks consist of."""
    orders = _order(one), _order(other)
    if orders[0] != orders[1]:
        yield Difference("stream", "", *orders)
    sides = _members(one), _members(other)
    for place in sorted(sides[0].keys() ^ sides[1].keys()):
        if not any(place.startswith(free) for free in _VARYING):
            words = sides[0].get(place, "absent"), sides[1].get(place, "absent")
            yield Difference("member", f"/chunks/*{place}", *words)


_VARYING = ("/choices/*/delta/tool_calls", "/choices/*/logprobs", "/choices/*/stop")


def _order(exchange: Exchange) -> str:
    """What comes in a stream beside texts, in order, of its first choice.

    In how many pieces a text comes, and whether the last one ends it, is free.
    """
    events = exchange.response.events if exchange.response else []
    kinds: list[str] = []
    for event in events:
        chunk = event.json
        if event.is_done:
            kinds.append("[DONE]")
        elif not isinstance(chunk, dict):
            kinds.append("no JSON")
        elif chunk.get("error"):
            kinds.append("error")
        elif chunk.get("choices") == [] and chunk.get("usage"):
            kinds.append("usage")
        else:
            pieces = [c for c in _choices(chunk) if isinstance(c, dict)]
            named = [piece_of(c) for c in pieces if c.get("index", 0) == 0]
            ended = "finish" in kinds
            kinds += [
                each.name.lower()
                for each in named
                if each in (Piece.OPENING, Piece.FINISH)
                or (each is Piece.TEXT and ended)
            ]
    return ", ".join(kind for kind, _ in groupby(kinds))


def _members(exchange: Exchange) -> dict[str, str]:
    """The members that occur in chunks, each with the kind of its first value."""
    found: dict[str, str] = {}

    def look(value: Any, pointer: str) -> None:
        if isinstance(value, dict):
            for name, each in value.items():
                found.setdefault(f"{pointer}/{name}", kind_of(each))
                look(each, f"{pointer}/{name}")
        elif isinstance(value, list):
            for each in value:
                look(each, f"{pointer}/*")

    for event in exchange.response.events if exchange.response else ():
        look(event.json, "")
    return found
