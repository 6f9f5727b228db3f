"""The kill matrix: all trials, and which rows have shown that they can fail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aios_conformance.conformance.prove.trial import GOOD, Trial
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.spec import Requirement


@dataclass(frozen=True, slots=True)
class Proof:
    """What has shown that a row can fail: names of defects, each of them killed."""

    row: Requirement
    primary: tuple[str, ...]  # it is the row that had to notice
    shared: tuple[str, ...]  # a check of the row has caught another row's defect
    declared: tuple[str, ...]  # declared besides, and tripped: no proof by itself

    @property
    def is_given(self) -> bool:
        """The row is a primary, or shares the check that noticed one."""
        return bool(self.primary or self.shared)


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
    def proofs(self) -> Sequence[Proof]:
        """What has shown that each MUST and SHOULD row can fail."""
        killed = [t for t in self.defects if t.outcome in ("killed", "imprecise")]
        primary: dict[str, list[str]] = {}
        shared: dict[str, list[str]] = {}
        declared: dict[str, list[str]] = {}
        for trial in killed:
            name, aim = trial.planted.name, trial.planted.primary or ""
            if aim in trial.tripped:
                primary.setdefault(aim, []).append(name)
            for row in self._beside(trial.found_by.get(aim, ())) - {aim}:
                shared.setdefault(row, []).append(name)
            for row in trial.planted.also.keys() & trial.tripped.keys():
                declared.setdefault(row, []).append(name)
        return [
            Proof(
                row,
                tuple(primary.get(row.id, ())),
                tuple(shared.get(row.id, ())),
                tuple(declared.get(row.id, ())),
            )
            for row in self.known.scored
            if row.level != "MAY"
        ]

    def _beside(self, checks: Iterable[str]) -> set[str]:
        """The rows that are served by some checks."""
        names = set(checks)
        return {
            row
            for check in self.known.checks
            if check.name in names
            for row in self.known.ids_of(check)
        }

    @property
    def unproved(self) -> list[Requirement]:
        """MUST and SHOULD rows that nothing has shown to be able to fail."""
        return [proof.row for proof in self.proofs if not proof.is_given]

    @property
    def figures(self) -> dict[str, Any]:
        """The proof in numbers."""
        precise = sum(t.outcome == "killed" for t in self.defects)
        silent = sum(t.outcome == "silent" for t in self.variations)
        return {
            "defects": len(self.defects),
            "killed": self.kills,
            "precise": precise,
            "variations": len(self.variations),
            "silent": silent,
            "requirements": len(self.proofs),
            "proved": len(self.proofs) - len(self.unproved),
        }
