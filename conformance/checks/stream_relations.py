"""Streams compared with whole answers."""

from collections.abc import Iterator

from aios_conformance.conformance.checks.generated import (
    on,
    rows_of,
    usage_of,
)
from aios_conformance.conformance.checks.scored import are_alike, positions_of
from aios_conformance.conformance.checks.streams import Streamed
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Exchange, Observation
from aios_conformance.conformance.terms.said import choice_of, reasoning_of, text_of

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


_PAIRS = (*((label, "whole") for label in _VARIANTS), ("line_streamed", "line"))
"""Streams, each with the whole answer to the same request."""


@check("META-059", on=on("streams"), witness=True)
def a_stream_ends_as_the_whole_answer(seen: Observation) -> Iterator[Note]:
    """A stream of the same text says why it ended, and scores, as the whole answer."""
    rows = ("META-059",)
    for label, plain in _PAIRS:
        stream = _stream(seen, label)
        whole = choice_of(seen[plain]) if plain in seen.steps else None
        choice = choice_of(seen[label]) if stream else None
        if whole is None or choice is None:
            continue
        if text_of(seen[label]) != text_of(seen[plain]):
            continue
        yield Witness(rows)
        wanted, given = whole.get("finish_reason"), choice.get("finish_reason")
        is_cut = wanted == "length"
        own = rows_of(seen, "cut-finish-reason", "cut-at-exact-limit") if is_cut else ()
        if None not in (wanted, given) and wanted != given:
            yield Finding(
                expected=f"{wanted}, as in the whole answer",
                actual=given,
                pointer="/choices/0/finish_reason",
                step=label,
                ids=(*rows, *own),
            )
        yield from _scored_otherwise(seen, label, plain)


def _scored_otherwise(seen: Observation, label: str, plain: str) -> Iterator[Note]:
    """Log probabilities of a stream that are not those of the whole answer.

    That it has none at all is said of it alone (CHAT-SEM-005, COMP-SEM-003).
    """
    one, other = (positions_of(seen[step], seen.facts) for step in (plain, label))
    if one and other and not are_alike(one, other):
        yield Finding(
            expected=f"the log probabilities of {len(one)} tokens, as in step {plain}",
            actual=f"those of {len(other)}, or others",
            pointer="/choices/0/logprobs",
            step=label,
            ids=("META-059",),
        )


_BLOCKED = 5
"""Times what the whole answer took: waiting so long is no queue of a busy server."""


@check("COMMON-RES-001", on=on("streams"), witness=True)
def a_stream_that_was_left_blocks_no_other(seen: Observation) -> Iterator[Note]:
    """After a client went away from a stream, the next requests are answered.

    One that is merely slow has sent something by then, or took its time before.
    """
    if "left" not in seen.steps or not seen.accepted("whole"):
        return
    rows = ("COMMON-RES-001",)
    for label in (*_VARIANTS, "stopped", "line", "line_streamed"):
        if label not in seen.steps:
            continue
        failure = seen[label].failure or ""
        is_late = failure.startswith("timeout")
        if is_late and _is_slow(seen[label], seen["whole"]):
            continue
        yield Witness(rows)
        if is_late:
            yield Finding(
                expected="an answer, as before a stream was left in the middle",
                actual=failure,
                step=label,
                kind="crash",
                ids=rows,
            )


def _is_slow(late: Exchange, before: Exchange) -> bool:
    """It was on its way when the time was over, or that time is short for it."""
    has_begun = late.partial is not None and bool(late.partial.arrivals)
    return has_begun or late.total_s < _BLOCKED * before.total_s


def _stream(seen: Observation, label: str) -> Streamed | None:
    exchange = seen.steps.get(label)
    stream = Streamed.of(exchange, seen.facts) if exchange else None
    return stream if stream is not None and stream.is_sound else None
