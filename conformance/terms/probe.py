"""Probes: named, seeded sources of scenarios.

A scenario is a small group of requests that belong together. A probe draws its
parameters (plain JSON, so that a plan can be cached, replayed and shrunk) with a
Hypothesis strategy, and a generator function turns parameters into steps:

    @probe("rerank.top_n", "rerank", draws=(1, 2, 40),
           params=st.fixed_dictionaries({"documents": texts.documents(3, 6),
                                         "k": st.integers(1, 3)}))
    def top_n(p: Params, served: Served) -> Iterator[Step]:
        body = {"model": served.model("rerank"), "query": "…", **…}
        yield Step("full", "POST /v1/rerank", body)
        yield Step("top", "POST /v1/rerank", body | {"top_n": p["k"]})

Nothing here sends anything, and the steps of a scenario are known before the
first byte: a later step may compute its body from earlier answers, never its
existence.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Expect,
    Facts,
    Json,
)
from aios_conformance.spec import model_apis

Params = Any  # the drawn JSON value
Answers = Mapping[str, Exchange]
# A body made from earlier answers of the same scenario; None: it cannot be made
# (an earlier step was refused, no stop string to pick …) and the step is not sent.
Later = Callable[[Answers], Json]


@dataclass(frozen=True, slots=True)
class Served:
    """The model names and facts that bodies are built with."""

    facts: Facts
    without: tuple[str, ...] = ()  # capabilities that the vendor does not claim
    apis: tuple[Api, ...] = model_apis()  # those that are asked

    def model(self, api: Api) -> str:
        """The served model for an API (a placeholder while only planning)."""
        return self.facts.models.get(api, f"<{api} model>")

    def among(self, *preferred: Api) -> tuple[Api, ...]:
        """Who shows what few APIs show for all: those preferred that are asked, or all.

        So a row that concerns every API is exercised whatever the scope.
        """
        return tuple(api for api in preferred if api in self.apis) or self.apis

    def offers(self, need: str) -> bool:
        """A capability that some steps of a probe need, and others do not."""
        return need not in self.without


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a scenario.

    `serves` names the rows that are proved by the very acceptance (expect
    "accept") or refusal (expect "refuse") of this request; `breaks` says in words
    which single rule a refused request breaks. `shared` lets identical requests
    of different scenarios be sent once (the valid neighbours of mutants).
    """

    label: str
    operation: str  # "POST /v1/rerank"
    body: Json | Later = None
    expect: Expect = "accept"
    serves: tuple[str, ...] = ()
    breaks: str = ""
    codes: tuple[int, ...] = (400, 422)
    shared: bool = False
    raw: bytes | None = None  # exact bytes in place of `body`
    headers: Mapping[str, str | None] | None = None  # added; None removes a default
    # The request deliberately departs from the OpenAPI document although a right
    # answer is a success (escapes, extra white space …), or obeys it although it
    # is to be refused (unknown model): the suite's check of itself is told why.
    off_schema: str = ""
    # of bytes, or a body made from earlier answers: the step whose prompt it has
    like: str = ""
    # what an earlier answer has where a body can be made of it, in words
    wants: str = ""
    beyond: int = (
        0  # tokens of earlier answers and of turns that it adds to that prompt
    )
    # ceilings of what the step may cost, where its body misleads
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    last: bool = False  # sent after everything else (costly, or hard on the target)
    # The scenario's first draw is played before all others, and nothing else is asked
    # of its API meanwhile: what one request does to the next one shows only if no other
    # comes between them, and what company does only beside an answer without company.
    alone: bool = False
    # Sent at the same time as those next to it in the scenario that are marked so too.
    together: bool = False
    # The client goes away after the first bytes of the stream; there is no answer.
    leaves: bool = False
    # A `Later` step that is only sent where earlier answers leave a question open.
    # The plan counts its tokens, but not its request.
    spare: bool = False
    # A spare step that tells which of several things is to blame. A target that keeps
    # the documents never sees it, and the plan does not count it.
    narrows: bool = False
    # Sent only for what it does to the next one: no check sees its exchange.
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Draws:
    """How many scenarios each preset draws from a probe."""

    smoke: int
    standard: int
    deep: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A named strategy of scenarios. `needs`: capabilities a vendor may not claim."""

    name: str
    api: Api
    params: st.SearchStrategy[Params]
    build: Callable[[Params, Served], Iterable[Step]]
    draws: Draws
    needs: tuple[str, ...] = ()
    rows: tuple[Params, ...] = ()  # a fixed table instead of drawing (see `table`)
    # which presets send the table: smoke takes only rows marked so by `smoke_rows`
    smoke_rows: int = 0
    dialects: tuple[str, ...] = ("aios",)
    # in place of drawing: all rows of a preset, by its name, seed and capabilities
    made: Callable[[str, int, frozenset[str]], Sequence[Params]] | None = None


def probe(
    name: str,
    api: Api,
    *,
    params: st.SearchStrategy[Params] | None = None,
    draws: tuple[int, int, int] = (0, 1, 10),
    needs: tuple[str, ...] = (),
    dialects: tuple[str, ...] = ("aios",),
) -> Callable[[Callable[[Params, Served], Iterator[Step]]], Probe]:
    """Make a probe of a step generator. `draws` are (smoke, standard, deep)."""

    def make(build: Callable[[Params, Served], Iterator[Step]]) -> Probe:
        strategy: st.SearchStrategy[Params] = st.none() if params is None else params
        return Probe(
            name, api, strategy, build, Draws(*draws), needs, dialects=dialects
        )

    return make


def table(
    name: str,
    api: Api,
    rows: Iterable[Params],
    *,
    smoke_rows: int = 0,
    needs: tuple[str, ...] = (),
    dialects: tuple[str, ...] = ("aios",),
) -> Callable[[Callable[[Params, Served], Iterator[Step]]], Probe]:
    """Make a probe that plays every row of a table (standard and deep).

    The first `smoke_rows` rows are also played in smoke.
    """
    fixed = tuple(rows)

    def make(build: Callable[[Params, Served], Iterator[Step]]) -> Probe:
        draws = Draws(smoke_rows, len(fixed), len(fixed))
        return Probe(
            name,
            api,
            st.sampled_from(fixed),
            build,
            draws,
            needs,
            fixed,
            smoke_rows,
            dialects,
        )

    return make
