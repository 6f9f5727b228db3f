"""Chat answers in one form, whether they came whole or streamed.

The deltas of a stream are put together as clients do it: contents and arguments are
joined, and what names a call (id, type, name) comes with its first piece. So a check
of what a message says and calls holds for streams as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from aios_conformance.conformance.checks.streams import Streamed
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.conformance.terms.views import ChatAnswer, View, is_whole

Choice = Mapping[str, Any]


@dataclass(frozen=True)
class ChatReply(View):
    """A success of chat, whole or streamed, of a request that may be answered."""

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Whole answers that can be read, and streams that run to their end."""
        if exchange.api != "chat" or exchange.expect == "refuse":
            return None
        stream = Streamed.of(exchange, facts)
        is_read = stream.is_sound if stream else ChatAnswer.of(exchange, facts)
        return cls(exchange, facts) if is_read else None

    @property
    def is_streamed(self) -> bool:
        """Put together from chunks."""
        return self.exchange.is_stream

    @cached_property
    def choices(self) -> Sequence[Choice]:
        """The choices of a whole answer, or those that a stream joins to."""
        if self.is_streamed:
            stream = Streamed(self.exchange, self.facts)
            return [joined(index, stream.pieces(index)) for index in stream.indices]
        return ChatAnswer(self.exchange, self.facts).choices

    @property
    def usage(self) -> Mapping[str, Any]:
        """The usage, of a stream the last that it tells; {} where there is none."""
        if self.is_streamed:
            usages = Streamed(self.exchange, self.facts).usages
            return usages[-1] if usages else {}
        return ChatAnswer(self.exchange, self.facts).usage

    @property
    def is_full(self) -> bool:
        """So many tokens were generated that the limit must have cut it short."""
        count = self.usage.get("completion_tokens")
        limits = (self.sent.get(n) for n in ("max_completion_tokens", "max_tokens"))
        given = [limit for limit in limits if isinstance(limit, int | float)]
        if not given or not isinstance(count, int | float):
            return False
        return count >= min(given) * max(1, len(self.choices))

    @property
    def tools(self) -> list[Mapping[str, Any]]:
        """The functions that the request offers, as they were sent."""
        tools = self.sent.get("tools")
        return [
            tool["function"]
            for tool in (tools if isinstance(tools, list) else ())
            if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
        ]


def reply(seen: Observation, label: str) -> ChatReply | None:
    """The reply of a step; None where there is none that can be read."""
    exchange = seen.steps.get(label)
    return ChatReply.of(exchange, seen.facts) if exchange else None


def calls(choice: Choice) -> Sequence[Any]:
    """The calls of a choice; () where the member is missing or no list."""
    found = choice["message"].get("tool_calls")
    return found if isinstance(found, list) else ()


def joined(index: int, pieces: Sequence[Choice]) -> Choice:
    """The choice that the pieces of a stream add up to."""
    deltas = [d for d in (p.get("delta") for p in pieces) if isinstance(d, dict)]
    finishes = [p.get("finish_reason") for p in pieces]
    texts = [d["content"] for d in deltas if isinstance(d.get("content"), str)]
    return {
        "index": index,
        "message": {
            "content": "".join(texts) if texts else None,
            "tool_calls": _joined_calls(deltas),
        },
        "logprobs": _joined_scores(pieces),
        "finish_reason": next((f for f in finishes if f is not None), None),
    }


def _joined_scores(pieces: Sequence[Choice]) -> Mapping[str, Any] | None:
    """The log probabilities of all pieces, in OpenAI's layout; None without any."""
    given = [p["logprobs"] for p in pieces if isinstance(p.get("logprobs"), dict)]
    lists = [g["content"] for g in given if isinstance(g.get("content"), list)]
    return {"content": [entry for each in lists for entry in each]} if lists else None


def _joined_calls(deltas: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The calls, by their index; a piece without one counts by its place."""
    found: dict[int, dict[str, Any]] = {}
    for number, part in _parts(deltas):
        call = found.setdefault(
            number,
            {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
        )
        call["id"] = call["id"] or part.get("id") or ""
        call["type"] = part.get("type") or call["type"]
        function = part.get("function")
        for name in call["function"]:
            text = function.get(name) if isinstance(function, dict) else None
            call["function"][name] += text if isinstance(text, str) else ""
    return [found[number] for number in sorted(found)]


def _parts(
    deltas: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for delta in deltas:
        given = delta.get("tool_calls")
        for place, part in enumerate(given if isinstance(given, list) else ()):
            if isinstance(part, dict):
                index: Any = part.get("index")
                yield (int(index) if is_whole(index) else place), part
