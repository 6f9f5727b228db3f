"""What is known about a request, and about the server that answers it."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aios_conformance.serving.contract import Contract, Operation
from aios_conformance.serving.engine import Engine, Model
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.limits import Limits
from aios_conformance.serving.profile import DOCUMENTS, Profile
from aios_conformance.serving.turns import HEAVY


def _now() -> int:
    return int(time.time())


_random = Random()  # noqa: S311 - ids have to differ, not to be secret
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def _told(error: ApiError) -> tuple[int, dict[str, Any]]:
    return error.status, error.body()


def _identity() -> str:
    return f"{_random.getrandbits(128):032x}"


@dataclass(frozen=True, slots=True)
class Front:
    """One server: an engine behind a contract.

    `find` returns the served model of a name, None if there is none. A `plain` front
    is for those who want to look at or change what happens: answers hold plain JSON
    values only, where otherwise a vector may be a `codec.Vector`. `now` gives Unix
    seconds, `identity` the unique part of an id, `told` the status and the body with
    which a client is told of an error.
    """

    engine: Engine
    contract: Contract
    find: Callable[[str], Model | None]
    api_key: str | None = None
    body_limit: int = 16 * 1024 * 1024  # bytes
    self_check: bool = False
    plain: bool = False
    request_timeout: float = 60.0  # seconds
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    profile: Profile = DOCUMENTS
    now: Callable[[], int] = _now
    identity: Callable[[], str] = _identity
    told: Callable[[ApiError], tuple[int, dict[str, Any]]] = _told


def by_name(engine: Engine) -> Callable[[str], Model | None]:
    """Return a `find` for the models that an engine lists."""
    models: dict[str, Model] = {}

    def find(name: str) -> Model | None:
        if not models:
            models.update((model.name, model) for model in engine.models)
        return models.get(name)

    return find


@dataclass(slots=True)
class RequestContext:
    """One request on its way through the stages."""

    front: Front
    number: int  # of this request since the start, from 1
    method: str
    path: str
    headers: Mapping[str, str]  # names in any letter case
    operation: Operation | None = None  # None: the document has no such operation
    raw: bytes = b""
    body: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    model: Model | None = None
    id: str = ""
    created: int = 0
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def heavy(self) -> bool:
        """Whether the request is large enough to be prepared beside the loop."""
        return len(self.raw) > HEAVY

    @property
    def api(self) -> str | None:
        """The API that the operation belongs to."""
        return self.operation.api if self.operation else None

    @property
    def operation_id(self) -> str:
        """Method and path: "POST /v1/rerank"."""
        return f"{self.method} {self.path}"

    @property
    def served(self) -> Model:
        """The model, once `prepare` has found it."""
        assert self.model is not None  # noqa: S101 - the order of the stages
        return self.model
