"""Streams compared with whole answers, and tool calls put together from deltas."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import orjson

from aios_conformance.conformance.checks.generated import on, usage_of
from aios_conformance.conformance.checks.streams import Streamed
from aios_conformance.conformance.probes.decoding import text_of
from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.views import is_whole

_COUNTERS = ("prompt_tokens", "completion_tokens", "total_tokens")
_VARIANTS = ("streamed", "with_usage", "without_usage", "continuous", "null_options")


@check("COMMON-RES-001", on=on("streams"), witness=True)
def a_stream_that_was_left_blocks_no_other(seen: Observation) -> Iterator[Note]:
    """After a client went away from a stream, the next requests are answered."""
    if "left" not in seen.steps or not seen.accepted("whole"):
        return
    rows = ("COMMON-RES-001",)
    for label in (*_VARIANTS, "stopped"):
        if label not in seen.steps:
            continue
        yield Witness(rows)
        failure = seen[label].failure or ""
        if failure.startswith("timeout"):
            yield Finding(
                expected="an answer, as before a stream was left in the middle",
                actual=failure,
                step=label,
                kind="crash",
                ids=rows,
            )


@check("META-059", on=on("streams"), witness=True)
def streamed_text_is_the_whole_text(seen: Observation) -> Iterator[Note]:
    """At temperature 0 the pieces of a stream are the text of the whole answer."""
    rows = ("META-059",)
    whole = text_of(seen["whole"]) if "whole" in seen.steps else None
    if whole is None:
        return
    for label in _VARIANTS:
        stream = _stream(seen, label)
        if stream is None:
            continue
        yield Witness(rows)
        if stream.text() != whole:
            yield Finding(
                expected=f"{whole!r}, as in the whole answer",
                actual=stream.text(),
                step=label,
                ids=rows,
                drift=is_drift(whole, stream.text()),
            )
    halted = _stream(seen, "stopped")
    if halted is not None:
        stop = str(halted.sent.get("stop"))
        wanted = whole.partition(stop)[0]
        before, _, after = halted.text().partition(stop)
        # that nothing follows the stop string, and that it is no part of the text,
        # are other rows' promises
        if before != wanted and not after:
            yield Finding(
                expected=f"{wanted!r}: the whole text up to the stop string",
                actual=halted.text(),
                step="stopped",
                ids=rows,
                drift=is_drift(wanted, halted.text()),
            )


@check("META-062", "META-064", on=on("streams"), witness=True)
def streamed_usage_is_the_whole_usage(seen: Observation) -> Iterator[Note]:
    """The streamed usage is that of the whole answer, as far as their texts agree."""
    whole = text_of(seen["whole"]) if "whole" in seen.steps else None
    if whole is None:
        return
    for label, row in (("with_usage", "META-062"), ("continuous", "META-064")):
        stream = _stream(seen, label)
        if stream is None or not stream.usages:
            continue
        yield Witness((row,))
        is_same = stream.text() == whole
        for name in _COUNTERS if is_same else _COUNTERS[:1]:
            wanted = usage_of(seen["whole"], name)
            given = stream.usages[-1].get(name)
            if wanted is not None and wanted != given:
                yield Finding(
                    expected=f"{wanted}, as in the whole answer",
                    actual=given,
                    pointer=f"/usage/{name}",
                    step=label,
                    ids=(row,),
                )


@check(on="chat.tools.streamed", witness=True, names=("META-080", "CHAT-SEM-020"))
def call_deltas_join_to_calls(stream: Streamed) -> Iterator[Note]:
    """Tool-call deltas of one index join to one offered call with fitting arguments."""
    if stream.exchange.api != "chat" or not stream.is_sound:
        return
    offered = _offered(stream)
    for index in stream.indices:
        pieces = stream.pieces(index)
        calls = _joined(pieces)
        is_cut = any(piece.get("finish_reason") == "length" for piece in pieces)
        if not calls or is_cut:
            continue
        yield Witness(("META-080", "CHAT-SEM-020"))
        for number, call in sorted(calls.items()):
            yield from _misfits(call, offered, f"/choices/{index}/tool_calls/{number}")


def _misfits(
    call: Mapping[str, str], offered: Mapping[str, Any], pointer: str
) -> Iterator[Finding]:
    rows = ("META-080", "CHAT-SEM-020")
    arguments = _parsed(call["arguments"])
    if call["name"] not in offered:
        yield Finding(
            expected=f"one of {sorted(offered)}",
            actual=call["name"],
            pointer=f"{pointer}/function/name",
            ids=("CHAT-SEM-020",),
        )
    if not isinstance(arguments, dict):
        yield Finding(
            expected="arguments that join to a JSON object",
            actual=call["arguments"],
            pointer=f"{pointer}/function/arguments",
            ids=rows,
        )
        return
    wanted = offered.get(call["name"])
    if wanted and not jsonschema_rs.is_valid(wanted, arguments):
        yield Finding(
            expected="arguments that satisfy the offered parameters",
            actual=call["arguments"],
            pointer=f"{pointer}/function/arguments",
            ids=("META-080",),
        )


def _joined(pieces: list[Mapping[str, Any]]) -> dict[int, dict[str, str]]:
    """The calls of one choice, by their index: names and arguments put together."""
    calls: dict[int, dict[str, str]] = {}
    for piece in pieces:
        delta = piece.get("delta")
        parts = delta.get("tool_calls") if isinstance(delta, dict) else None
        for part in parts if isinstance(parts, list) else ():
            number = part.get("index") if isinstance(part, dict) else None
            if not isinstance(number, int | float) or not is_whole(number):
                continue
            call = calls.setdefault(int(number), {"name": "", "arguments": ""})
            function = part.get("function")
            for name in call:
                text = function.get(name) if isinstance(function, dict) else None
                call[name] += text if isinstance(text, str) else ""
    return calls


def _offered(stream: Streamed) -> dict[str, Any]:
    """The parameter schemas of the offered functions, by name."""
    tools = stream.sent.get("tools")
    functions = [tool["function"] for tool in tools] if isinstance(tools, list) else []
    return {f["name"]: f.get("parameters") for f in functions}


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _stream(seen: Observation, label: str) -> Streamed | None:
    exchange = seen.steps.get(label)
    stream = Streamed.of(exchange, seen.facts) if exchange else None
    return stream if stream is not None and stream.is_sound else None


CHECKS: tuple[Check, ...] = (
    streamed_text_is_the_whole_text,
    streamed_usage_is_the_whole_usage,
    call_deltas_join_to_calls,
    a_stream_that_was_left_blocks_no_other,
)
