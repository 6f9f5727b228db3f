"""Which tools the model sees, and whether it may, must or must not call them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import ReferencingError

from aios_conformance.serving.calls import ForcedCall, MarkedCalls, WrittenCalls
from aios_conformance.serving.engine import JsonSchema, Model
from aios_conformance.serving.errors import BadRequest, Meaningless
from aios_conformance.serving.pointers import pointer_to
from aios_conformance.serving.reader import CallReader
from aios_conformance.serving.schema_work import (
    ClientSchema,
    TooMuchWork,
    anonymous,
)

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_LITERAL = ("const", "enum", "default", "examples")  # their content is no schema


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """What `tools` and `tool_choice` of a request come down to.

    `offered` are the tools that the model gets to see; `schema` forces its text to
    be a call; `arguments` holds the schema of each function's arguments.
    """

    offered: Sequence[Mapping[str, Any]] = ()
    schema: JsonSchema | None = None
    arguments: Mapping[str, ClientSchema] | None = None

    def reader(self, model: Model) -> CallReader | None:
        """Return a reader for one choice; None when no call can occur."""
        if model.calls == "unasked" or (
            model.calls == "as written" and self.arguments is not None
        ):
            return WrittenCalls(*model.tool_call)
        if self.schema is not None:
            return ForcedCall()
        if self.arguments is None:
            return None
        return MarkedCalls(*model.tool_call, self._accepts)

    def _accepts(self, name: str, arguments: Any) -> bool:
        schema = (self.arguments or {}).get(name)
        return (
            schema is not None
            and isinstance(arguments, dict)
            and schema.accepts(arguments)
        )


NO_TOOLS = ToolPlan()


def plan_tools(
    tools: Sequence[Mapping[str, Any]] | None,
    choice: str | Mapping[str, Any] | None,
) -> ToolPlan:
    """Decide from validated members; without a choice: auto if there are tools.

    Raises Meaningless if a call is demanded that no offered tool can answer, or if
    the parameters of a tool are no JSON Schema (`000:390`-`395`, `A-088`-`A-091`).
    """
    if not tools and choice is None:
        return NO_TOOLS
    tools = tools or ()
    if isinstance(choice, Mapping):
        name = choice["function"]["name"]
        tools = [tool for tool in tools if tool["function"]["name"] == name][:1]
        if not tools:
            raise Meaningless(
                f"/tool_choice names the function {name!r}, which is not in /tools",
                code="unknown_tool",
                param="tool_choice",
            )
    elif choice == "required" and not tools:
        raise Meaningless(
            '/tool_choice is "required", but /tools offers nothing to call',
            code="no_tools",
            param="tool_choice",
        )
    if not tools or choice == "none":
        return NO_TOOLS
    arguments = {
        tool["function"]["name"]: compiled(
            _parameters(tool), f"tools[{position}].function.parameters"
        )
        for position, tool in enumerate(tools)
    }
    forced = choice not in (None, "auto")
    return ToolPlan(tools, _call_schema(tools) if forced else None, arguments)


def compiled(schema: JsonSchema, param: str) -> ClientSchema:
    """Compile a schema that a client sent.

    Meaningless names `param` if it is none, BadRequest if it is too much work.
    """
    try:
        return ClientSchema(dict(schema))
    except TooMuchWork as error:
        raise BadRequest(
            f"{param} is more than this server does for a schema: {error}",
            code="schema_too_large",
            param=param,
        ) from error
    except (ReferencingError, ValueError) as error:
        reason = str(getattr(error, "message", error)).splitlines()[0][:200]
        path = getattr(error, "instance_path", ())
        if path:
            reason = f"{pointer_to(path)[:200]}: {reason}"
        if path and path[-1] == "type":
            reason += f"; types are {', '.join(_TYPES)}"
        raise Meaningless(
            f"{param} is no JSON Schema (2020-12) that stands by itself: {reason}",
            code="invalid_schema",
            param=param,
        ) from error


def _parameters(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the arguments, which are always an object."""
    return {**tool["function"].get("parameters", {}), "type": "object"}


def _call_schema(tools: Sequence[Mapping[str, Any]]) -> JsonSchema:
    """Return the schema of a call; parameters stand where every engine finds them.

    What enforces schemas follows references through members, not always through lists.
    """
    known = {f"tool_{position}": tool for position, tool in enumerate(tools)}
    branches = [
        {
            "type": "object",
            "properties": {
                "name": {"const": tool["function"]["name"]},
                "arguments": {"$ref": f"#/$defs/{name}"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for name, tool in known.items()
    ]
    parameters = {
        name: _moved_whole(anonymous(_parameters(tool)), f"#/$defs/{name}")
        for name, tool in known.items()
    }
    return {"anyOf": branches, "$defs": parameters}


def _moved_whole(schema: Mapping[str, Any], place: str) -> Any:
    """Return a schema as a part of a larger one: its place is its name."""
    inner = {key: value for key, value in schema.items() if key != "$id"}
    return _moved(inner, place, schema.get("$id", "").rstrip("#"))


def _moved(schema: Any, place: str, own: str) -> Any:
    """Rewrite the references to a schema whose own name was that, if it had one.

    Those within a part that has a name are relative to that part.
    """
    if isinstance(schema, list):
        return [_moved(item, place, own) for item in schema]
    if not isinstance(schema, dict) or isinstance(schema.get("$id"), str):
        return schema
    moved = {
        key: value if key in _LITERAL else _moved(value, place, own)
        for key, value in schema.items()
    }
    reference = moved.get("$ref")
    if isinstance(reference, str):
        name, _, fragment = reference.partition("#")
        if name in ("", own):
            moved["$ref"] = place + fragment
    return moved
