"""Miniature servers, named for their sin, for testing the judge.

Each sin is a few lines around the honest server:

    with listening(total_off_by_one) as url:
        ...
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from honest import MODEL, honest
from listening import Asked, Behaviour, Said, listening, refuse, say

__all__ = [
    "MODEL",
    "Asked",
    "Behaviour",
    "Said",
    "honest",
    "listening",
    "refuse",
    "say",
]


def html_everywhere(asked: Asked) -> Said:
    return Said(200, b"<!doctype html><title>Welcome</title>", "text/html")


def not_found_everywhere(asked: Asked) -> Said:
    return refuse(404, f"nothing at {asked.path}")


def crashes_everywhere(asked: Asked) -> Said:
    return refuse(500, "division by zero")


def unauthorized_everywhere(asked: Asked) -> Said:
    return refuse(401, "who are you?")


def rate_limits_everything(asked: Asked) -> Said:
    return replace(refuse(429, "slow down"), headers={"Retry-After": "0"})


def total_off_by_one(asked: Asked) -> Said:
    said = encoders_only(asked)
    if not said.is_success or "usage" not in said.json:
        return said
    answer = said.json
    answer["usage"]["total_tokens"] += 1
    return said.with_json(answer)


def scores_rise(asked: Asked) -> Said:
    said = honest(asked)
    if not (said.is_success and asked.path.endswith("/rerank")):
        return said
    return said.with_json(said.json | {"results": said.json["results"][::-1]})


def top_n_ignored(asked: Asked) -> Said:
    body = asked.json
    if honest(asked).is_success and isinstance(body, dict):
        body.pop("top_n", None)
        return honest(replace(asked, body=json.dumps(body).encode()))
    return honest(asked)


def streams_break_off(asked: Asked) -> Said:
    said = honest(asked)
    is_stream = said.kind.startswith("text/event-stream")
    return replace(said, cut=len(said.body) // 2) if is_stream else said


def v2_missing(asked: Asked) -> Said:
    is_v2 = asked.path == "/v2/rerank"
    return not_found_everywhere(asked) if is_v2 else honest(asked)


def encoders_only(asked: Asked) -> Said:
    """The APIs that take the fewest requests; the two others are absent."""
    return not_found_everywhere(asked) if "complet" in asked.path else honest(asked)


def only_rerank(asked: Asked) -> Said:
    served = asked.path.endswith("/rerank") or asked.path == "/v1/models"
    return honest(asked) if served else not_found_everywhere(asked)


def under(prefix: str, behaviour: Behaviour = honest) -> Behaviour:
    """A behaviour whose paths all lie under a prefix."""

    def beneath(asked: Asked) -> Said:
        if not asked.path.startswith(prefix):
            return not_found_everywhere(asked)
        return behaviour(replace(asked, path=asked.path.removeprefix(prefix)))

    return beneath


@dataclass
class Stalling:
    """Answers honestly, then not at all; `stalled` tells when."""

    after: int
    stalled: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    served: Iterator[int] = field(default_factory=lambda: count(1))

    def __call__(self, asked: Asked) -> Said:
        if next(self.served) > self.after:
            self.stalled.set()
            self.release.wait(60)
        return honest(asked)
