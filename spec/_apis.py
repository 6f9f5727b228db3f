"""What an API is: all that judge, servers and reports have to know of one.

An API is a tag of the OpenAPI document with the operations that bear it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args

from aios_conformance.spec._nodes import EVENTS, Node, Nodes, nodes

Api = Literal["rerank", "score", "chat", "completions", "embeddings", "models"]
ModelKind = Literal["embedding", "cross_encoder", "generator"]

MODEL_APIS: tuple[Api, ...] = tuple(sorted({*get_args(Api)} - {"models"}))
"""The APIs that need a model, by name: what options may say."""

LISTING = "GET /v1/models"
"""The listing of models: OpenAI's path, asked of every target, documented or not."""

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


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
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                name = f"{method.upper()} {path}"
                found.setdefault(item[method]["tags"][0], []).append(name)
    tags = {tag["name"]: tag for tag in document.get("tags", ())}
    return MappingProxyType(
        {
            name: _api(walk, tags.get(name, {"name": name}), operations)
            for name, operations in found.items()
            if operations
        }
    )


def _api(walk: Nodes, tag: Mapping[str, Any], operations: list[str]) -> ApiSpec:
    # clients of OpenAI's know the paths below /v1: the others are their aliases
    ordered = sorted(operations, key=lambda name: " /v1/" not in name)
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
        smallest=_smallest(walk, ordered[0], required),
        members=walk.members(request),
        streams=EVENTS in walk.success(ordered[0]).get("content", {}),
        served_by=frozenset(tag.get("x-served-by", ())),
        models=tag.get("x-models", {}),
    )


def _smallest(walk: Nodes, operation: str, required: tuple[str, ...]) -> dict[str, Any]:
    """The body that the document calls smallest, else what is required of a printed."""
    body = walk.resolved(walk.operation(operation).get("requestBody", {}))
    if "x-smallest" in body:
        return dict(body["x-smallest"])
    content: Mapping[str, Any] = next(iter(body.get("content", {}).values()), {})
    shown: Mapping[str, Any] = next(iter(content.get("examples", {}).values()), {})
    printed = shown.get("value", {})
    wanted = [name for name in required if name != "model"]
    return {name: printed[name] for name in wanted if name in printed}


@cache
def apis(dialect: str = "aios") -> Mapping[Api, ApiSpec]:
    """The APIs of a dialect by name, in the order of the reports.

    Raises:
        SpecError: no such dialect.

    """
    return described(nodes(dialect).document)


@cache
def model_apis(dialect: str = "aios") -> tuple[Api, ...]:
    """The APIs that need a model: first what reads, last what generates."""
    found = [api for api in apis(dialect).values() if api.required]
    return tuple(api.name for api in sorted(found, key=lambda api: api.generates))


@cache
def served_by(*kinds: ModelKind) -> frozenset[Api]:
    """The APIs that a model of one of these kinds serves."""
    return frozenset(
        api.name for api in apis().values() if not api.served_by.isdisjoint(kinds)
    )


@cache
def api_of(operation: str, otherwise: Api = "models", dialect: str = "aios") -> Api:
    """The API that an operation belongs to, by its path; `otherwise` if to none."""
    path = operation.partition(" ")[2].partition("?")[0]
    if path == LISTING.partition(" ")[2]:
        return "models"
    for api in apis(dialect).values():
        if any(each.partition(" ")[2] == path for each in api.operations):
            return api.name
    return otherwise


def title(area: str, dialect: str = "aios") -> str:
    """The name of an API in reports, or of what all of them share."""
    if area == "common":
        return "All APIs"
    found = {str(api): each.title for api, each in apis(dialect).items()}
    return found.get(area, area)
