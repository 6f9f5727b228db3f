"""Streams compared with whole answers."""

from collections.abc import Iterator

from aios_conformance.conformance.checks.generated import (
    on,
    rows_of,
    usage_of,
)
from aios_conformance.conformance.checks.streams import Streamed
from aios_conformance.conformance.probes.decoding import (
    choice_of,
    reasoning_of,
    text_of,
)
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Observation

_COUNTERS = ("prompt_tokens", "completion_tokens", "total_tokens")
_VARIANTS = ("streamed", "with_usage", "continuous")


@check("META-059", on=on("streams"), witness=True)
def streamed_text_is_the_whole_text(seen: Observation) -> Iterator[Note]:
    """At temperature 0 the pieces of a stream are the text of the whole answer."""
    rows = ("META-059",)
    whole = text_of(seen["whole"]) if "whole" in seen.steps else None
    reasoning = reasoning_of(seen["whole"]) if "whole" in seen.steps else ""
    if whole is None and not reasoning:
        return
    whole = whole or ""
    for label in _VARIANTS:
        stream = _stream(seen, label)
        if stream is None:
            continue
        yield Witness(rows)
        if stream.text() != whole:
            # what goes on where the limit cut the whole answer is beyond the limit
            cut = choice_of(seen["whole"]) or {}
            is_cut = cut.get("finish_reason") == "length"
            is_beyond = is_cut and stream.text().startswith(whole)
            limits = rows_of(seen, "limit-bounds-count", "max-tokens-obeyed")
            yield Finding(
                expected=f"{whole!r}, as in the whole answer",
                actual=stream.text(),
                step=label,
                ids=(*rows, *limits) if is_beyond else rows,
                drift=is_drift(whole, stream.text()),
            )
        elif reasoning_of(seen[label]) != reasoning:
            yield Finding(
                expected=f"the reasoning {reasoning!r}, as in the whole answer",
                actual=reasoning_of(seen[label]),
                pointer="/choices/0/message/reasoning_content",
                step=label,
                ids=rows,
                drift=is_drift(reasoning, reasoning_of(seen[label])),
            )
    halted = _stream(seen, "stopped")
    if halted is not None:
        stop = halted.sent["stop"][-1]
        wanted = whole.partition(stop)[0]
        before, _, after = halted.text().partition(stop)
        # that nothing follows the stop string, that it is no part of the text, and that
        # nothing else stops it are other rows' promises
        if not wanted.startswith(before) and not after:
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


@check("COMMON-RES-001", on=on("streams"), witness=True)
def a_stream_that_was_left_blocks_no_other(seen: Observation) -> Iterator[Note]:
    """After a client went away from a stream, the next requests are answered."""
    if "left" not in seen.steps or not seen.accepted("whole"):
        return
    rows = ("COMMON-RES-001",)
    for label in (*_VARIANTS, "stopped", "line", "line_streamed"):
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


def _stream(seen: Observation, label: str) -> Streamed | None:
    exchange = seen.steps.get(label)
    stream = Streamed.of(exchange, seen.facts) if exchange else None
    return stream if stream is not None and stream.is_sound else None
