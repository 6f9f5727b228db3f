"""The tokens that an API counts, one step beside another.

Embeddings and score count prompt_tokens, rerank total_tokens; what a limit promises
of them (A-046) is the same arithmetic.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from aios_conformance.conformance.checks.observed import answer, answered
from aios_conformance.conformance.terms.check import Finding, Note
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.views import Answer, is_whole

_NARROWING = ("narrow", "wide", "unlimited")
_LIMITED = ("narrow", "wide")

A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Counted(Generic[A]):
    """One member of `usage` in the answers of one API.

    `inputs` tells how many inputs of the model a request holds: a limit is the
    tokens of each of them.
    """

    kind: type[A]
    member: str
    inputs: Callable[[A], int]

    @property
    def pointer(self) -> str:
        """Where the count stands in an answer."""
        return f"/usage/{self.member}"

    def has(self, seen: Observation, *labels: str) -> bool:
        """All these steps are answered with a whole count."""
        return answered(self.kind, *labels)(seen) and all(
            is_whole(count) and count >= 0
            for count in (self._told(seen, label) for label in labels)
        )

    def of(self, seen: Observation, label: str) -> int:
        """The count of a step that `has` one."""
        return int(self._told(seen, label))

    def same(self, seen: Observation, one: str, other: str) -> Iterator[Note]:
        """Two steps count the same."""
        if self.has(seen, one, other) and self.of(seen, one) != self.of(seen, other):
            yield Finding(
                expected=f"{self.of(seen, one)}, as in step {one}",
                actual=self.of(seen, other),
                pointer=self.pointer,
                step=other,
            )

    def is_narrowed(self, seen: Observation) -> bool:
        """The same request was counted under two limits and under none."""
        return self.has(seen, *_NARROWING)

    def narrowing(self, seen: Observation) -> Iterator[Note]:
        """The count does not grow as the limit shrinks."""
        for tighter, looser in pairwise(_NARROWING):
            if self.of(seen, tighter) > self.of(seen, looser):
                yield Finding(
                    expected=f"at most {self.of(seen, looser)}, as in step {looser}",
                    actual=self.of(seen, tighter),
                    pointer=self.pointer,
                    step=tighter,
                )

    def is_bounding(self, seen: Observation) -> bool:
        """A limit was sent that the same request without a limit goes beyond."""
        return bool(self._exceeded(seen))

    def bounded(self, seen: Observation) -> Iterator[Note]:
        """The count is at most the limit times the number of model inputs."""
        for label in self._exceeded(seen):
            most, counted = self._most(seen, label), self.of(seen, label)
            if counted > most:
                yield Finding(
                    expected=f"at most {most}",
                    actual=counted,
                    pointer=self.pointer,
                    kind="silent",
                    step=label,
                )

    def _exceeded(self, seen: Observation) -> list[str]:
        if not self.is_narrowed(seen):
            return []
        unlimited = self.of(seen, "unlimited")
        return [label for label in _LIMITED if unlimited > self._most(seen, label)]

    def _most(self, seen: Observation, label: str) -> int:
        view = answer(self.kind, seen, label)
        return self.inputs(view) * int(view.sent["truncate_prompt_tokens"])

    def _told(self, seen: Observation, label: str) -> Json:
        return answer(self.kind, seen, label).usage.get(self.member)
