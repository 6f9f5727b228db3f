"""Requirements as pytest items, and what each of them says.

Items know nothing of the run: they ask for their outcome, a few plain values that
travel as JSON from the recording process to xdist's workers.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Literal

import pytest

from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.reporting.wording import paragraph
from aios_conformance.conformance.terms.visible import visible
from aios_conformance.spec import (
    Level,
    Requirement,
    SpecError,
    requirement,
    requirements,
)

NODE = "aios-conformance"
_ITEM = re.compile(rf"{NODE}::test_requirement\[(?P<id>[^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item ends, and why."""

    kind: Literal["passed", "failed", "skipped", "xfailed", "error"]
    text: str = ""
    verdict: str = ""


OutcomeOf = Callable[[str], Outcome]


def judged_requirements(dialect: str) -> list[Requirement]:
    """The rows that are items: MUST and SHOULD, seen on the wire."""
    return [
        row
        for row in requirements(dialect)
        if row.excluded is None and row.level is not Level.MAY
    ]


def item_id(nodeid: str) -> str:
    """The requirement that a node id names; OptionError when it names none."""
    match = _ITEM.fullmatch(nodeid)
    if match is None:
        raise OptionError(
            f"{nodeid} names no item of the suite",
            code="bad-item",
            hint=f"items look like {NODE}::test_requirement[RERANK-SEM-006]",
        )
    try:
        return requirement(match["id"]).id
    except SpecError as error:
        raise OptionError(str(error), code="bad-item") from error


def usage_error(error: OptionError) -> pytest.UsageError:
    """The error as pytest shows it, in one paragraph."""
    return pytest.UsageError(visible(paragraph(error)))


class RequirementFailed(Exception):  # noqa: N818  its name is never shown
    """An item that fails or errs; the message is all there is to say."""


class Suite(pytest.File):
    """All requirements of a dialect, wherever pytest was started."""

    rows: tuple[Requirement, ...]
    outcome_of: OutcomeOf

    @classmethod
    def of(
        cls,
        session: pytest.Session,
        rows: Iterable[Requirement],
        outcome_of: OutcomeOf,
    ) -> "Suite":
        """The suite as a child of the session."""
        # a path that need not exist: node ids are the same wherever pytest is started
        suite: Suite = cls.from_parent(session, path=session.config.rootpath / NODE)
        suite.rows = tuple(rows)
        suite.outcome_of = outcome_of
        return suite

    def collect(self) -> Iterator["RequirementItem"]:
        """One item for each requirement."""
        for row in self.rows:
            name = f"test_requirement[{row.id}]"
            # stated, so that pytest reads the bracket as a parameter: else --lf
            # would not know the item again
            item: RequirementItem = RequirementItem.from_parent(
                self, name=name, nodeid=f"{NODE}::{name}"
            )
            item.row = row
            item.extra_keyword_matches.add(row.topic)
            item.outcome_of = self.outcome_of
            item.user_properties += [("level", str(row.level)), ("api", row.api)]
            yield item


class RequirementItem(pytest.Item):
    """One requirement."""

    row: Requirement
    outcome_of: OutcomeOf

    def setup(self) -> None:
        """An error of the suite itself shows as pytest's error."""
        outcome = self.outcome_of(self.row.id)
        self.user_properties.append(("verdict", outcome.verdict))
        if outcome.kind == "error":
            raise RequirementFailed(outcome.text)

    def runtest(self) -> None:
        """End as the verdict says."""
        outcome = self.outcome_of(self.row.id)
        if outcome.kind == "failed":
            raise RequirementFailed(outcome.text)
        if outcome.kind == "skipped":
            raise pytest.skip.Exception(outcome.text)
        if outcome.kind == "xfailed":
            raise pytest.xfail.Exception(outcome.text)

    def repr_failure(  # type: ignore[override]
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> object:
        """What was found, without a traceback: the fault is not in this code."""
        if isinstance(excinfo.value, RequirementFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[PathLike[str], int | None, str]:
        """Where it stands: no file, but the suite itself."""
        return self.path, 0, self.name
