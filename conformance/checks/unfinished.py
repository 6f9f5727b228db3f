"""What an answer shows that did not end while we waited for it.

That a target is slow breaks no promise. That it goes on beyond its limit of tokens
does, and so does a stream that has no end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aios_conformance import spec
from aios_conformance.conformance.terms.assembled import assembled
from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Exchange, Facts
from aios_conformance.conformance.terms.tolerances import LONGEST_TOKEN
from aios_conformance.conformance.terms.views import View, is_whole

_LIMITS = {
    "max_completion_tokens": "max-completion-tokens-obeyed",
    "max_tokens": "max-tokens-obeyed",
}


@dataclass(frozen=True)
class Unfinished(View):
    """A stream of chat or completions that was cut off by us, as far as it came."""

    body: Mapping[str, Any]

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Streams of valid requests that timed out, broke off or grew too long."""
        seen = exchange.partial or exchange.response
        is_cut = exchange.partial is not None or bool(seen and seen.broken)
        is_ours = exchange.api in ("chat", "completions")
        if seen is None or not (is_ours and is_cut) or exchange.expect == "refuse":
            return None
        body = assembled(seen.events)
        return None if body is None else cls(exchange, facts, body)

    @property
    def texts(self) -> Iterator[str]:
        """All that was generated, choice by choice."""
        for choice in self.body["choices"]:
            message = choice.get("message") or {}
            calls = message.get("tool_calls") or ()
            parts = [choice.get("text"), message.get("content")]
            parts += [message.get("reasoning_content")]
            parts += [call["function"]["arguments"] for call in calls]
            yield "".join(part for part in parts if isinstance(part, str))


@check(witness=True)  # the rows that it names are others to show kept
def what_has_no_end_breaks_its_limit(answer: Unfinished) -> Iterator[Note]:
    """No choice goes on for longer than the longest tokens of its limit could be."""
    sent = answer.exchange.request.json
    given = {name: sent.get(name) for name in _LIMITS if is_whole(sent.get(name))}
    if not given or sent.get("echo"):
        return
    limit = max(given.values())
    longest = max((len(text) for text in answer.texts), default=0)
    if longest > max(limit, 1) * LONGEST_TOKEN:
        topics = [_LIMITS[name] for name in given]
        yield Finding(
            expected=f"an end after at most {limit} tokens",
            actual=f"{longest} characters, and no end",
            ids=spec.rows(
                *topics, "limit-bounds-count", "stream-format", api=answer.exchange.api
            ),
        )
