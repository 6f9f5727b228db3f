"""What the pieces of a stream say along the way, of which only the last is kept.

A stream that is put together has one usage and one id for each call: what other
chunks say of them is judged here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.checks.streams import Streamed
from aios_conformance.conformance.terms.check import Finding, Note, Witness, check
from aios_conformance.conformance.terms.views import is_whole


def _has_several(stream: Streamed) -> bool:
    return stream.is_sound and len(stream.usages) > 1


@check(
    "CHAT-RES-020",
    "COMP-RES-013",
    "META-038",
    "COMMON-RES-010",
    when=_has_several,
    evidence=0,  # what continuous_usage_stats means is not said: the last one will do
    witness=True,
)
def each_usage_along_the_way_is_right(stream: Streamed) -> Iterator[Note]:
    """Each usage of a stream counts the same prompt, and adds up."""
    own = spec.rows("prompt-tokens-integer", api=stream.exchange.api)
    last = stream.usages[-1].get("prompt_tokens")
    yield Witness((*own, "META-038", "COMMON-RES-010"))
    for i, chunk in enumerate(stream.chunks):
        usage = chunk.get("usage")
        if not isinstance(usage, dict):
            continue
        prompt, total = usage.get("prompt_tokens"), usage.get("total_tokens")
        if is_whole(prompt) and is_whole(last) and prompt != last:
            yield Finding(
                expected=f"{last}, as at the end",
                actual=prompt,
                pointer=f"/chunks/{i}/usage/prompt_tokens",
                ids=("META-038", *(() if prompt else own)),
            )
            return
        parts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
        added = [n for n in parts if isinstance(n, int | float) and is_whole(n)]
        if is_whole(total) and len(added) == len(parts) and total != sum(added):
            yield Finding(
                expected=f"{sum(added)}: {added[0]} + {added[1]}",
                actual=total,
                pointer=f"/chunks/{i}/usage/total_tokens",
                ids=("COMMON-RES-010",),
            )
            return


def _parts(stream: Streamed, index: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The pieces of calls of one choice, each with its pointer."""
    for pointer, choice in stream.located(index):
        delta = choice.get("delta")
        parts = delta.get("tool_calls") if isinstance(delta, dict) else None
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict):
                yield f"{pointer}/delta/tool_calls/{place}", part


def _calls(stream: Streamed) -> bool:
    return stream.is_sound and any(any(_parts(stream, i)) for i in stream.indices)


@check("CHAT-SEM-020", when=_calls)
def a_call_has_one_id(stream: Streamed) -> Iterator[Note]:
    """All pieces of a call that have an id have the same."""
    for index in stream.indices:
        known: dict[object, object] = {}
        for pointer, part in _parts(stream, index):
            one = part.get("id")
            if part.get("index") is None:
                continue  # which call it belongs to is not known
            first = known.setdefault(part.get("index"), one) if one else one
            if one != first:
                yield Finding(
                    expected=f"{first!r}, as in the first piece of the call",
                    actual=one,
                    pointer=f"{pointer}/id",
                )
                return
