"""The kill matrix: all trials, and which rows have shown that they can fail."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.catalogue import Catalogue
from conformance.prove.trial import GOOD, Trial
from spec import Requirement


@dataclass(frozen=True)
class Matrix:
    """Trials of one dialect against its catalogue."""

    known: Catalogue
    trials: Sequence[Trial]

    @property
    def defects(self) -> list[Trial]:
        """The broken promises."""
        return [t for t in self.trials if not t.planted.is_variation]

    @property
    def variations(self) -> list[Trial]:
        """The freedoms taken."""
        return [t for t in self.trials if t.planted.is_variation]

    @property
    def bad(self) -> list[Trial]:
        """What speaks against the suite (or against a defect's declaration)."""
        return [t for t in self.trials if t.outcome not in GOOD]

    @property
    def kills(self) -> int:
        """Defects whose primary tripped."""
        return sum(t.outcome in ("killed", "imprecise") for t in self.defects)

    @cached_property
    def killers(self) -> Mapping[str, list[str]]:
        """Requirement → the defects that have shown that it can fail.

        A row has shown it when it tripped as primary or as declared, or when it is
        served by the very check whose other row did.
        """
        found: dict[str, list[str]] = {}
        for trial in self.defects:
            if trial.outcome not in ("killed", "imprecise"):
                continue
            rows = {trial.planted.primary or ""} | {
                row for row in trial.planted.also if row in trial.tripped
            }
            for row in sorted(rows | self._beside(rows)):
                found.setdefault(row, []).append(trial.planted.name)
        return found

    def _beside(self, rows: Iterable[str]) -> set[str]:
        wanted = set(rows)
        beside: set[str] = set()
        for check in self.known.checks:
            ids = set(self.known.ids_of(check))
            if ids & wanted:
                beside |= ids
        return beside

    @property
    def unproved(self) -> list[Requirement]:
        """MUST and SHOULD rows that no defect has tripped."""
        return [
            row
            for row in self.known.scored
            if row.level != "MAY" and row.id not in self.killers
        ]

    @property
    def figures(self) -> dict[str, Any]:
        """The proof in numbers."""
        scored = [row for row in self.known.scored if row.level != "MAY"]
        precise = sum(t.outcome == "killed" for t in self.defects)
        silent = sum(t.outcome == "silent" for t in self.variations)
        return {
            "defects": len(self.defects),
            "killed": self.kills,
            "precise": precise,
            "variations": len(self.variations),
            "silent": silent,
            "requirements": len(scored),
            "proved": len(scored) - len(self.unproved),
        }
