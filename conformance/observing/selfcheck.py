"""The judge judges itself: what it sends must be what it claims to send.

A request that we call valid must satisfy the OpenAPI document in force, without a
value that the documents leave open, and one that is to be refused must break it.
Otherwise a verdict that rests on it would be our error, and is reported as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
import orjson

from aios_conformance.conformance.terms.probe import Step
from aios_conformance.spec import Nodes, openapi


@dataclass(frozen=True, slots=True)
class SuiteFault:
    """A request of ours that is not what its step claims."""

    probe: str
    draw: int
    label: str
    serves: tuple[str, ...]
    message: str


def suite_fault(dialect: str, step: Step, body: bytes | None) -> str | None:
    """What is wrong with a request of ours, or None.

    A step that says why it departs from the document (`off_schema`) is believed.
    """
    if step.expect == "either" or step.off_schema:
        return None
    wrong = breach(dialect, step.operation, body)
    if step.expect == "accept" and wrong:
        return f"sent as valid, but {wrong}"
    if step.expect == "accept" and (open_ := _doubt(dialect, step.operation, body)):
        return f"sent as valid, but whether it is to be taken is open: {open_}"
    if step.expect == "refuse" and not wrong:
        return f"sent to be refused ({step.breaks}), but the document allows it"
    return None


def breach(dialect: str, operation: str, body: bytes | None) -> str | None:
    """How a request breaks the OpenAPI document, or None when it satisfies it."""
    method, _, path = operation.partition(" ")
    item = openapi(dialect)["paths"].get(path.partition("?")[0], {})
    if method.lower() not in item:
        return f"{operation} is not documented"
    validator = _validator(dialect, method.lower(), path.partition("?")[0])
    if validator is None:
        return None
    if not body:
        return "the body is missing"
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return f"the body is not JSON: {error}"
    return _first_error(validator, value)


def _doubt(dialect: str, operation: str, body: bytes | None) -> str | None:
    """What a body holds that the document marks `x-either`; it obeys the rest."""
    method, _, path = operation.partition(" ")
    validator = _validator(dialect, method.lower(), path, is_strict=True)
    return _first_error(validator, orjson.loads(body)) if validator and body else None


def _first_error(validator: Any, value: Any) -> str | None:
    found = next(iter(validator.iter_errors(value)), None)
    if found is None:
        return None
    pointer = "".join(f"/{part}" for part in found.instance_path)
    return f"{pointer or 'the body'}: {found.message}"[:300]


@cache
def _undoubted(dialect: str) -> Any:
    """The document, with everything that it marks `x-either` forbidden."""
    return _strict(openapi(dialect))


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    if node.get("x-either") is True:
        return False
    strict = {name: _strict(inner) for name, inner in node.items()}
    if "x-either" in node:
        doubtful = {"not": {"enum": node["x-either"]}}
        strict["allOf"] = [*strict.get("allOf", ()), doubtful]
    return strict


@cache
def _validator(dialect: str, method: str, path: str, *, is_strict: bool = False) -> Any:
    document = _undoubted(dialect) if is_strict else openapi(dialect)
    schema = Nodes(document).request(f"{method.upper()} {path}")
    if schema is None:
        return None
    rooted = {**schema, "components": document.get("components", {})}
    return jsonschema_rs.Draft202012Validator(rooted)
