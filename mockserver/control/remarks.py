"""What a request holds that does not do what its client may think.

Servers ignore members that they do not know, so a slip of the pen changes the answer
without a word. Here it is remarked: in the journal, and once in the log.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Any, Final

from aios_conformance import spec
from aios_conformance.mockserver.control.exchange import Remark, current
from aios_conformance.mockserver.profile.vllm import SAMPLING_MEMBERS, VLLM
from aios_conformance.serving.admission import OBEYED
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.errors import Violation
from aios_conformance.serving.pointers import pointer_to
from aios_conformance.serving.stages import Stages

Members = Mapping[str, Mapping[str, Any]]

Slip = tuple[str, str, frozenset[str]]
"""A place, a name there, and those that are known there."""

_OLD: Final = {"functions": "use tools", "function_call": "use tool_choice"}
"""What OpenAI's API had before, and no document here knows."""

_OF_STREAMS: Final = ("stream_options",)
_UNFELT: Final = frozenset(
    name
    for schema in SAMPLING_MEMBERS.edits["components"]["schemas"].values()
    for name in schema["properties"]
)
_LONGEST: Final = 80  # characters of a name that are looked at
_MOST: Final = 8  # remarks on one request
_DEEPEST: Final = 4  # objects within objects that are looked at
_DIFFERENT: Final = 32  # strange names within a member
_log = logging.getLogger(__name__)


def remarked(stages: Stages, front: Front, *, refuse: bool) -> Stages:
    """Return stages that note remarks in the journal, or `refuse` what has no effect.

    A request that is refused anyway is told of unknown members too: one of them may
    be the missing one, misspelt.
    """
    look = _Look(front)

    def validate(context: RequestContext) -> list[Violation]:
        found = stages.validate(context)
        remarks = look(context)
        if (exchange := current.get(None)) is not None:
            exchange.remarks = remarks
        if not remarks:
            return found
        known = context.operation.members if context.operation else ()
        told = [
            Violation(pointer_to([one.member]), one.message, "unknown")
            for one in remarks
            if one.member not in known and (refuse or (found and one.kind == "unknown"))
        ]
        return [*found, *told]

    return replace(stages, validate=validate)


@dataclass(frozen=True, slots=True)
class _Known:
    """The members of an object, and those of the objects in them."""

    names: frozenset[str]
    inner: Mapping[str, "_Known"]


class _Look:
    """Looks at the members of bodies; says each thing in the log once."""

    def __init__(self, front: Front) -> None:
        self._front = front
        bodies = _bodies(front.contract.document)
        self._known = {name: known for name, (known, _) in bodies.items()}
        self._noted = {
            name: {one.member: one for one in _noted(front, members)}
            for name, (_, members) in bodies.items()
        }
        operations = front.contract.operations
        self._names = {
            name: known.names | (OBEYED if operations[name].about.generates else set())
            for name, known in self._known.items()
        }
        self._plain = {  # of which there is nothing to say
            name: names - self._noted[name].keys() - {*_OF_STREAMS}
            for name, names in self._names.items()
        }
        self._said = lru_cache(1_024)(self._say)

    def __call__(self, context: RequestContext) -> Sequence[Remark]:
        operation, body = context.operation, context.body
        if operation is None:
            return ()
        name = operation.id
        known, said = self._known[name], []
        if not body.keys() <= self._plain[name]:
            noted, names = self._noted[name], self._names[name]
            idle = () if body.get("stream") else _OF_STREAMS
            odd = [m for m in body if m in noted or m in idle or m not in names]
            said = [self._said(name, "", one[:_LONGEST], names) for one in odd[:_MOST]]
        for member, inner in known.inner.items():
            if member in body:
                strange: dict[Slip, None] = {}
                _look_for_slips(body[member], inner, member, strange)
                said += [
                    self._said(name, path, slip[:_LONGEST], others)
                    for path, slip, others in strange
                ]
        return [remark for remark in said if remark is not None][:_MOST]

    def _say(
        self, operation: str, path: str, member: str, known: Collection[str]
    ) -> Remark | None:
        """Return the remark on a member of what stands at a path.

        Within the members of a body only slips of the pen are remarked: clients send
        back messages with much that is known elsewhere.
        """
        remark = None
        if not path:
            remark = self._noted[operation].get(member)
            if remark is None and member in known:
                told = f"{member} has no effect without stream"
                remark = Remark(member, "ignored", told)
            remark = remark or self._family(operation, member)
        if remark is None:
            near = get_close_matches(member, known, 1, cutoff=0.75)
            if path and not near:
                return None
            meant = f"; did you mean {near[0]}?" if near else ""
            full = f"{path}.{member}" if path else member
            said = f"{full} is unknown and has no effect{meant}"
            remark = Remark(full, "unknown", said)
        _log.warning("%s: %s", operation, remark.message)
        return remark

    def _family(self, operation: str, member: str) -> Remark | None:
        """Return what is to be said of a member that other servers obey."""
        if member not in self._beyond.get(operation, ()):
            return None
        felt = "has no use for it"
        if member not in _UNFELT:
            felt = "obeys it with --profile vllm"
        said = f"{member} has no effect: the document does not list it; the mock {felt}"
        return Remark(member, "ignored", said)

    @cached_property
    def _beyond(self) -> Mapping[str, Collection[str]]:
        """The members that vLLM knows of each operation of AIOS."""
        document = self._front.contract.document
        if document is not spec.openapi("aios"):
            return {}
        bodies = _bodies(VLLM.document(document))
        return {name: members.keys() for name, (_, members) in bodies.items()}


def _bodies(document: Mapping[str, Any]) -> Mapping[str, tuple[_Known, Members]]:
    """Return what each operation's body may hold, as names and as nodes."""
    walk = spec.Nodes(document)
    found = {}
    for name, _ in spec.each_operation(document):
        body = walk.request(name) or {}
        members = {m: walk.resolved(node) for m, node in walk.members(body).items()}
        found[name] = _known(walk, body) or _Known(frozenset(), {}), members
    return found


def _known(walk: spec.Nodes, node: Mapping[str, Any], depth: int = 0) -> _Known | None:
    """Return what an object may hold, or each object of a list."""
    node = walk.resolved(node)
    node = walk.resolved(node.get("items", node))
    members = walk.members(node)
    if not members or depth > _DEEPEST:
        return None
    inner = {name: _known(walk, each, depth + 1) for name, each in members.items()}
    return _Known(
        frozenset(members),
        {name: one for name, one in inner.items() if one is not None},
    )


def _look_for_slips(
    value: Any, known: _Known, path: str, found: dict[Slip, None]
) -> None:
    """Find the members of objects that are not known, each once at a place."""
    if isinstance(value, list):
        for item in value:
            _look_for_slips(item, known, f"{path}[]", found)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in known.inner:
                if not isinstance(member, str):
                    inner = known.inner[name]
                    _look_for_slips(member, inner, f"{path}.{name}", found)
            elif name not in known.names and len(found) < _DIFFERENT:
                found[path, name, known.names] = None


def _noted(front: Front, members: Members) -> Iterator[Remark]:
    """Yield what is to be said of names that are well known."""
    for name, instead in _OLD.items():
        yield Remark(name, "deprecated", f"{name} is deprecated and ignored: {instead}")
    for name, node in members.items():
        if node.get("deprecated"):
            why = str(node.get("description", "")).partition(".")[0].lower()
            yield Remark(name, "deprecated", f"{name} is deprecated: {why}")
        elif name in _UNFELT and SAMPLING_MEMBERS in front.profile:
            said = f"{name} is checked, but has no effect in this mock"
            yield Remark(name, "ignored", said)
