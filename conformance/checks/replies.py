"""Chat answers of requests that may be answered, whole or streamed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.conformance.terms.views import ChatAnswer

Choice = Mapping[str, Any]


@dataclass(frozen=True)
class ChatReply(ChatAnswer):
    """A success of chat, whole or streamed, of a request that may be answered."""

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Answers that can be read, but to requests that had to be refused."""
        return super().of(exchange, facts) if exchange.expect != "refuse" else None

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
