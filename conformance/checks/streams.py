"""The stream oracle: framing, grammar, constancy and usage of every stream.

The documents only say that results come "in streaming mode" and that the OpenAI
client reads them: that an answer is streamed at all is a MUST, the layout a SHOULD
(A-100, A-099). Streams compared with whole answers stand in stream_relations.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Self

import orjson

from aios_conformance import spec
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Exchange, Facts
from aios_conformance.conformance.terms.stream_grammar import violations
from aios_conformance.conformance.terms.views import AnyAnswer, Stream, is_whole

MOST_ALIKE = 3


@dataclass(frozen=True)
class Streamed(Stream):
    """A stream that answers a request of chat or completions which may be answered."""

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Streams of the two generating APIs whose request need not be refused."""
        is_ours = (
            exchange.api in ("chat", "completions") and exchange.expect != "refuse"
        )
        return super().of(exchange, facts) if is_ours else None

    @property
    def layout(self) -> tuple[str, ...]:
        """The row of the stream's layout."""
        return spec.rows("stream-format", api=self.exchange.api)

    @property
    def own_usage(self) -> tuple[str, ...]:
        """The row of the usage that was asked for."""
        return spec.rows("stream-usage", api=self.exchange.api)

    @property
    def runs_to_its_end(self) -> bool:
        """It neither broke off nor turned into an error: its end can be judged."""
        response = self.exchange.response
        is_broken = response is None or response.broken is not None
        return not is_broken and not any(self.errors())

    @property
    def is_sound(self) -> bool:
        """Nothing in it is lost to the reader: what it says can be judged."""
        return self.exchange.said is not None

    def unreadable(self) -> Iterator[tuple[int, str]]:
        """Events that are no JSON object in UTF-8, each with what was expected."""
        for i, event in enumerate(self.events):
            is_chunk = not event.is_done and event.event != "error"
            if not event.is_utf8:
                yield i, "UTF-8"
            elif is_chunk and not isinstance(event.json, dict):
                yield i, "a JSON object"

    @property
    def options(self) -> Mapping[str, Any]:
        """The stream_options that were sent, {} for none."""
        options = self.sent.get("stream_options")
        return options if isinstance(options, dict) else {}

    @property
    def n(self) -> int:
        """How many choices of each prompt were asked for."""
        n = self.sent.get("n")
        return int(n) if isinstance(n, int | float) and is_whole(n) else 1

    def located(self, index: int) -> list[tuple[str, Mapping[str, Any]]]:
        """The choice objects of one choice index in order, each with its pointer."""
        return self._located.get(index, [])

    @cached_property
    def _located(self) -> Mapping[float, list[tuple[str, Mapping[str, Any]]]]:
        found: dict[float, list[tuple[str, Mapping[str, Any]]]] = {}
        for i, chunk in enumerate(self.chunks):
            choices = chunk.get("choices")
            for j, choice in enumerate(choices if isinstance(choices, list) else []):
                index = choice.get("index") if isinstance(choice, dict) else None
                if isinstance(index, int | float):
                    place = f"/chunks/{i}/choices/{j}"
                    found.setdefault(index, []).append((place, choice))
        return found


def _stream_was_asked(answer: AnyAnswer) -> bool:
    exchange = answer.exchange
    is_valid = exchange.expect == "accept" and 200 <= exchange.status < 300
    return is_valid and answer.sent.get("stream") is True


@check(*spec.rows("stream-in-pieces"), witness=True)
def a_stream_is_streamed(answer: AnyAnswer) -> Iterator[Note]:
    """`stream` true is answered by a stream that runs to its end, not by one body."""
    rows = spec.rows("stream-in-pieces", api=answer.exchange.api)
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
    pieces = sum(bool(chunk.get("choices")) for chunk in stream.chunks)
    made = stream.text()
    if answer.sent.get("echo") is True:  # what the prompt says may come at once
        prompt = answer.sent.get("prompt")
        made = made.removeprefix(prompt) if isinstance(prompt, str) else ""
    # a word or two may well be one piece: a limit of one token, or a quick end
    if not stream.events or (pieces == 1 and len(made.split()) > 2):
        yield Finding(
            expected="several events",
            actual=f"{pieces} with text, {len(stream.events)} in all",
            soft=True,
            ids=rows,
        )


@check(*spec.rows("stream-in-pieces"), witness=True)
def no_error_comes_in_mid_stream(stream: Streamed) -> Iterator[Note]:
    """An accepted request is not answered by an error event."""
    rows = spec.rows("stream-in-pieces", api=stream.exchange.api)
    if stream.exchange.expect != "accept":
        return  # it may be a late refusal
    yield Witness(rows)
    for i, told in islice(stream.errors(), MOST_ALIKE):
        shown = told if isinstance(told, str) else orjson.dumps(told).decode()
        yield Finding(
            expected="a chunk",
            actual=shown[:120],
            pointer=f"/events/{i}",
            kind="crash",
            ids=rows,
        )


@check(*spec.rows("stream-format"), witness=True)
def events_are_json_and_done_is_last(stream: Streamed) -> Iterator[Note]:
    """Every event is a JSON object in UTF-8; [DONE] comes once, at the end."""
    rows = stream.layout
    yield Witness(rows)
    for i, wanted in islice(stream.unreadable(), MOST_ALIKE):
        shown = stream.events[i].data[:80]
        yield Finding(wanted, shown, f"/events/{i}", ids=rows)
    done = [i for i, event in enumerate(stream.events) if event.is_done]
    last = len(stream.events) - 1
    if stream.runs_to_its_end and done != [last]:
        yield Finding(
            expected="[DONE] once, as the last event",
            actual=f"{len(done)} [DONE] in {last + 1} events",
            pointer=f"/events/{done[0] if done else max(last, 0)}",
            ids=rows,
        )


@check("META-061", when=lambda s: bool(s.indices), witness=True)
def chunks_agree_and_each_choice_ends_once(stream: Streamed) -> Iterator[Note]:
    """All chunks share id, created and model; each choice has one finish, its last."""
    own = spec.rows("response-id", api=stream.exchange.api)
    yield Witness(("META-061", *own))
    for name in ("id", "created", "model"):
        values = [(i, c[name]) for i, c in enumerate(stream.chunks) if name in c]
        for i, value in values:
            if value != values[0][1]:
                yield Finding(
                    expected=f"{values[0][1]!r}, as in the first chunk",
                    actual=value,
                    pointer=f"/chunks/{i}/{name}",
                    # several ids identify no response
                    ids=("META-061", *(own if name == "id" else ())),
                )
                break
    if not stream.is_sound:
        return
    for index in stream.indices:
        located = stream.located(index)
        for violation in violations(choice for _, choice in located):
            found = (
                "the end of the stream"
                if violation.piece is None
                else violation.piece.value
            )
            yield Finding(
                expected=f"choice {index}: a legal step while {violation.state.value}",
                actual=found,
                pointer=located[min(violation.position, len(located) - 1)][0],
                ids=("META-061",),
            )


@check(
    *spec.rows("stream-usage", "stream-usage-at-end", "stream-usage-unasked"),
    witness=True,
)
def usage_is_streamed_when_asked_for(stream: Streamed) -> Iterator[Note]:
    """Usage is streamed, once and at the end, if and only if it was asked for."""
    if not stream.is_sound:
        return
    options, usages, own = stream.options, stream.usages, stream.own_usage
    is_continuous = bool(options.get("continuous_usage_stats"))
    if options.get("include_usage") is True:
        yield Witness(own)
        if not usages:
            yield Finding("a usage object", "none", kind="silent", ids=own)
        elif not is_continuous:
            yield from _once_at_the_end(stream)
    elif not is_continuous:
        # chat alone says so in a row of its own
        rows = ("META-063", *(own if stream.exchange.api == "chat" else ()))
        yield Witness(rows)
        if usages:
            yield Finding(
                expected="no usage in chunks: it was not asked for",
                actual=f"usage in {len(usages)} chunks",
                kind="silent",
                ids=rows,
            )


def _once_at_the_end(stream: Streamed) -> Iterator[Note]:
    # completions alone say so in a row of their own
    own = stream.own_usage if stream.exchange.api == "completions" else ()
    rows = ("META-062", *own)
    yield Witness(rows)
    usages, last = stream.usages, stream.chunks[-1]
    place = f"/chunks/{len(stream.chunks) - 1}"
    if len(usages) > 1 or not isinstance(last.get("usage"), dict):
        yield Finding(
            expected="usage once, in the last chunk",
            actual=f"usage in {len(usages)} chunks",
            ids=rows,
        )
    elif last.get("choices"):
        yield FollowedReading("with the last choice", ids=("META-062",))
        yield Finding(
            expected="no choices in the usage chunk (A-099)",
            actual=f"{len(last['choices'])} choices",
            pointer=f"{place}/choices",
            ids=("META-062",),
        )
    else:
        yield FollowedReading("last chunk", ids=("META-062",))


def _counts_along_the_way(stream: Streamed) -> bool:
    options = stream.options
    is_asked = all(
        options.get(name) is True
        for name in ("include_usage", "continuous_usage_stats")
    )
    return is_asked and bool(stream.usages) and stream.is_sound


@check("META-064", when=_counts_along_the_way)
def continuous_usage_never_falls(stream: Streamed) -> Iterator[Note]:
    """With continuous_usage_stats completion_tokens only grow, up to their end."""
    last: dict[object, int] = {}
    for i, chunk in enumerate(stream.chunks):
        usage = chunk.get("usage")
        count = usage.get("completion_tokens") if isinstance(usage, dict) else None
        if not isinstance(count, int | float) or not is_whole(count):
            continue
        choices = chunk.get("choices") or [{}]
        # of several choices each may be counted by itself; the last chunk counts all
        key = choices[0].get("index") if stream.n > 1 else None
        if count < last.get(key, 0):
            yield Finding(
                expected=f"at least {last[key]}",
                actual=count,
                pointer=f"/chunks/{i}/usage/completion_tokens",
            )
            return
        last[key] = int(count)
    if len(stream.usages) < 2 and len(stream.chunks) > 2:
        yield Finding(
            expected="usage in the chunks along the way",
            actual=f"usage in {len(stream.usages)} of {len(stream.chunks)} chunks",
            kind="silent",
        )
    yield from _counted_to_the_end(stream)


def _counted_to_the_end(stream: Streamed) -> Iterator[Note]:
    """The last piece of an only choice counts all tokens, an end token aside."""
    counts = [
        (i, usage["completion_tokens"])
        for i, chunk in enumerate(stream.chunks)
        if chunk.get("choices") and isinstance(usage := chunk.get("usage"), dict)
        if is_whole(usage.get("completion_tokens"))
    ]
    total = stream.usages[-1].get("completion_tokens")
    if stream.n > 1 or not counts or not isinstance(total, int | float):
        return
    place, last = counts[-1]
    if last < total - 1:
        yield Finding(
            expected=f"{total}: all tokens so far",
            actual=last,
            pointer=f"/chunks/{place}/usage/completion_tokens",
        )


@check("CHAT-RES-025", when=lambda s: s.is_sound and bool(s.indices), witness=True)
def a_chat_stream_says_who_speaks(stream: Streamed) -> Iterator[Note]:
    """Some delta of each choice has the role, by which clients know the message."""
    if stream.exchange.api != "chat":
        return
    rows = ("CHAT-RES-025",)
    yield Witness(rows)
    for index in stream.indices:
        located = stream.located(index)
        deltas = [choice.get("delta") for _, choice in located]
        if not any(isinstance(delta, dict) and delta.get("role") for delta in deltas):
            yield Finding(
                expected="the role assistant in a delta",
                actual=f"none in {len(deltas)} deltas",
                pointer=f"{located[0][0]}/delta",
                ids=rows,
            )
            return
