"""Finding out what a target serves, before anything is judged.

Per API a model name is taken from `--model`, else from GET /v1/models in the order
of that list, else from the documents. A name counts when the target accepts a small
valid request with it. What one API has answered to a name tells others whether to try
it soon: a model that chats hardly ranks. An API is absent only when all its paths
answer 404, 405 or 501 to such a request; one that is named in `--apis` is never
absent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from aios_conformance import spec
from aios_conformance.conformance.observing.recorder import Recorder, exchanged
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import RunOptions, TargetError
from aios_conformance.conformance.terms.cost import ceiling
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Json,
)
from aios_conformance.conformance.terms.probe import Step
from aios_conformance.conformance.terms.requests import Outgoing, body_bytes
from aios_conformance.spec import ApiSpec, apis, model_apis

Kind = Literal["embedding", "cross_encoder"]
PROBE = "discovery"
UNREACHABLE = "unreachable"
MOST_TRIES = 20
LISTING = spec.LISTING
ABSENT = (404, 405, 501)
LONGEST = 1_000  # characters of a model's name
LENGTH = "max_model_len"
_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What is served, and which APIs are absent, each with the reason."""

    facts: Facts
    absent: Mapping[Api, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Search:
    """The search for one API's model."""

    name: Api
    known: Mapping[Api, ApiSpec]  # the APIs of the dialect
    names: list[str]  # to be tried, those that are listed or given
    documented: list[str]  # to be tried when none of these is left
    is_named: bool  # the API stands in --apis
    is_given: bool = False  # the model stands in --model
    model: str | None = None
    tried: list[Exchange] = field(default_factory=list)

    @property
    def api(self) -> ApiSpec:
        """What the contract says of the API."""
        return self.known[self.name]

    def next_name(self, sent: Sequence[Exchange]) -> str | None:
        """The next name to try, None when the search is over.

        `sent` is all that was tried so far, for whatever API.
        """
        names = self.names or self.documented
        if self.model is not None or not names:
            return None
        name = min(names, key=lambda name: self._doubt(name, sent))
        names.remove(name)
        return name

    def _doubt(self, name: str, sent: Sequence[Exchange]) -> int:
        """How little is to be expected of a name; 1 where nothing is known of it."""
        doubts = [1]
        for tried in (e for e in sent if _sent_model(e) == name):
            other = self.known[tried.api]
            is_kin = other.served_by == self.api.served_by
            if is_kin and tried.is_success:
                return 0
            if is_kin and other.reads_pairs:
                doubts.append(4)
            elif tried.is_success:
                doubts.append(3)  # a model of another kind
            elif other.reads_pairs and not self.api.generates:
                doubts.append(2)  # most embedding models rank and score
        return max(doubts)

    @property
    def limit(self) -> Mapping[str, Json]:
        """What keeps the answer short, by a name that the document knows."""
        known = (name for name in _LIMITS if name in self.api.members)
        name = next(known, None) if self.api.generates else None
        return {name: 1} if name else {}

    @property
    def answers(self) -> list[int]:
        """The statuses that tries were answered with."""
        return [e.status for e in self.tried if e.response is not None]

    @property
    def is_absent(self) -> bool:
        """Every path of the API answered that it is not there."""
        paths = {e.request.operation for e in self.tried}
        is_everywhere = paths == {*self.api.operations}
        return is_everywhere and all(_is_no_path(e) for e in self.tried)


def operation_of(dialect: str) -> str:
    """The operation on which the embedding model of a dialect is looked for."""
    found = apis(dialect).get("embeddings")
    return found.operation if found else "POST /v1/embeddings"


def listing_of(dialect: str) -> str:
    """The operation that lists models: the dialect's own, else OpenAI's."""
    own = (name for name, api in spec.operations(dialect).items() if api == "models")
    return next((name for name in own if name.startswith("GET ")), LISTING)


async def discover(
    recorder: Recorder, options: RunOptions, hints: Mapping[Api, str] | None = None
) -> Discovery:
    """Ask the target for its models and try them, `hints` before those it lists.

    Raises:
        TargetError: nothing answers, no API is there, or no model is accepted.

    """
    asked = _Asker(recorder)
    listing = await asked.get(listing_of(options.dialect))
    if listing.response is None:
        raise TargetError(
            f"{recorder.transport.url} does not answer: {listing.failure}",
            code=UNREACHABLE,
            hint=await _why_silent(recorder.transport, listing.failure or ""),
        )
    listed = _names(listing)
    known, hint = apis(options.dialect), hints or {}
    searches = [
        _search(
            api, known, options, [name for name in (hint.get(api), *listed) if name]
        )
        for api in model_apis(options.dialect)
        if not options.apis or api in options.apis
    ]
    await _try_all(asked, searches, options.dialect)
    if recorder.cut_short is not None:
        raise TargetError(
            f"the search for models was cut short: {recorder.cut_short}",
            code="limit",
            hint="name the models with --model, or raise the limit",
        )
    absent: dict[Api, str] = {}
    is_usable = any(search.model is not None for search in searches)
    for search in searches:
        if search.model is not None:
            continue
        if search.is_absent and not search.is_named:
            absent[search.name] = f"the {search.name} API is absent"
        elif (
            search.is_absent
            or any(status >= 500 for status in search.answers)
            or (is_usable and search.answers and not search.is_given)
        ):
            search.model = _sent_model(search.tried[0])  # broken, and judged so
    _verify(searches, absent, options)
    models = {s.name: s.model for s in searches if s.model is not None}
    kinds: dict[Api, Kind] = {}
    for api, name in models.items():
        if known[api].reads_pairs:
            can_embed = "embeddings" in known and "embeddings" not in absent
            embedding = known["embeddings"] if can_embed else None
            kinds[api] = await _kind(asked, name, embedding)
    stated = _limits(listing)
    limits = {api: stated[name] for api, name in models.items() if name in stated}
    scheme = recorder.transport.url.partition("://")[0]
    facts = Facts(options.dialect, models, kinds, limits, scheme)
    return Discovery(facts, absent)


async def _why_silent(transport: Transport, failure: str) -> str:
    if failure.startswith("the proxy refuses"):
        return "--proxy http://USER:PASSWORD@HOST:PORT says who asks it"
    if transport.url.startswith("http:") and await transport.speaks_tls():
        return "the port speaks TLS: the base URL begins with https://"
    is_cut = "ends the connection" in failure or "reset" in failure
    if is_cut and transport.url.startswith("https:"):
        return "does it take TLS 1.2 or later there, without a client's certificate?"
    return "is the server running, and is this its base URL?"


def _search(
    api: Api,
    known: Mapping[Api, ApiSpec],
    options: RunOptions,
    listed: Sequence[str],
) -> _Search:
    given = options.models.get(api) or options.models.get("*")
    served = spec.models(options.dialect)[:1]
    documented = [*known[api].models] or [model.name for model in served]
    names = [given] if given else list(dict.fromkeys(listed))
    others = [] if given else [name for name in documented if name not in names]
    is_named = api in options.apis
    return _Search(api, known, names, others, is_named, bool(given))


async def _try_all(asked: "_Asker", searches: Sequence[_Search], dialect: str) -> None:
    """Try names for all APIs in turns, so that no API uses up the tries of another.

    Those that generate begin: most lists begin with their models.
    """
    waiting = sorted(searches, key=lambda search: not search.api.generates)
    while waiting and asked.tries < MOST_TRIES:
        for search in list(waiting):
            name = search.next_name(asked.sent)
            if name is None or asked.tries >= MOST_TRIES:
                waiting.remove(search)
                continue
            await _try(asked, search, name)
    for search in searches:
        if search.model is None and any(s in (400, 422) for s in search.answers):
            await _try_forms(asked, search, dialect)


async def _try(asked: "_Asker", search: _Search, name: str) -> None:
    first, *aliases = search.api.operations
    body = {"model": name, **search.api.smallest, **search.limit}
    exchange = await asked.post(first, search.name, body)
    search.tried.append(exchange)
    for alias in aliases:
        if _is_no_path(exchange):
            exchange = await asked.post(alias, search.name, body)
            search.tried.append(exchange)
    if exchange.is_success:
        search.model = name


async def _try_forms(asked: "_Asker", search: _Search, dialect: str) -> None:
    """A target that refuses one form of a body is still to be judged.

    What was refused as it stood is tried without the limit on the answer, and in the
    other forms that the document allows. What they show of the refused one is found
    where its row is judged.
    """
    operation = search.api.operation
    refused = [e for e in search.tried if e.status in (400, 422)]
    for name in dict.fromkeys(filter(None, map(_sent_model, refused))):
        plain = {"model": name, **search.api.smallest}
        bodies = [plain] if search.limit else []
        _, *others = spec.forms(spec.nodes(dialect), operation, plain)
        bodies += ({**other, **search.limit} for other in others)
        for body in bodies:
            if asked.tries >= MOST_TRIES:
                return
            exchange = await asked.post(operation, search.name, body)
            search.tried.append(exchange)
            if exchange.is_success:
                search.model = name
                return


def _verify(
    searches: Sequence[_Search], absent: Mapping[Api, str], options: RunOptions
) -> None:
    statuses = [status for search in searches for status in search.answers]
    if len(absent) == len(searches):
        begin = operation_of(options.dialect).split("/")[1]
        raise TargetError(
            "every API answered 404, 405 or 501: this is not the base URL of an "
            f"{options.dialect} target",
            code="no-api",
            hint=f"the paths begin with /{begin}, so the base URL must not end with it",
        )
    lost = [s for s in searches if s.model is None and s.name not in absent]
    if not lost:
        return
    if statuses and all(status in (401, 403) for status in statuses):
        raise TargetError(
            f"every request was answered with {statuses[0]}",
            code="unauthorised",
            hint=f"set {options.api_key_env}, or name a variable with --api-key-env",
        )
    example = lost[0]
    first = _outcome(example.tried[0]) if example.tried else ""
    if statuses and not any(statuses):
        raise TargetError(first, code="no-http", hint="is this the base URL?")
    if statuses and all(300 <= status < 400 for status in statuses):
        raise TargetError(
            f"every request was redirected, with {first}",
            code="redirected",
            hint="redirects are not followed: name the base URL that they lead to",
        )
    names = ", ".join(search.name for search in lost)
    tried = ", ".join(
        dict.fromkeys(f"{_sent_model(e)} → {_outcome(e)}" for e in example.tried)
    )
    raise TargetError(
        f"no usable model for {names} (tried for {example.name}: {tried or 'none'})",
        code="no-model",
        hint=f"name one with --model {example.name}=NAME, or leave the API out with "
        "--apis",
    )


async def _kind(asked: "_Asker", name: str, embedding: ApiSpec | None) -> Kind:
    """An embedding model if the API that embeds answers the same name (A-049)."""
    if embedding is None:
        return "cross_encoder"
    operation = embedding.operation
    for exchange in asked.sent:
        if exchange.request.operation == operation and _sent_model(exchange) == name:
            return "embedding" if exchange.is_success else "cross_encoder"
    body = {"model": name, **embedding.smallest}
    exchange = await asked.post(operation, embedding.name, body)
    return "embedding" if exchange.is_success else "cross_encoder"


@dataclass(slots=True)
class _Asker:
    """Sends and records the requests of discovery."""

    recorder: Recorder
    sent: list[Exchange] = field(default_factory=list)

    @property
    def tries(self) -> int:
        """How many names were tried so far."""
        return sum(not e.request.operation.startswith("GET ") for e in self.sent)

    async def get(self, operation: str) -> Exchange:
        """GET a path."""
        return await self._send(Step("try", operation, expect="either"), "models")

    async def post(self, operation: str, api: Api, body: Json) -> Exchange:
        """POST a JSON body."""
        return await self._send(Step("try", operation, body, "either"), api)

    async def _send(self, step: Step, api: Api) -> Exchange:
        number = len(self.sent)
        name = f"ex-{number + 1}"
        make = partial(exchanged, name, PROBE, number, api, step)
        body = None if step.body is None else body_bytes(step.body)
        made, cost = Outgoing(step.operation, body), ceiling(step.operation, step.body)
        exchange = await self.recorder.send(made, make, cost, [name])
        self.sent.append(exchange)
        return exchange


def _names(listing: Exchange) -> list[str]:
    """Model names of a GET /v1/models answer, in its order; none that is no name.

    Each request and each line of a report repeats it.
    """
    found = (model.get("id") for model in _listed(listing))
    return [
        name for name in found if isinstance(name, str) and 0 < len(name) <= LONGEST
    ]


def _limits(listing: Exchange) -> dict[str, int]:
    """What a GET /v1/models answer says on how many tokens each model reads.

    No document asks for it, but many servers tell (`max_model_len`).
    """
    found = ((model.get("id"), model.get(LENGTH)) for model in _listed(listing))
    return {
        name: limit
        for name, limit in found
        if isinstance(name, str) and type(limit) is int and limit > 0
    }


def _listed(listing: Exchange) -> list[Mapping[str, Json]]:
    body = listing.response.json if listing.response and listing.is_success else None
    data = body.get("data") if isinstance(body, dict) else None
    models = data if isinstance(data, list) else []
    return [model for model in models if isinstance(model, dict)]


def _is_no_path(exchange: Exchange) -> bool:
    """The path is not there; a 404 that names the model speaks of the model."""
    name = _sent_model(exchange)
    body = exchange.response.body if exchange.response else b""
    is_about_model = name is not None and body_bytes(name)[1:-1] in body
    return exchange.status in ABSENT and not is_about_model


def _sent_model(exchange: Exchange) -> str | None:
    body = exchange.request.json
    name = body.get("model") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None


def _outcome(exchange: Exchange) -> str:
    response = exchange.response
    if response is None:
        return exchange.failure or "nothing"
    if location := response.header("location"):
        return f"{response.status} to {location}"
    return response.broken or str(response.status)
