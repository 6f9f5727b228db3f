"""Both answers to each request: of a real server, asked or recorded, and the mock's."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from aios_conformance import spec
from aios_conformance.mockserver.catalogue import documented
from aios_conformance.mockserver.drift import promises
from aios_conformance.mockserver.drift.comparison import AnswerPair
from aios_conformance.mockserver.drift.exchanges import (
    Answer,
    Recorded,
    Request,
    asked,
    recorded,
)
from aios_conformance.mockserver.embedded import MockServer
from aios_conformance.mockserver.options import MockOptions, read_options
from aios_conformance.serving.options import OptionError

LISTING: Final = Request("GET", "/v1/models", b"")
_TRIED: Final = 12  # models that are tried for an API
_DENIED: Final = (401, 403)
_KEY: Final = "recorded"  # stands for the key of a recording


@dataclass(frozen=True, slots=True)
class Asking:
    """What was asked for."""

    target: str
    requests: Path | None
    models: Mapping[str, str]
    key: str | None
    seconds: float
    argv: Sequence[str]  # options of the mock
    mock: MockOptions

    @property
    def dialect(self) -> str:
        """The one whose promises are asked for."""
        return self.mock.dialects[0]


async def from_recording(wanted: Asking) -> list[AnswerPair]:
    """Ask the mock what is recorded."""
    found = recorded(Path(wanted.target))
    argv = [*wanted.argv]
    if not any(word.startswith("--dialect") for word in wanted.argv):
        argv += ["--dialect", found.dialect]
    if found.key is not None:
        argv += ["--api-key", _KEY]
    requests = [_keyed(request, found) for request, _ in found.exchanges]
    served = _served(found.exchanges, read_options(argv, {}))
    here = await _asked_here([*argv, *served], requests, wanted.seconds)
    there = [answer for _, answer in found.exchanges]
    return [AnswerPair(*each) for each in zip(requests, there, here, strict=True)]


def _keyed(request: Request, found: Recorded) -> Request:
    """Put the mock's key where the real one was replaced by its name."""
    if found.key is None:
        return request
    headers = {k: v.replace(found.key, _KEY) for k, v in request.headers.items()}
    return replace(request, headers=headers)


async def from_url(wanted: Asking) -> list[AnswerPair]:
    """Ask both."""
    url = wanted.target.rstrip("/").removesuffix("/v1")

    async def ask(requests: Sequence[Request]) -> list[Answer]:
        return await asked(url, requests, key=wanted.key, seconds=wanted.seconds)

    (listing,) = await ask([LISTING])
    if listing.status == 0:
        raise OptionError(f"{url} cannot be reached: {listing.body.decode()}")
    if listing.status in _DENIED:
        raise OptionError(
            f"{url} refuses the key ({listing.status}); set --api-key KEY"
        )
    if wanted.requests is not None:
        requests = [request for request, _ in recorded(wanted.requests).exchanges]
    else:
        models = {**await _found(wanted, listing, ask), **wanted.models}
        requests = [*promises.requests(wanted.dialect, models)]
    there = await ask(requests)
    exchanges = list(zip(requests, there, strict=True))
    argv = [*wanted.argv, *_served(exchanges, wanted.mock)]
    here = await _asked_here(argv, requests, wanted.seconds)
    return [AnswerPair(*each) for each in zip(requests, there, here, strict=True)]


async def _found(wanted: Asking, listing: Answer, ask: Any) -> Mapping[str, str]:
    """Return a model for each API that answers the smallest request."""
    names = [*listed(listing)]
    known = [model.name for model in documented(wanted.dialect)]
    names = sorted(names, key=lambda name: name not in known) or known
    models: dict[str, str] = {}
    for api in spec.apis(wanted.dialect).values():
        tried = names[:_TRIED] if api.required and api.name not in wanted.models else []
        for name in tried:
            request = promises.smallest(wanted.dialect, api.name, name)
            (answer,) = await ask([request])
            if answer.accepted:
                models[api.name] = name
                break
    missing = [
        name
        for name, api in spec.apis(wanted.dialect).items()
        if api.required and name not in {**models, **wanted.models}
    ]
    if missing and not models and not wanted.models:
        raise OptionError(
            f"none of {', '.join(names[:_TRIED])} answers there; name one with --use "
            f"{missing[0]}=MODEL"
        )
    for job in missing:  # what the mock serves must be refused there to be told
        served = (m.name for m in documented(wanted.dialect) if job in m.apis)
        models[job] = next(served, names[0])
    return models


async def _asked_here(
    argv: Sequence[str], requests: Sequence[Request], seconds: float
) -> list[Answer]:
    async with MockServer("--unknown", "ignore", *argv) as mock:
        return await asked(mock.url, requests, key=None, seconds=seconds)


def _served(
    exchanges: Sequence[tuple[Request, Answer]], mock: MockOptions
) -> Iterator[str]:
    """Yield options that let the mock serve the models that answered there."""
    known = {model.name for name in mock.dialects for model in documented(name)}
    known |= {model.name for model in mock.models}
    apis: dict[str, set[str]] = defaultdict(set)
    for request, answer in exchanges:
        model = request.json.get("model") if isinstance(request.json, dict) else None
        if answer.accepted and isinstance(model, str) and model not in known:
            apis[model].add(_api(mock.dialects, request.operation))
    for model, names in apis.items():
        kind = "any"
        if names <= spec.served_by("generator"):
            kind = "chat"
        elif names <= spec.served_by("cross_encoder"):
            kind = "reranker"
        elif names <= spec.served_by("embedding"):
            kind = "embedding"
        yield from ("--model", f"{model}={kind}")


def _api(dialects: Sequence[str], operation: str) -> str:
    found = (
        name
        for dialect in dialects
        for name, api in spec.apis(dialect).items()
        if operation in api.operations
    )
    return next(found, "")


def listed(listing: Answer) -> dict[str, Mapping[str, Any]]:
    """Return the models of a listing by name."""
    data = listing.json.get("data") if isinstance(listing.json, dict) else None
    models = [each for each in data or () if isinstance(each, dict)]
    return {str(model.get("id")): model for model in models}
