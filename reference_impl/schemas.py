"""JSON schemas as every engine's grammars take them."""

from collections.abc import Mapping
from typing import Any

# Compact separators as models write them, and no free whitespace: a weak model
# would otherwise fill its limit with line breaks, which every JSON grammar allows.
LAYOUT: Any = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
}

# `format` is an annotation in JSON Schema: a format without a grammar is dropped,
# any other keyword that cannot be honoured is an error.
FORMATS = frozenset(
    (
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uuid",
        "uri",
    )
)
DATA = frozenset(("const", "default", "enum", "example", "examples"))


def without_unknown_formats(schema: Any) -> Any:
    """Return a schema without the formats that no grammar knows."""
    if isinstance(schema, Mapping):
        return {
            key: value if key in DATA else without_unknown_formats(value)
            for key, value in schema.items()
            if not (key == "format" and isinstance(value, str) and value not in FORMATS)
        }
    if isinstance(schema, list | tuple):
        return [without_unknown_formats(item) for item in schema]
    return schema
