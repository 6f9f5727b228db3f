"""An exchange as a line of a tape holds it."""

from typing import Any

TAKE: dict[str, Any] = {
    "method": "GET",
    "path": "/v1/models",
    "request": None,
    "status": 200,
    "content_type": "application/json",
    "blocks": [[0, "{}"]],
}
