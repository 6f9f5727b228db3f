"""What was sent and what came back: plain data, safe to store and re-judge.

An exchange is one request with its answer. The transport makes it, redacts
secrets while doing so, and nothing after it ever sees a key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from aios_conformance import spec
from aios_conformance.conformance.terms.assembled import assembled
from aios_conformance.conformance.terms.json_text import read_answer, read_json
from aios_conformance.conformance.terms.sse import ServerSentEvent, decode

Json = Any
Api = spec.Api
Expect = Literal["accept", "refuse", "either"]


@dataclass(frozen=True)
class Request:
    """A request as sent; header values that hold secrets read `$VAR`."""

    operation: str  # "POST /v1/rerank", the key of the OpenAPI document
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @cached_property
    def json(self) -> Json:
        """The body as JSON, or None when it is not JSON (a malformed probe)."""
        return read_json(self.body)


@dataclass(frozen=True)
class Response:
    """An answer as received, byte for byte."""

    status: int
    headers: tuple[tuple[str, str], ...]  # names in lower case
    body: bytes
    arrivals: tuple[
        tuple[float, int], ...
    ] = ()  # (seconds after sending, bytes so far)
    broken: str | None = None  # how it broke off after its first byte, else None

    @cached_property
    def json(self) -> Json:
        """The body as JSON, or None when it is not JSON that can be read."""
        return read_answer(self.body)

    @cached_property
    def events(self) -> list[ServerSentEvent]:
        """The body as server-sent events, decoded once."""
        return decode(self.body)

    def header(self, name: str) -> str | None:
        r"""The first value of a header, by lower-case name; no UTF-8 reads `\udcff`."""
        value = next((value for key, value in self.headers if key == name), None)
        return value and value.encode(errors="backslashreplace").decode()


NOBODY = "nothing listens at"
"""The failure of who asks at a port that is closed, before the place."""


@dataclass(frozen=True)
class Exchange:
    """One request, why it was sent, and the answer or the failure to get one."""

    id: str  # "ex-12"
    probe: str  # "rerank.top_n"
    draw: int  # which draw of the probe
    label: str  # the step: "full", "top", "valid", "mutant"
    api: Api
    expect: Expect
    request: Request
    serves: tuple[str, ...] = ()  # rows proved by the acceptance or refusal itself
    breaks: str = ""  # for `refuse`: the one rule that the request breaks
    codes: tuple[int, ...] = (400, 422)  # for `refuse`: the documented answers
    response: Response | None = None
    failure: str | None = None  # why there is no answer: "connect: …", "budget", …
    partial: Response | None = None  # what had come when the time was over
    sent_at: float = 0.0  # Unix seconds, by a clock that nobody sets
    total_s: float = 0.0
    attempts: int = 1
    clock_s: float = 0.0  # by which the system's clock was not `sent_at`

    @property
    def status(self) -> int:
        """The HTTP status, 0 when nothing was answered."""
        return self.response.status if self.response else 0

    @property
    def is_success(self) -> bool:
        """Answered with 2xx and not broken off."""
        return 200 <= self.status < 300 and not (self.response and self.response.broken)

    @cached_property
    def is_answer(self) -> bool:
        """A success that can be read: a JSON text, or events that carry JSON.

        A page that a proxy shows in place of the API is a success, and no answer.
        """
        if not self.is_success or self.response is None:
            return False
        if self.is_stream:
            return any(isinstance(e.json, dict) for e in self.response.events)
        return isinstance(self.response.json, dict | list)

    @cached_property
    def said(self) -> Mapping[str, Any] | None:
        """The object that a success says, a stream put together; None if it says none.

        Nor does a stream that breaks off, tells an error or cannot be read.
        """
        if not self.is_success or self.response is None:
            return None
        if self.is_stream:
            return assembled(self.response.events)
        body = self.response.json
        return body if isinstance(body, dict) else None

    @property
    def is_unreadable(self) -> bool:
        """A success that is no answer: it shows neither a promise kept nor broken."""
        return self.is_success and not self.is_answer

    @property
    def is_stream(self) -> bool:
        """The request asked for a stream and the answer is not plain JSON."""
        asked = isinstance(self.request.json, dict) and self.request.json.get("stream")
        kind = (self.response and self.response.header("content-type")) or ""
        return bool(asked) and not kind.startswith("application/json")


@dataclass(frozen=True)
class Facts:
    """What discovery learned about the target; the same for a whole run."""

    dialect: str = "aios"
    models: Mapping[Api, str] = field(default_factory=dict)
    # rerank and score: "embedding" when the same name answers /v1/embeddings
    kinds: Mapping[Api, Literal["embedding", "cross_encoder"]] = field(
        default_factory=dict
    )
    # tokens that each API's model reads, where the target states it
    limits: Mapping[Api, int] = field(default_factory=dict)
    scheme: str = ""  # "http" or "https", once the target was reached


Member = tuple[str, str, str]
"""An operation, the name of a member of its body, and the JSON of its value."""


class NeverSentError(KeyError):
    """A step that was not played: the run, or its scenario, ended before it."""


@dataclass(frozen=True)
class Observation:
    """A scenario after it was played: its drawn parameters and its exchanges."""

    probe: str
    draw: int
    params: Json
    steps: Mapping[str, Exchange]  # by label, in the order in which they were sent
    facts: Facts = field(default_factory=Facts)
    beside: Sequence[Exchange] = ()  # sent between the steps, and not to be judged
    # by the target, in the whole run; each with the rows that it breaks
    always_refused: Mapping[Member, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sent(self) -> Sequence[Exchange]:
        """All that was sent, judged or not."""
        return [*self.steps.values(), *self.beside]

    def __getitem__(self, label: str) -> Exchange:
        """The exchange of a step. Raises NeverSentError."""
        if label not in self.steps:
            raise NeverSentError(label)
        return self.steps[label]

    def accepted(self, *labels: str) -> bool:
        """All these steps (default: every one) had an answer that can be read."""
        wanted = labels or tuple(self.steps)
        return all(name in self.steps and self.steps[name].is_answer for name in wanted)
