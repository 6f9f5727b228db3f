"""What vLLM serves beside the documented paths: tokens, model cards, its health."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

from aiohttp import web

from aios_conformance.mockserver.catalogue import CHAT_CONTEXT
from aios_conformance.mockserver.profile.vllm import MODEL_CARDS, SIDE_ROUTES, VERSION
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.contract import Schema
from aios_conformance.serving.engine import Model, TooLong
from aios_conformance.serving.errors import BadRequest, Invalid
from aios_conformance.serving.models import card, named
from aios_conformance.serving.server import CONTEXT, Route, Server
from aios_conformance.serving.text import token_text
from aios_conformance.serving.turns import aside

_TOKENIZE: Final = Schema(
    {
        "properties": {
            "model": {"type": "string"},
            "prompt": {"type": "string"},
            "messages": {"type": "array", "items": {"type": "object"}},
            "tools": {"type": "array", "items": {"type": "object"}},
            "add_special_tokens": {"type": "boolean"},
            "return_token_strs": {"type": "boolean"},
        },
        "if": {"not": {"required": ["messages"]}},
        "then": {"required": ["prompt"]},
    },
    {},
)
_DETOKENIZE: Final = Schema(
    {
        "required": ["tokens"],
        "properties": {
            "model": {"type": "string"},
            "tokens": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        },
    },
    {},
)
_PERMISSION: Final[Mapping[str, Any]] = {
    "object": "model_permission",
    "allow_create_engine": False,
    "allow_sampling": True,
    "allow_logprobs": True,
    "allow_search_indices": False,
    "allow_view": True,
    "allow_fine_tuning": False,
    "organization": "*",
    "group": None,
    "is_blocking": False,
}


class SideServer(Server):
    """A server that has the routes of its profile besides."""

    def besides(self) -> Iterator[Route]:
        """Yield the profile's routes before those that every server has."""
        if SIDE_ROUTES in self.front.profile:
            yield "POST", "/tokenize", self.answering(self._tokenized)
            yield "POST", "/detokenize", self.answering(self._detokenized)
            yield "GET", "/version", self.answering(_version)
            yield "GET", "/load", self.answering(_load)
            for path in ("/health", "/ping"):
                yield "GET", path, _nothing
            yield "POST", "/ping", _nothing
        yield from super().besides()

    def card(self, model: Model) -> Mapping[str, Any]:
        """Tell of a model as the profile does."""
        if MODEL_CARDS not in self.front.profile:
            return super().card(model)
        identity = f"modelperm-{self.front.identity()}"
        permission = {"id": identity, "created": model.created, **_PERMISSION}
        return {
            **card(model),
            "owned_by": "vllm",
            "root": model.name,
            "parent": None,
            "permission": [permission],
        }

    async def _tokenized(
        self, context: RequestContext, request: web.Request
    ) -> Mapping[str, Any]:
        await self.read(context, request)
        return await aside(context.heavy, self._tokens, context)

    async def _detokenized(
        self, context: RequestContext, request: web.Request
    ) -> Mapping[str, Any]:
        await self.read(context, request)
        return await aside(context.heavy, self._text, context)

    def _tokens(self, context: RequestContext) -> Mapping[str, Any]:
        values, model = self._asked(context, _TOKENIZE)
        engine = self.front.engine
        if "prompt" in values:
            ids = engine.encode(model.name, values["prompt"])
            if values.get("add_special_tokens") is False:
                ids = ids[1:]
        else:
            tools = values.get("tools", ())
            ids = engine.render_chat(model.name, values["messages"], tools)
        texts = None
        if values.get("return_token_strs"):
            texts = [token_text(engine.token(model.name, one) or b"") for one in ids]
        return {
            "count": len(ids),
            "max_model_len": model.context_length,
            "tokens": ids,
            "token_strs": texts,
        }

    def _text(self, context: RequestContext) -> Mapping[str, Any]:
        tokens = context.body.get("tokens")
        if isinstance(tokens, list) and len(tokens) > CHAT_CONTEXT:
            raise TooLong(len(tokens), CHAT_CONTEXT)
        values, model = self._asked(context, _DETOKENIZE)
        pieces = [self.front.engine.token(model.name, one) for one in values["tokens"]]
        if None in pieces:
            unknown = values["tokens"][pieces.index(None)]
            raise BadRequest(
                f"/tokens holds {unknown}, which is not in the model's vocabulary",
                code="unknown_token",
                param="tokens",
            )
        return {"prompt": b"".join(filter(None, pieces)).decode("utf-8", "replace")}

    def _asked(
        self, context: RequestContext, schema: Schema
    ) -> tuple[Mapping[str, Any], Model]:
        """Return the valid body of a request, and the model that it names."""
        violations = schema.violations(context.body)
        if violations:
            raise Invalid(violations)
        first = self.front.engine.models[0].name
        return context.body, named(self.front, context.body.get("model") or first)


async def _version(context: RequestContext, request: web.Request) -> Mapping[str, Any]:
    del context, request
    return {"version": VERSION}


async def _load(context: RequestContext, request: web.Request) -> Mapping[str, Any]:
    del request
    engine = context.front.engine
    pending = [engine.stats(model.name)["results_pending"] for model in engine.models]
    return {"server_load": int(sum(pending))}


async def _nothing(request: web.Request) -> web.Response:
    del request
    return web.Response()


async def identified(request: web.Request, response: web.StreamResponse) -> None:
    """Give a response that is about to begin its X-Request-Id."""
    if "X-Request-Id" in response.headers:
        return
    identity = request.headers.get("X-Request-Id")
    if identity is None:
        context = request.get(CONTEXT)
        made = context.id.partition("-")[2] if context is not None else ""
        identity = made or uuid4().hex
    response.headers["X-Request-Id"] = identity
