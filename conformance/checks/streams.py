"""The stream oracle: framing, grammar, constancy, usage, equality with the whole.

The documents only say that results come "in streaming mode" and that the OpenAI
client reads them: that an answer is streamed at all is a MUST, the layout a SHOULD
(A-100, A-099).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from conformance.check import Check, Finding, Note, Witness, check
from conformance.checks.generated import on, rows_of
from conformance.exchange import Api, Exchange, Observation
from conformance.grammar import slips
from conformance.probes.decoding import text_of
from conformance.views import AnyAnswer, ChatStream, Stream, is_whole

_LAYOUT: dict[Api, tuple[str, ...]] = {
    "chat": ("CHAT-RES-025",),
    "completions": ("COMP-RES-018",),
}
_STREAMED: dict[Api, tuple[str, ...]] = {
    "chat": ("CHAT-SEM-014",),
    "completions": ("COMP-SEM-011",),
}


def _stream_was_asked(answer: AnyAnswer) -> bool:
    accepted = answer.exchange.expect == "accept" and answer.exchange.status == 200
    return accepted and answer.sent.get("stream") is True


@check(witness=True)
def a_stream_is_streamed(answer: AnyAnswer) -> Iterator[Note]:
    """`stream` true is answered by a stream that runs to its end, not by one body."""
    rows = _STREAMED.get(answer.exchange.api, ())
    response = answer.exchange.response
    if not rows or response is None or not _stream_was_asked(answer):
        return
    yield Witness(rows)
    if isinstance(response.json, dict):
        yield Finding(
            expected="a stream of events",
            actual="one plain JSON body",
            kind="silent",
            ids=rows,
        )
        return
    if response.broken:
        yield Finding(
            expected="a stream that runs to its end",
            actual=response.broken,
            kind="crash",
            ids=rows,
        )
    media = response.header("content-type") or "no Content-Type"
    if not media.lower().startswith("text/event-stream"):
        yield Finding(
            expected="Content-Type text/event-stream", actual=media, soft=True, ids=rows
        )
    stream = Stream(answer.exchange, answer.facts)
    if len(stream.chunks) < 2 and len(stream.events) < 3:
        yield Finding(
            expected="several events",
            actual=f"{len(stream.events)} events",
            soft=True,
            ids=rows,
        )


@check(witness=True)
def events_are_json_and_done_is_last(stream: Stream) -> Iterator[Note]:
    """Every event is a JSON object in UTF-8; [DONE] comes once, at the end."""
    rows = _LAYOUT.get(stream.exchange.api, ())
    if not rows or stream.exchange.response is None:
        return
    yield Witness(rows)
    events = stream.events
    for i, event in enumerate(events):
        if not event.is_utf8:
            yield Finding("UTF-8", event.data[:80], f"/events/{i}", ids=rows)
        elif not event.is_done and not isinstance(event.json, dict):
            yield Finding("a JSON object", event.data[:80], f"/events/{i}", ids=rows)
    done = [i for i, event in enumerate(events) if event.is_done]
    if stream.exchange.response.broken:
        return
    if done != [len(events) - 1]:
        yield Finding(
            expected="[DONE] once, as the last event",
            actual=f"{len(done)} [DONE] in {len(events)} events",
            pointer=f"/events/{done[0] if done else max(len(events) - 1, 0)}",
            ids=rows,
        )


@check(witness=True)
def no_error_comes_in_mid_stream(stream: Stream) -> Iterator[Note]:
    """An accepted request is not answered by an error event."""
    rows = _STREAMED.get(stream.exchange.api, ())
    if not rows or stream.exchange.expect != "accept":
        return
    for i, chunk in enumerate(stream.chunks):
        if chunk.get("error"):
            yield Finding(
                expected="a chunk",
                actual=orjson.dumps(chunk["error"])[:120].decode(errors="replace"),
                pointer=f"/chunks/{i}/error",
                kind="crash",
                ids=rows,
            )


@check("META-061", when=lambda s: bool(s.chunks))
def chunks_agree_and_each_choice_ends_once(stream: Stream) -> Iterator[Note]:
    """All chunks share id, created and model; each choice has one finish, its last."""
    for name in ("id", "created", "model"):
        values = [chunk[name] for chunk in stream.chunks if name in chunk]
        for i, value in enumerate(values):
            if value != values[0]:
                yield Finding(
                    expected=f"{values[0]!r}, as in the first chunk",
                    actual=value,
                    pointer=f"/chunks/{i}/{name}",
                )
                break
    if stream.exchange.response is None or stream.exchange.response.broken:
        return
    for index in stream.indices:
        for slip in slips(stream.pieces(index)):
            found = "the end of the stream" if slip.piece is None else slip.piece.value
            yield Finding(
                expected=f"choice {index}: a legal step while {slip.state.value}",
                actual=found,
                pointer=f"/choices/{index}/pieces/{slip.position}",
            )


def _n(stream: Stream) -> int:
    n = stream.sent.get("n")
    return n if isinstance(n, int) else 1


@check("META-065", when=lambda s: _n(s) > 1)
def every_choice_is_streamed(stream: Stream) -> Iterator[Note]:
    """A stream of n choices has pieces of all indices 0 … n-1."""
    prompts = stream.sent.get("prompt")
    many = len(prompts) if isinstance(prompts, list) else 1
    wanted = list(range(_n(stream) * many))
    if stream.indices != wanted:
        yield Finding(expected=f"indices {wanted}", actual=stream.indices)


def _options(stream: Stream) -> Mapping[str, Any]:
    options = stream.sent.get("stream_options")
    return options if isinstance(options, dict) else {}


@check(witness=True)
def usage_is_streamed_when_asked_for(stream: Stream) -> Iterator[Note]:
    """Usage is streamed, after the last piece, if and only if it was asked for."""
    exchange = stream.exchange
    own = {"chat": ("CHAT-SEM-015",), "completions": ("COMP-SEM-012",)}
    rows = own.get(exchange.api, ())
    if not rows or exchange.response is None or exchange.response.broken:
        return
    options, usages = _options(stream), stream.usages
    if options.get("include_usage") is True:
        yield Witness(rows)
        if not usages:
            yield Finding("a usage object", "none", kind="silent", ids=rows)
            return
        if options.get("continuous_usage_stats"):
            return
        yield Witness(("META-062",))
        last = stream.chunks[-1]
        if len(usages) > 1 or not isinstance(last.get("usage"), dict):
            yield Finding(
                expected="usage once, in the last chunk",
                actual=f"usage in {len(usages)} chunks",
                ids=("META-062",),
            )
        if last.get("usage") and last.get("choices"):
            yield Finding(
                expected="no choices in the usage chunk (A-099)",
                actual=f"{len(last['choices'])} choices",
                pointer=f"/chunks/{len(stream.chunks) - 1}/choices",
                ids=("META-062",),
            )
    elif not options.get("continuous_usage_stats"):
        yield Witness(("META-063", *rows))
        if usages:
            yield Finding(
                expected="no usage in chunks: it was not asked for",
                actual=f"usage in {len(usages)} chunks",
                kind="silent",
                ids=("META-063", *rows),
            )


@check(
    "META-064",
    when=lambda s: (
        _options(s).get("continuous_usage_stats") is True
        and _options(s).get("include_usage") is True
        and bool(s.usages)
    ),
)
def continuous_usage_never_falls(stream: Stream) -> Iterator[Note]:
    """With continuous_usage_stats completion_tokens only grow."""
    n = _n(stream)
    last: dict[object, int] = {}
    for i, chunk in enumerate(stream.chunks):
        usage = chunk.get("usage")
        count = usage.get("completion_tokens") if isinstance(usage, dict) else None
        if not isinstance(count, int):
            continue
        choices = chunk.get("choices") or [{}]
        key = choices[0].get("index") if n > 1 else None
        if count < last.get(key, 0):
            yield Finding(
                expected=f"at least {last[key]}",
                actual=count,
                pointer=f"/chunks/{i}/usage/completion_tokens",
            )
            return
        last[key] = count
    if len(stream.usages) < 2 and len(stream.chunks) > 2:
        yield Finding(
            expected="usage in the chunks along the way",
            actual=f"usage in {len(stream.usages)} of {len(stream.chunks)} chunks",
            kind="silent",
        )


_VARIANTS = ("streamed", "with_usage", "without_usage", "continuous", "null_options")


@check(on=on("streams"), witness=True)
def streamed_text_is_the_whole_text(seen: Observation) -> Iterator[Note]:
    """At temperature 0 the pieces of a stream are the text of the whole answer."""
    whole = text_of(seen["whole"]) if "whole" in seen.steps else None
    if whole is None:
        return
    for label in _VARIANTS:
        text = _streamed_text(seen, label)
        if text is None:
            continue
        yield Witness(("META-059",))
        if text != whole:
            yield Finding(
                expected=f"{whole!r}, as in the whole answer",
                actual=text,
                step=label,
                ids=("META-059",),
            )
    halted = _streamed_text(seen, "stopped")
    if halted is not None:
        stop = seen["stopped"].request.json.get("stop")
        wanted = whole.partition(stop)[0]
        if halted != wanted:
            yield Finding(
                expected=f"{wanted!r}: the whole text up to the stop string",
                actual=halted,
                step="stopped",
                ids=("META-059",),
            )


@check(on=on("streams"), witness=True)
def streamed_usage_is_the_whole_usage(seen: Observation) -> Iterator[Note]:
    """At temperature 0 the streamed usage is that of the whole answer."""
    response = seen["whole"].response if "whole" in seen.steps else None
    body = response.json if response and seen["whole"].is_success else None
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return
    rows = rows_of(seen, "", "", "META-062")
    for label in ("with_usage", "continuous"):
        stream = _stream(seen, label)
        if stream is None or not stream.usages:
            continue
        yield Witness(rows)
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            wanted, given = usage.get(name), stream.usages[-1].get(name)
            if wanted != given:
                yield Finding(
                    expected=f"{wanted}, as in the whole answer",
                    actual=given,
                    pointer=f"/usage/{name}",
                    step=label,
                    ids=rows,
                )


@check(witness=True)
def call_deltas_join_to_calls(stream: ChatStream) -> Iterator[Note]:
    """Tool-call deltas of one index join to one named call with JSON arguments."""
    rows = ("META-080", "CHAT-SEM-020")
    for index in stream.indices:
        calls: dict[int, dict[str, str]] = {}
        for piece in stream.pieces(index):
            delta = piece.get("delta")
            deltas = delta.get("tool_calls") if isinstance(delta, dict) else None
            for part in deltas if isinstance(deltas, list) else ():
                number = part.get("index") if isinstance(part, dict) else None
                if is_whole(number) and isinstance(number, int):
                    _join(calls.setdefault(number, {"name": "", "arguments": ""}), part)
        if calls:
            yield Witness(rows)
        offered = _offered(stream)
        for number, call in sorted(calls.items()):
            pointer = f"/choices/{index}/tool_calls/{number}"
            if call["name"] not in offered:
                yield Finding(
                    expected=f"one of {sorted(offered)}",
                    actual=call["name"],
                    pointer=f"{pointer}/function/name",
                    ids=("CHAT-SEM-020",),
                )
            if not isinstance(_parsed(call["arguments"]), dict):
                yield Finding(
                    expected="arguments that join to a JSON object",
                    actual=call["arguments"],
                    pointer=f"{pointer}/function/arguments",
                    ids=rows,
                )


def _join(call: dict[str, str], part: Mapping[str, Any]) -> None:
    function = part.get("function")
    for name in ("name", "arguments"):
        text = function.get(name) if isinstance(function, dict) else None
        call[name] += text if isinstance(text, str) else ""


def _offered(stream: Stream) -> set[str]:
    tools = stream.sent.get("tools")
    return {t["function"]["name"] for t in tools} if isinstance(tools, list) else set()


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _stream(seen: Observation, label: str) -> Stream | None:
    exchange: Exchange | None = seen.steps.get(label)
    if exchange is None or not exchange.is_success:
        return None
    return Stream.of(exchange, seen.facts)


def _streamed_text(seen: Observation, label: str) -> str | None:
    stream = _stream(seen, label)
    return stream.text(0) if stream else None


CHECKS: tuple[Check, ...] = (
    a_stream_is_streamed,
    events_are_json_and_done_is_last,
    no_error_comes_in_mid_stream,
    chunks_agree_and_each_choice_ends_once,
    every_choice_is_streamed,
    usage_is_streamed_when_asked_for,
    continuous_usage_never_falls,
    streamed_text_is_the_whole_text,
    streamed_usage_is_the_whole_usage,
    call_deltas_join_to_calls,
)
