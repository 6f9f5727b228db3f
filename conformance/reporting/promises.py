"""What the four contracts of embeddings promise, side by side.

Each scored requirement on embeddings and on the model list stands in one promise, so
that a comparison of dialects leaves none out (A-168).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

_TABLE: Mapping[str, Mapping[str, str]] = {
    "Path": {
        "Embeddings are served": (
            "EMB-REQ-001 EMB-REQ-002 INF-REQ-003 AIGNE-REQ-001 AHM-REQ-001"
        ),
        "A valid request is answered 200": "INF-RES-019 AIGNE-RES-012 AHM-RES-001",
        "JSON is taken by its headers": "EMB-REQ-003 AIGNE-REQ-002 AHM-REQ-005",
        "The printed request is accepted": (
            "EMB-EX-001 INF-EX-002 AIGNE-EX-001 AHM-EX-001"
        ),
    },
    "Input forms": {
        "Model is required": "EMB-REQ-004 INF-REQ-004 AIGNE-REQ-004 AHM-REQ-016",
        "An unfit model is refused": "INF-REQ-005 AIGNE-REQ-005 AHM-REQ-017",
        "Input is required": (
            "EMB-REQ-005 INF-REQ-006 AIGNE-REQ-006 AHM-REQ-006 AHM-REQ-007"
        ),
        "Input of another type is refused": "EMB-REQ-008",
        "A string": "EMB-REQ-007 META-092 INF-REQ-007 AIGNE-REQ-007 AHM-REQ-008",
        "An array of strings": "EMB-REQ-006 INF-REQ-008 AIGNE-REQ-008 AHM-REQ-010",
        "An array of tokens": (
            "EMB-REQ-009 INF-REQ-009 AIGNE-REQ-009 AIGNE-REQ-011 META-108 AHM-REQ-009"
        ),
        "An array of token arrays": "AIGNE-REQ-010 AHM-REQ-011",
        "Empty input": "EMB-REQ-010 AHM-REQ-013",
    },
    "Formats": {
        "Float and base64 are accepted": (
            "EMB-REQ-012 EMB-REQ-013 INF-REQ-011 AHM-REQ-018"
        ),
        "An omitted format is float": "EMB-REQ-011 INF-REQ-010 AHM-REQ-019 META-094",
        "Another format is refused": "EMB-REQ-014 INF-REQ-012",
        "Base64 holds the same numbers": "EMB-RES-009 EMB-SEM-004 META-093 AHM-SEM-002",
    },
    "Dimensions": {
        "Dimensions is accepted": (
            "EMB-REQ-017 INF-REQ-013 INF-REQ-014 AIGNE-REQ-012 AHM-REQ-020"
        ),
        "Vectors have the right length": (
            "EMB-RES-010 META-095 INF-SEM-005 META-104 AHM-SEM-001"
        ),
        "Wrong dimensions are refused": "INF-REQ-015 AHM-REQ-021 AHM-REQ-022",
    },
    "Keys": {
        "A bearer key": "COMMON-SEM-001 AIGNE-REQ-003 AHM-REQ-002 AHM-REQ-003",
        "A missing or wrong key is refused": "META-114",
    },
    "Limits": {
        "Entries of an array": "AHM-REQ-014 META-110",
        "Tokens of an input and of a request": "AHM-REQ-012 AHM-REQ-015 META-111",
        "Truncation": "EMB-REQ-015 EMB-REQ-016 EMB-SEM-005 META-099 META-100",
        "User": "AHM-REQ-023 AHM-SEM-003 META-112",
        "A client mistake is answered 4xx": (
            "EMB-ERR-001 EMB-ERR-002 EMB-ERR-003 AHM-ERR-001"
        ),
    },
    "Reply members": {
        "object": (
            "EMB-RES-002 INF-RES-020 AIGNE-RES-001 AIGNE-RES-009 META-109 "
            "AHM-RES-008 META-113"
        ),
        "id and created": "EMB-RES-001 EMB-RES-003 INF-RES-027",
        "model": "EMB-RES-004 INF-RES-025 AIGNE-RES-008 AHM-RES-007",
        "data: an item per input": (
            "EMB-RES-005 INF-RES-021 AIGNE-RES-002 AIGNE-RES-003 META-107 "
            "AHM-RES-002 AHM-RES-003"
        ),
        "data[].index": (
            "EMB-RES-006 EMB-SEM-003 META-090 META-091 INF-RES-024 AIGNE-RES-007 "
            "AHM-RES-004"
        ),
        "data[].object": (
            "EMB-RES-007 INF-RES-022 AIGNE-RES-004 AIGNE-RES-005 AHM-RES-006"
        ),
        "data[].embedding": "EMB-RES-008 INF-RES-023 AIGNE-RES-006 AHM-RES-005",
        "What a vector says": (
            "EMB-SEM-001 EMB-SEM-002 META-096 META-097 META-098 INF-SEM-004 "
            "AIGNE-SEM-001 AIGNE-SEM-002"
        ),
    },
    "Usage": {
        "usage": "EMB-RES-011 AIGNE-RES-010 AHM-RES-009",
        "Counters are whole numbers": (
            "EMB-RES-012 EMB-RES-013 EMB-RES-014 INF-RES-026 AIGNE-RES-011 AHM-RES-010"
        ),
        "The total is right": "EMB-EX-003 META-102 INF-EX-004 AIGNE-EX-003",
        "Further counts": "EMB-RES-015 EMB-RES-016 META-101 META-103",
    },
    "Model list": {
        "The list is served": "INF-REQ-001 INF-REQ-002 INF-RES-001 META-106",
        "Its headers": "INF-RES-015 INF-RES-016 INF-RES-017 INF-RES-018",
        "object and data": "INF-RES-002 INF-RES-003",
        "Each model": (
            "INF-RES-004 INF-RES-005 INF-RES-006 INF-RES-007 INF-RES-008 INF-RES-009"
        ),
        "Statistics": (
            "INF-RES-010 INF-RES-011 INF-RES-012 INF-RES-013 INF-RES-014 INF-SEM-002"
        ),
        "Listed models answer": "INF-SEM-001 INF-SEM-003 META-105",
    },
}


@dataclass(frozen=True, slots=True)
class Promise:
    """Requirements of several dialects on the same thing."""

    group: str
    title: str
    ids: tuple[str, ...]


@cache
def promises() -> tuple[Promise, ...]:
    """Every promise, in the order in which it is shown."""
    return tuple(_made())


def _made() -> Iterator[Promise]:
    for group, rows in _TABLE.items():
        for title, ids in rows.items():
            yield Promise(group, title, tuple(ids.split()))
