"""What the three neighbouring dialects of the embeddings API are asked."""

from collections.abc import Iterator

from aios_conformance.conformance.probes.dialects_bodies import (
    TEXT,
    accepted,
    ask,
    breaks,
    either,
    lacks,
    operation_of,
    printed,
    refused,
    takes,
)
from aios_conformance.conformance.probes.dialects_keys import keys
from aios_conformance.conformance.probes.dialects_limits import (
    limits,
    longest,
    most_strings,
)
from aios_conformance.conformance.probes.dialects_models import listing
from aios_conformance.conformance.probes.dialects_relations import (
    TOKENS,
    infinity_printed,
    relations,
    tokens,
    user,
)
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table

LISTED_MODEL = "Qwen2-Embedding-48"  # the printed list has it (002:17)
CHAT_MODEL = "gpt-4o-mini"

_INFINITY = [
    listing,
    accepted("infinity", [takes("INF-REQ-003", "INF-REQ-013", "INF-RES-019")]),
    refused(
        "infinity",
        [
            lacks("model", "INF-REQ-004"),
            lacks("input", "INF-REQ-006"),
            breaks("/model is an object", "INF-REQ-005", model={"a": 1}),
            breaks("/encoding_format is unknown", "INF-REQ-012", encoding_format="hex"),
        ],
    ),
    refused(
        "infinity",
        [breaks("/dimensions is a word", "INF-REQ-014", dimensions="many")],
        name="refused.dimensions",
        needs="dimensions",
    ),
    infinity_printed,
    either(
        "infinity",
        "odd_dimensions",
        [{"dimensions": 7}, {"dimensions": 7, "model": LISTED_MODEL}],
    ),
    either("infinity", "token_ids", [{"input": TOKENS}]),
    *relations(
        "infinity",
        {
            "string": ("INF-REQ-007",),
            "strings": ("INF-REQ-008",),
            "formats": ("INF-REQ-011",),
            "dimensions": ("INF-REQ-014",),
        },
    ),
]

_AIGNE = [
    accepted(
        "aigne-hub",
        [
            takes("AIGNE-REQ-001", "AIGNE-REQ-002", "AIGNE-RES-012"),
            takes("AIGNE-EX-001", **printed("aigne-hub", "GOLD-AIGNE-REQ")),
        ],
    ),
    refused(
        "aigne-hub",
        [
            lacks("model", "AIGNE-REQ-004"),
            lacks("input", "AIGNE-REQ-006"),
            breaks("/model is an object", "AIGNE-REQ-004", model={"a": 1}),
            breaks("/input is an object", "AIGNE-REQ-006", input={"a": 1}),
            breaks("the model is for chat", "AIGNE-REQ-005", model=CHAT_MODEL)
            | {"off_schema": "the name is well-formed"},
        ],
    ),
    keys("aigne-hub", ("AIGNE-REQ-003",)),
    tokens("aigne-hub", ("AIGNE-REQ-009", "AIGNE-REQ-011"), ("AIGNE-REQ-010",)),
    either("aigne-hub", "unlisted", [{"dimensions": 8}, {"encoding_format": "float"}]),
    *relations(
        "aigne-hub", {"string": ("AIGNE-REQ-007",), "strings": ("AIGNE-REQ-008",)}
    ),
]


_AIHUBMIX = [
    accepted(
        "aihubmix",
        [
            takes("AHM-REQ-001", "AHM-REQ-005", "AHM-RES-001"),
            takes("AHM-EX-001", **printed("aihubmix", "GOLD-AHM-REQ")),
            takes("AHM-REQ-023", user="user-1234"),
        ],
    ),
    accepted(
        "aihubmix",
        [takes("AHM-REQ-020", "AHM-REQ-021", dimensions=1)],
        name="accepted.dimensions",
        needs="dimensions",
    ),
    refused(
        "aihubmix",
        [
            lacks("input", "AHM-REQ-006"),
            lacks("model", "AHM-REQ-016"),
            breaks("/input is empty", "AHM-REQ-013", "META-110", input=""),
            breaks("/model is an object", "AHM-REQ-017", model={"a": 1}),
            breaks("/model is unknown", "AHM-REQ-017", model="no-such-model/7d1f")
            | {"off_schema": "the name is well-formed, but not served"},
            breaks("/user is an object", "AHM-REQ-023", user={"a": 1}),
        ],
    ),
    refused(
        "aihubmix",
        [breaks("/encoding_format is unknown", "AHM-REQ-018", encoding_format="hex")],
        name="refused.base64",
        needs="base64",
    ),
    refused(
        "aihubmix",
        [
            breaks("/dimensions is 0", "AHM-REQ-021", "META-110", dimensions=0),
            breaks("/dimensions is below 1", "AHM-REQ-021", dimensions=-1),
            breaks("/dimensions is a fraction", "AHM-REQ-020", dimensions=2.5),
            breaks("/dimensions is a word", "AHM-REQ-020", dimensions="many"),
        ],
        name="refused.dimensions",
        needs="dimensions",
    ),
    either("aihubmix", "blank_among", [{"input": [TEXT, ""]}]),
    keys("aihubmix", ("AHM-REQ-002", "AHM-REQ-003")),
    tokens("aihubmix", ("AHM-REQ-009",), ("AHM-REQ-011",)),
    most_strings,
    longest,
    limits,
    *relations(
        "aihubmix",
        {
            "string": ("AHM-REQ-008",),
            "strings": ("AHM-REQ-010",),
            "formats": ("AHM-REQ-018",),
            "dimensions": ("AHM-REQ-020",),
        },
    ),
]


@table("aihubmix.old_model", "embeddings", [None], dialects=("aihubmix",))
def old_model(_: Params, served: Served) -> Iterator[Step]:
    """Dimensions on a model older than text-embedding-3 (004:87)."""
    body = ask(served, model="text-embedding-ada-002")
    operation = operation_of("aihubmix")
    yield Step("old", operation, body, "either")
    yield Step("sized", operation, body | {"dimensions": 8}, "either")


PROBES: tuple[Probe, ...] = (*_INFINITY, *_AIGNE, *_AIHUBMIX, user, old_model)
