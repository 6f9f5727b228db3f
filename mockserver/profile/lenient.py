"""What a lenient server makes of a body before it holds it against the schema."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

from aios_conformance.mockserver.profile.vllm import (
    LAX_TYPES,
    MODEL_OPTIONAL,
    NULLS_ABSENT,
)
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.spec import Nodes

_BOOLEANS: Final[Mapping[str, bool]] = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
_NUMBER: Final = 40  # characters that a number may have


class Lenient:
    """Reads bodies as a profile does."""

    def __init__(self, front: Front) -> None:
        """Know the types of all members that requests may have."""
        self._profile = front.profile
        self._models: Mapping[str, str] = {
            api: model.name
            for model in reversed(front.engine.models)
            for api in model.apis
        }
        walk = Nodes(front.contract.document)
        self._types = {
            name: {
                member: types
                for member, node in walk.members(walk.request(name) or {}).items()
                if (types := _types(walk.resolved(node)))
            }
            for name in front.contract.operations
        }

    def read(self, context: RequestContext) -> None:
        """Change the body of a request that was parsed."""
        body = context.body
        if NULLS_ABSENT in self._profile:
            body = _without_nulls(body)
            for name, inner in (("messages", None), ("tools", "function")):
                if isinstance(items := body.get(name), list):
                    body[name] = [_without_nulls(item, inner) for item in items]
            if "stream_options" in body:
                body["stream_options"] = _without_nulls(body["stream_options"])
        if LAX_TYPES in self._profile and context.operation is not None:
            for name, types in self._types[context.operation.id].items():
                if name in body:
                    body[name] = _read(body[name], types)
        if MODEL_OPTIONAL in self._profile and body.get("model", "") == "":
            first = self._models.get(context.api or "")
            body = body if first is None else {**body, "model": first}
        context.body = body


def _without_nulls(value: Any, inner: str | None = None) -> Any:
    """Return an object without members that are null, content aside."""
    if not isinstance(value, dict):
        return value
    kept = {
        name: member
        for name, member in value.items()
        if member is not None or name == "content"
    }
    if inner is not None and inner in kept:
        kept[inner] = _without_nulls(kept[inner])
    return kept


def _read(value: Any, types: Sequence[str]) -> Any:
    """Return a value as one of the types, if it can be read so."""
    if isinstance(value, str) and "string" not in types:
        if "boolean" in types:
            return _BOOLEANS.get(value.strip().lower(), value)
        if len(value) <= _NUMBER and ("number" in types or "integer" in types):
            try:
                number = float(value)
            except ValueError:
                return value
            if number.is_integer():
                return int(number)
            return number if "number" in types and isfinite(number) else value
    if "boolean" in types and type(value) is int and value in (0, 1):
        return bool(value)
    return value


def _types(node: Mapping[str, Any]) -> Sequence[str]:
    types: str | Sequence[str] = node.get("type", ())
    return (types,) if isinstance(types, str) else types
