"""Which scenarios exercise which requirements.

A selection keeps every scenario that can add evidence or a finding to a selected
row, and a row's verdict says why it was not exercised: both ask here. The answer
errs on the side of more: one that may exercise a row does.
"""

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Api, Observation
from aios_conformance.conformance.terms.scenario import PlannedScenario
from aios_conformance.conformance.terms.views import Record, Stream
from aios_conformance.spec import Nodes, api_of, apis, nodes


class Traceability:
    """The relation between scenarios and rows of one catalogue."""

    def __init__(self, known: Catalogue) -> None:
        """`known` is the catalogue whose rows are exercised."""
        self.known = known

    def exercises(self, scenario: PlannedScenario, row: str) -> bool:
        """The scenario can add evidence or a finding to the row."""
        if any(row in step.serves for step in scenario.steps):
            return True
        is_spoken_of = not self.apis(row).isdisjoint(scenario.apis)
        parts = self.known.requirements[row].parts
        if parts is not None and is_spoken_of and not parts.topics:
            return True
        if any(self.exercises(scenario, part) for part in self.parts.get(row, ())):
            return True
        for check in self.declaring(row):
            is_relation = bool(check.on) and issubclass(check.view, Observation)
            if is_exercised(check, scenario) and (is_spoken_of or is_relation):
                return True
        return row in self.annotated and is_spoken_of

    @cached_property
    def parts(self) -> Mapping[str, tuple[str, ...]]:
        """By row the rows of some topics that it consists of."""
        rows = self.known.requirements.values()
        return {
            row.id: tuple(r.id for r in rows if r.topic in topics and r is not row)
            for row in rows
            if (topics := row.parts.topics if row.parts else ())
        }

    def declaring(self, row: str) -> Iterator[Check]:
        """The checks that declare a row, or may name it.

        A check of some probes that tells its rows by the dialect may name any row.
        """
        return (
            check
            for check in self.known.checks
            if row in check.ids or row in check.names or _names_freely(check)
        )

    def apis(self, row: str) -> frozenset[Api]:
        """The APIs that a row speaks of."""
        return apis_of(self.known, row)

    @cached_property
    def annotated(self) -> frozenset[str]:
        """Rows that the schemas of answers embody."""
        walk = nodes(self.known.dialect)
        responses = [
            operation.get("responses")
            for item in walk.document["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict)
        ]
        schemas = walk.document.get("components", {}).get("schemas", {})
        streamed = [schemas[name] for name in schemas if name.endswith("Chunk")]
        return frozenset(annotations(walk, [*responses, *streamed]))


def apis_of(known: Catalogue, row: str) -> frozenset[Api]:
    """The APIs whose operations a row names."""
    return _apis(tuple(known.requirements[row].operations), known.dialect)


@cache
def _apis(operations: tuple[str, ...], dialect: str) -> frozenset[Api]:
    return frozenset(api_of(each, dialect=dialect) for each in operations)


def _names_freely(check: Check) -> bool:
    return bool(check.witness and check.on and not (check.ids or check.names))


def is_exercised(check: Check, scenario: PlannedScenario) -> bool:
    """The check judges observations of the scenario, or answers to its requests."""
    if not is_on(check, scenario.probe):
        return False
    if issubclass(check.view, Observation | Record):
        return True
    if issubclass(check.view, Stream):
        return any(api.streams for api in apis().values() if api.name in scenario.apis)
    api = view_api(check)
    return api is None or api in scenario.apis


def is_on(check: Check, probe: str) -> bool:
    """The check applies to what this probe sends."""
    return not check.on or any(
        probe == name or (name.endswith(".") and probe.startswith(name))
        for name in check.on
    )


def view_api(check: Check) -> Api | None:
    """The API whose answers a check's view is made of; None: of any."""
    member = getattr(check.view, "__dataclass_fields__", {}).get("api")
    api: Api | None = member.default if member is not None else None
    return api


def annotations(walk: Nodes, roots: list[Any]) -> set[str]:
    """All `x-requirements` below some nodes, references followed once."""
    found = walk.below(roots)
    return {row for node in found for row in node.get("x-requirements", ())}
