"""The constraints that vLLM puts on text, as response_format says them.

`structured_outputs` names one of them; older servers have a member for each, such as
`guided_json`.
"""

from typing import Any, Final

from aios_conformance.serving.codec import decode
from aios_conformance.serving.errors import BadRequest, Meaningless

_KINDS: Final = ("json", "choice", "regex", "json_object", "grammar", "structural_tag")


def constrain(values: dict[str, Any]) -> None:
    """Write the constraint of a request as its `response_format`, if it has one.

    `bare` is set where the text is a string without quotes. Raises Meaningless for
    what contradicts itself, BadRequest for what the mock cannot do.
    """
    wanted = {
        kind: value
        for kind, value in (values.pop("structured_outputs", None) or {}).items()
        if kind in _KINDS and value is not None
    }
    for kind in _KINDS:
        if (value := values.pop(f"guided_{kind}", None)) is not None:
            wanted[kind] = value
    if not wanted:
        return
    if len(wanted) > 1:
        raise Meaningless(
            f"text can have one constraint, got {', '.join(sorted(wanted))}",
            code="several_constraints",
            param="structured_outputs",
        )
    ((kind, value),) = wanted.items()
    values["bare"] = kind in ("choice", "regex")
    values["response_format"] = {"type": "json_object"}
    if kind != "json_object":
        schema = {"name": kind, "schema": _schema(kind, value)}
        values["response_format"] = {"type": "json_schema", "json_schema": schema}


def _schema(kind: str, value: Any) -> Any:
    match kind, value:
        case "json", str():
            try:
                return decode(value.encode())
            except ValueError as error:
                raise _wrong(f"json is no JSON: {error}") from None
        case "json", dict():
            return value
        case "choice", [_, *_] if all(isinstance(one, str) for one in value):
            return {"enum": value}
        case "regex", str():
            return {"type": "string", "pattern": f"^(?:{value})$"}
        case "grammar" | "structural_tag", _:
            raise BadRequest(
                f"this mock does not write text by {kind}; json, choice and regex it "
                "does",
                code="unsupported_constraint",
                param="structured_outputs",
            )
    raise _wrong(f"{kind} is of a wrong type")


def _wrong(message: str) -> Meaningless:
    return Meaningless(
        f"/structured_outputs: {message}",
        code="constraint_invalid",
        param="structured_outputs",
    )
