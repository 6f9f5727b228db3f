"""How vLLM, the server that the documents describe, really deviates from them.

Observed with the versions from 0.8 to 0.11; where they differ, the newest counts. Only
what a client can see is here, told in `vllm.json`. A deviation of members edits their
schemas; the others have code that asks for them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aios_conformance.serving.profile import (
    JOINED_FINISH,
    LONG_ANSWERS,
    THINKING_SWITCHES,
    Deviation,
    Profile,
    edits,
)

VERSION: Final = "0.11.0"
"""What GET /version says."""


def _deviation(
    name: str,
    does: str,
    departs: str,
    schemas: Sequence[str] = (),
    members: dict[str, Any] | None = None,
) -> Deviation:
    return Deviation(name, does, departs, edits(schemas, **members) if members else {})


_DEVIATIONS: Final = {
    name: _deviation(name, **told)
    for name, told in json.loads(
        Path(__file__).with_name("vllm.json").read_text("utf-8")
    ).items()
}
STATUS_400: Final = _DEVIATIONS["status-400"]
ERROR_LAYOUT: Final = _DEVIATIONS["error-layout"]
NULLS_ABSENT: Final = _DEVIATIONS["nulls-absent"]
LAX_TYPES: Final = _DEVIATIONS["lax-types"]
MODEL_OPTIONAL: Final = _DEVIATIONS["model-optional"]
GREEDY_ALONE: Final = _DEVIATIONS["greedy-alone"]
STREAM_OPTIONS: Final = _DEVIATIONS["stream-options"]
CLAMPED_BIAS: Final = _DEVIATIONS["clamped-bias"]
EXTRA_MEMBERS: Final = _DEVIATIONS["extra-members"]
REASONING_TWICE: Final = _DEVIATIONS["reasoning-twice"]
TOOL_CALLS: Final = _DEVIATIONS["tool-calls"]
REQUEST_IDS: Final = _DEVIATIONS["request-ids"]
OPEN_CORS: Final = _DEVIATIONS["open-cors"]
MODEL_CARDS: Final = _DEVIATIONS["model-cards"]
SIDE_ROUTES: Final = _DEVIATIONS["side-routes"]
STRUCTURED_OUTPUTS: Final = _DEVIATIONS["structured-outputs"]
SAMPLING_MEMBERS: Final = _DEVIATIONS["sampling-members"]
VLLM: Final = Profile(
    "vllm",
    frozenset((*_DEVIATIONS.values(), JOINED_FINISH, LONG_ANSWERS, THINKING_SWITCHES)),
)
