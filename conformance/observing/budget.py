"""The ledger that keeps a run within the limits that a user sets."""

import asyncio
from dataclasses import dataclass, field

from aios_conformance.conformance.terms.cost import NOTHING, Cost


@dataclass(slots=True)
class Budget:
    """Counts what a run spends and says when a limit is reached.

    A request is reserved with its ceiling and settled with what it cost, so that
    requests in flight can never exceed a limit together. What is spent here counts in
    the ledger `beyond` too, which holds the limits that several runs have in common.
    `narrowing` are the requests that may still tell what a valid one was refused for.
    """

    max_requests: int | None = None
    max_tokens: int | None = None
    spent: Cost = NOTHING
    beyond: "Budget | None" = None
    narrowing: int | None = None
    _reserved: Cost = NOTHING
    _settled: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def reserve(self, most: Cost) -> str | None:
        """Reserve a request; the limit that forbids it, or None when it may go."""
        if self.beyond is not None:
            limit = await self.beyond.reserve(most)
            if limit is not None:
                return limit
        async with self._settled:
            while (limit := self._exceeded(most)) and self._reserved.requests:
                await self._settled.wait()
            if limit is None:
                self._reserved += most
            return limit

    async def settle(self, most: Cost, actual: Cost) -> None:
        """Replace a reservation by what was spent; 0 requests if none was sent."""
        if self.beyond is not None:
            await self.beyond.settle(most, actual)
        async with self._settled:
            self._reserved = Cost(
                self._reserved.prompt - most.prompt,
                self._reserved.completion - most.completion,
                self._reserved.requests - most.requests,
            )
            self.spent += actual
            self._settled.notify_all()

    def narrows(self) -> bool:
        """Take one of the requests that narrow down a refusal, if one is left."""
        if self.narrowing is None:
            return True
        self.narrowing -= 1
        return self.narrowing >= 0

    def _exceeded(self, more: Cost) -> str | None:
        total = self.spent + self._reserved + more
        if self.max_requests is not None and total.requests > self.max_requests:
            return f"--max-requests {self.max_requests}"
        if self.max_tokens is not None and total.tokens > self.max_tokens:
            return f"--max-tokens {self.max_tokens}"
        return None
