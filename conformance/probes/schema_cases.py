"""Bodies drawn from the request schemas by schemathesis, each with a mutant.

A scenario is one body whose acceptance nothing leaves in doubt, and the same body
with one rule broken. Schemathesis draws from the narrowed schemas (`promised`); what
they cannot say, that members must fit each other, is seen to by `fit`. Parameters are
plain JSON without a model name, so that a plan can be kept, replayed and shrunk:
schemathesis is imported when something is drawn, and not for a plan from the cache.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from aios_conformance.conformance.probes.mutants import Mutant, request_schema
from aios_conformance.conformance.probes.strict_schema import promised
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, probe
from aios_conformance.spec import api_of, apis

_DIALECT = "aios"
_PLACEHOLDER = "model"
LIMIT = 4  # tokens, where the draw sets no limit: generation always has one
WARM = 0.7  # n above 1 always goes with sampling


@dataclass(frozen=True, slots=True)
class Variant:
    """One source of bodies: a request schema and the capabilities that it may use."""

    name: str  # begins with its API, or else has an operation
    draws: tuple[int, int, int]
    needs: tuple[str, ...] = ()
    stream: bool = False
    dialect: str = "aios"
    operation: str = ""  # the only one to ask; "" for all of the API

    @property
    def api(self) -> Api:
        """The API that its bodies are for."""
        if self.operation:
            return api_of(self.operation, dialect=self.dialect)
        name = self.name.partition(".")[0]
        return next(api for api in apis() if api == name)

    @property
    def schema(self) -> str:
        """The operation or the component that says what a body is."""
        return self.operation or apis()[self.api].schema

    @property
    def paths(self) -> list[str]:
        """Where its bodies can be sent."""
        asked = (self.operation,) if self.operation else apis()[self.api].operations
        return [operation.partition(" ")[2] for operation in asked]


_CHAT = ("n", "seed", "stop", "logprobs", "tools")
_COMPLETIONS = ("n", "seed", "stop", "logprobs", "echo")
VARIANTS: tuple[Variant, ...] = (
    Variant("rerank.drawn", (0, 0, 90)),
    Variant("score.drawn", (0, 0, 70)),
    Variant("embeddings.drawn", (0, 0, 60)),
    Variant("chat.drawn", (0, 0, 60)),
    Variant("chat.drawn.able", (0, 0, 60), _CHAT),
    Variant(
        "chat.drawn.streamed",
        (0, 0, 60),
        ("streaming", "n", "seed", "stop"),
        stream=True,
    ),
    Variant("completions.drawn", (0, 0, 60)),
    Variant(
        "completions.drawn.able",
        (0, 0, 60),
        _COMPLETIONS,
    ),
    Variant(
        "completions.drawn.streamed",
        (0, 0, 60),
        ("streaming", "n", "seed", "stop"),
        stream=True,
    ),
)


def fit(variant: Variant, drawn: Json) -> Json:
    """A drawn body whose members fit each other, in the contract's order; pure."""
    body = {name: _plain(value) for name, value in drawn.items() if name != "model"}
    match variant.api if variant.dialect == _DIALECT else "":
        case "rerank":
            if "top_n" in body:
                body["top_n"] = min(body["top_n"], len(body["documents"]))
        case "score":
            body |= _paired(body["text_1"], body["text_2"])
        case _ if apis()[variant.api].generates:
            body = _generating(variant, body)
    # that another order changes nothing has a row, and probes, of its own
    members = request_schema(variant.dialect, variant.schema).node["properties"]
    return {name: body[name] for name in members if name in body}


def _plain(value: Json) -> Json:
    """Whole floats as integers (A-008), other numbers with three decimals."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3) or 0
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _paired(one: Json, other: Json) -> dict[str, Json]:
    """Two texts, or two lists of one length: the forms that must be taken (A-057)."""
    if isinstance(one, list) and isinstance(other, list):
        pairs = list(zip(one, other, strict=False))
        return {"text_1": [p[0] for p in pairs], "text_2": [p[1] for p in pairs]}
    first = [text[0] if isinstance(text, list) else text for text in (one, other)]
    return {"text_1": first[0], "text_2": first[1]}


def _generating(variant: Variant, drawn: dict[str, Any]) -> dict[str, Any]:
    body = dict(drawn)
    body.pop("stream", None)
    options = body.pop("stream_options", None)
    if variant.stream:
        body["stream"] = True
        if options is not None:  # without stream they are in doubt
            body["stream_options"] = options
    if "max_tokens" in body and "max_completion_tokens" in body:
        del body["max_tokens"]  # which of two limits wins is open
    if not body.keys() & {"max_tokens", "max_completion_tokens"}:
        body["max_tokens"] = LIMIT
    if body.get("n", 1) > 1 and body.get("temperature", 1) < WARM:
        body["temperature"] = WARM
    if variant.api == "chat":
        _converse(body)
    elif body.get("logprobs") and body.get("echo"):
        del body["echo"]  # both together are open
    return body


def _converse(body: dict[str, Any]) -> None:
    """Turns that alternate and end with the user's, and tools that can be told apart.

    Chat templates of real models refuse other orders; rows on roles have their own
    probes.
    """
    turns = body["messages"]
    body["messages"] = [
        turn | {"role": "user" if (len(turns) - i) % 2 else "assistant"}
        for i, turn in enumerate(turns)
    ]
    if body.get("logprobs") is not True:
        body.pop("top_logprobs", None)
    if "tools" in body:
        named = {tool["function"]["name"]: tool for tool in body["tools"]}
        body["tools"] = list(named.values())
    else:
        body.pop("tool_choice", None)


@cache
def bodies(variant: Variant) -> st.SearchStrategy[Json]:
    """Valid bodies without a model, drawn by schemathesis."""
    valid = request_schema(variant.dialect, variant.schema)
    schema = promised(valid.walk.document, variant.schema, variant.needs)
    with _printer_kept():
        strategy = _drawn_by_schemathesis(schema)

    @st.composite
    def fitting(draw: st.DrawFn) -> Json:
        body = fit(variant, draw(strategy))
        assume(not valid.breaches(body | {"model": _PLACEHOLDER}))
        return body

    return fitting()


def _drawn_by_schemathesis(schema: Mapping[str, Any]) -> st.SearchStrategy[Json]:
    schemathesis = import_module("schemathesis")
    operation = {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        },
        "responses": {"200": {"description": "an answer"}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "requests", "version": "1"},
        "paths": {"/request": {"post": operation}},
    }
    loaded = schemathesis.openapi.from_dict(document)
    positive = schemathesis.GenerationMode.POSITIVE
    cases = loaded["/request"]["POST"].as_strategy(generation_mode=positive)
    drawn: st.SearchStrategy[Json] = cases.map(lambda case: case.body)
    return drawn


@contextmanager
def _printer_kept() -> Iterator[None]:
    """Undo that schemathesis swaps Hypothesis' printer for one that prints nothing.

    Failing examples of other tests in the process would read `x=,`.
    """
    core: Any = import_module("hypothesis.core")
    printer = core.RepresentationPrinter
    try:
        yield
    finally:
        core.RepresentationPrinter = printer


@st.composite
def cases(draw: st.DrawFn, variant: Variant) -> Params:
    """A path, a valid body, and one change that breaks it."""
    path = draw(st.sampled_from(variant.paths))
    body = draw(bodies(variant))
    known = request_schema(variant.dialect, variant.schema)
    whole = body | {"model": _PLACEHOLDER}
    changes = list(known.changes(whole, variant.needs))
    breaking = st.sampled_from(changes).filter(
        lambda mutant: bool(known.proven(mutant.applied(whole)))
    )
    mutant = draw(breaking)
    change = {"drop": True} if mutant.is_dropped else {"value": mutant.value}
    return {"path": path, "body": body, "mutant": {"at": list(mutant.path), **change}}


def _probe(variant: Variant) -> Probe:
    @probe(
        variant.name,
        variant.api,
        params=st.deferred(lambda: cases(variant)),
        draws=variant.draws,
        needs=variant.needs,
    )
    def drawn(p: Params, served: Served) -> Iterator[Step]:
        yield from steps_of_case(variant, p, served)

    return drawn


def steps_of_case(
    variant: Variant, p: Params, served: Served, codes: tuple[int, ...] = (400, 422)
) -> Iterator[Step]:
    """A drawn body, and the same one with one rule broken."""
    operation = f"POST {p['path']}"
    valid = p["body"] | {"model": served.model(variant.api)}
    change = p["mutant"]
    mutant = Mutant(tuple(change["at"]), change.get("value"), "drop" in change)
    broken = mutant.applied(valid)
    wrong = "is missing" if mutant.is_dropped else f"is {mutant.value!r}"
    yield Step("valid", operation, valid)
    yield Step(
        "mutant",
        operation,
        broken,
        expect="refuse",
        serves=request_schema(variant.dialect, variant.schema).proven(broken),
        breaks=f"{mutant.pointer} {wrong}",
        codes=codes,
    )


PROBES: tuple[Probe, ...] = tuple(_probe(variant) for variant in VARIANTS)
