"""What an API is: all that judge, servers and reports have to know of one.

An API is a tag of the OpenAPI document with the operations that bear it, or that name
it by `x-api`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args

from aios_conformance.spec._dialects import known_dialects
from aios_conformance.spec._documents import openapi
from aios_conformance.spec._nodes import EVENTS, Node, Nodes, each_operation, nodes
from aios_conformance.spec._operations import api_named, operations, smallest

Api = Literal["rerank", "score", "embeddings", "chat", "completions", "models"]
ModelKind = Literal["embedding", "cross_encoder", "generator"]

APIS: tuple[Api, ...] = get_args(Api)
"""What an operation can be; a document names it by `x-api` or by its first tag."""

MODEL_APIS: tuple[Api, ...] = tuple(sorted({*APIS} - {"models"}))
"""The APIs that need a model, by name: what options may say."""

LISTING = "GET /v1/models"
"""The listing of models: OpenAI's path, asked of every target, documented or not."""

_SHARED = ("x-title", "x-answer-id", "x-served-by")
"""What our own contract says of an API where another document says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """One API of a dialect.

    Attributes:
        name: the tag of its operations.
        title: its name in reports.
        prefix: what the ids of its requirements begin with.
        answer_id: what our servers begin the ids of its answers with.
        operations: "METHOD /path", the main one first, then its aliases.
        schema: name of the component that says what a body is; "" without one.
        required: members without which no body is valid.
        smallest: the smallest body that must be taken, but for its model.
        members: the request's members, with what the document says of each.
        streams: an answer may come as a stream.
        served_by: the kinds of model that can serve it.
        models: names of models that the documents print for it, each with the line.

    """

    name: Api
    title: str
    prefix: str
    answer_id: str
    operations: tuple[str, ...]
    schema: str
    required: tuple[str, ...]
    smallest: Mapping[str, Any]
    members: Mapping[str, Node]
    streams: bool
    served_by: frozenset[ModelKind]
    models: Mapping[str, str]

    @property
    def operation(self) -> str:
        """The main operation."""
        return self.operations[0]

    @property
    def generates(self) -> bool:
        """Its answers are generated, token by token."""
        return "generator" in self.served_by

    @property
    def reads_pairs(self) -> bool:
        """It compares pairs of texts, which some models read at once."""
        return "cross_encoder" in self.served_by

    def row(self, rest: str) -> str:
        """The id of a requirement: "RES-001" of rerank is RERANK-RES-001."""
        return f"{self.prefix}-{rest}"


def described(document: Node) -> Mapping[Api, ApiSpec]:
    """The APIs of a document by name, in the order of its tags."""
    walk = Nodes(document)
    found: dict[Api, list[str]] = {tag["name"]: [] for tag in document.get("tags", ())}
    for each, node in each_operation(document):
        named: Any = api_named(node)
        found.setdefault(named, []).append(each)
    tags = {tag["name"]: tag for tag in document.get("tags", ())}
    return MappingProxyType(
        {
            name: _api(walk, {"name": name, **_shared(name), **tags.get(name, {})}, own)
            for name, own in found.items()
            if own
        }
    )


def _shared(name: str) -> dict[str, Any]:
    ours = {tag["name"]: tag for tag in openapi("aios")["tags"]}.get(name, {})
    return {key: ours[key] for key in _SHARED if key in ours}


def _api(walk: Nodes, tag: Mapping[str, Any], own: list[str]) -> ApiSpec:
    asked = [name for name in own if walk.request(name) is not None]
    # clients of OpenAI's know the paths below /v1: the others are their aliases
    ordered = sorted(asked or own, key=lambda name: " /v1/" not in name)
    body = walk.request(ordered[0]) or {}
    request = walk.resolved(body)
    required = tuple(request.get("required", ()))
    return ApiSpec(
        name=tag["name"],
        title=tag.get("x-title", tag["name"].capitalize()),
        prefix=tag.get("x-prefix", tag["name"].upper()),
        answer_id=tag.get("x-answer-id", f"{tag['name']}-"),
        operations=tuple(ordered),
        schema=body.get("$ref", "").rpartition("/")[2],
        required=required,
        smallest=_smallest(walk, ordered[0]),
        members=walk.members(request),
        streams=EVENTS in walk.success(ordered[0]).get("content", {}),
        served_by=frozenset(tag.get("x-served-by", ())),
        models=tag.get("x-models", {}),
    )


def _smallest(walk: Nodes, operation: str) -> dict[str, Any]:
    """The body that the document calls smallest, else one that is printed or made."""
    body = walk.resolved(walk.operation(operation).get("requestBody", {}))
    found = body.get("x-smallest") or smallest(walk, operation)
    return {name: value for name, value in found.items() if name != "model"}


@cache
def apis(dialect: str = "aios") -> Mapping[Api, ApiSpec]:
    """The APIs of a dialect by name, in the order of the reports.

    Raises:
        SpecError: no such dialect.

    """
    found = described(nodes(dialect).document)
    return MappingProxyType({api: found[api] for api in found if api in APIS})


@cache
def model_apis(dialect: str = "aios") -> tuple[Api, ...]:
    """The APIs that need a model: first what reads, last what generates."""
    found = [api for api in apis(dialect).values() if api.name in MODEL_APIS]
    return tuple(api.name for api in sorted(found, key=lambda api: api.generates))


@cache
def served_by(*kinds: ModelKind) -> frozenset[Api]:
    """The APIs that a model of one of these kinds serves."""
    return frozenset(
        api.name for api in apis().values() if not api.served_by.isdisjoint(kinds)
    )


def api_of(operation: str, otherwise: Api = "models", dialect: str = "") -> Api:
    """The API that an operation belongs to, by its path; `otherwise` if to none.

    In a dialect, or without one in any: those from elsewhere go first.
    """
    path = operation.partition(" ")[2].partition("?")[0]
    known = (dialect,) if dialect else known_dialects()
    return _by_path(known).get(path, otherwise)


@cache
def _by_path(dialects: tuple[str, ...]) -> Mapping[str, Api]:
    found: dict[str, Api] = {}
    for each in dialects:
        for operation, named in operations(each).items():
            path = operation.partition(" ")[2]
            found[path] = next((api for api in APIS if api == named), "models")
    return {**found, LISTING.partition(" ")[2]: "models"}


def title(area: str, dialect: str = "aios") -> str:
    """The name of an API in reports, or of what all of them share."""
    if area == "common":
        return "All APIs"
    found = {str(api): each.title for api, each in apis(dialect).items()}
    return found.get(area, area)
