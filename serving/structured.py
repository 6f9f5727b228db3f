"""Structured output: `response_format`, OpenAI's member that the documents lack.

The documents call the chat API compatible with OpenAI's (`000:348`); its clients
send this member, so it is obeyed where it is sent.
"""

from typing import Any

from aios_conformance.serving.contract import Schema
from aios_conformance.serving.engine import JsonSchema
from aios_conformance.serving.errors import Invalid, Violation
from aios_conformance.serving.schema_work import anonymous
from aios_conformance.serving.tools import compiled

_FORMAT = Schema(
    {
        "type": ["object", "null"],
        "required": ["type"],
        "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}},
        "allOf": [
            {
                "description": "type json_schema needs the schema",
                "if": {
                    "required": ["type"],
                    "properties": {"type": {"const": "json_schema"}},
                },
                "then": {
                    "required": ["json_schema"],
                    "properties": {
                        "json_schema": {
                            "type": "object",
                            "required": ["schema"],
                            "properties": {"schema": {"type": "object"}},
                        }
                    },
                },
            }
        ],
    },
    {},
)


def wanted_schema(response_format: Any) -> JsonSchema | None:
    """Return the schema that the text must satisfy, None for free text.

    Raises Invalid for a malformed member and Meaningless for a schema that is none.
    """
    if response_format is None:
        return None
    found = _FORMAT.violations(response_format)
    if found:
        raise Invalid(
            [
                Violation(
                    "/response_format" + breach.pointer,
                    "/response_format" + breach.message.removeprefix("the body"),
                    breach.keyword,
                )
                for breach in found
            ]
        )
    if response_format["type"] == "text":
        return None
    if response_format["type"] == "json_object":
        return {"type": "object"}
    schema: dict[str, Any] = response_format["json_schema"]["schema"]
    compiled(schema, "response_format.json_schema.schema")
    named: dict[str, Any] = anonymous(schema)
    return named
