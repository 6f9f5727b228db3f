"""Typed readings of an exchange, one for each kind of answer.

`View.of(exchange, facts)` gives the view, or None when the answer is not of that
kind or is too malformed for its semantics to be judged (the schema check reports
what is malformed). A check that holds a view may therefore rely on its members.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from aios_conformance.conformance.terms.exchange import Api, Exchange, Facts, Json
from aios_conformance.conformance.terms.sse import ServerSentEvent


@dataclass(frozen=True)
class View:
    """An exchange seen as one kind of thing."""

    exchange: Exchange
    facts: Facts

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """The view of this exchange, or None when it is of another kind."""
        return cls(exchange, facts) if exchange.response else None

    @property
    def sent(self) -> Mapping[str, Json]:
        """The request's JSON object ({} when the request was none)."""
        body = self.exchange.request.json
        return body if isinstance(body, dict) else {}


@dataclass(frozen=True)
class AnyAnswer(View):
    """Every HTTP answer, whatever its status."""


@dataclass(frozen=True)
class Refusal(View):
    """An answer with 4xx."""

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """4xx answers only."""
        return cls(exchange, facts) if 400 <= exchange.status < 500 else None


@dataclass(frozen=True)
class Answer(View):
    """A whole (not streamed) success whose body is a JSON object."""

    api: Api | None = None

    may_stream: ClassVar[bool] = False  # a stream, put together, is one too

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Successes with a JSON object, of the view's API when it has one."""
        wanted = cls.__dataclass_fields__["api"].default
        if wanted is not None and exchange.api != wanted:
            return None
        if exchange.said is None or (exchange.is_stream and not cls.may_stream):
            return None
        view = cls(exchange, facts)
        return view if view.is_readable() else None

    def is_readable(self) -> bool:
        """The members that this view's semantics stand on are there."""
        return True

    @property
    def body(self) -> Mapping[str, Any]:
        """The answer's JSON object, or what a stream adds up to."""
        assert self.exchange.said is not None  # noqa: S101 - `of` saw to it
        return self.exchange.said

    @property
    def is_whole(self) -> bool:
        """It came in one piece."""
        return not self.exchange.is_stream

    @property
    def usage(self) -> Mapping[str, Any]:
        """The usage object ({} when it is missing)."""
        usage = self.body.get("usage")
        return usage if isinstance(usage, dict) else {}

    def kind(self, api: Api) -> str:
        """`embedding` or `cross_encoder`: the served model's kind (A-049)."""
        return self.facts.kinds.get(api, "cross_encoder")


@dataclass(frozen=True)
class Told(Answer):
    """A success of any API, whole or streamed."""

    may_stream = True


@dataclass(frozen=True)
class RerankAnswer(Answer):
    """A rerank success with numeric scores."""

    api: Api | None = "rerank"

    def is_readable(self) -> bool:
        """Results are objects with a numeric score and a whole index."""
        results = self.body.get("results")
        return isinstance(results, list) and all(
            isinstance(r, dict)
            and is_number(r.get("relevance_score"))
            and is_whole(r.get("index"))
            for r in results
        )

    @property
    def results(self) -> Sequence[Mapping[str, Any]]:
        """The result objects, in the order of the answer."""
        results: Sequence[Mapping[str, Any]] = self.body["results"]
        return results

    @cached_property
    def scores(self) -> list[float]:
        """Relevance scores, in the order of the answer."""
        return [r["relevance_score"] for r in self.results]

    @cached_property
    def indices(self) -> list[int]:
        """The index members, in the order of the answer."""
        return [int(r["index"]) for r in self.results]

    @cached_property
    def documents(self) -> list[str]:
        """The documents that were sent."""
        return list(self.sent.get("documents", []))


@dataclass(frozen=True)
class RerankTexts(RerankAnswer):
    """A rerank success whose results also say which text they score.

    Without texts the meaning of an index is not known (A-035), nor what is ranked.
    """

    def is_readable(self) -> bool:
        """Results have a document with a text, too."""
        return super().is_readable() and all(
            isinstance(r.get("document"), dict)
            and isinstance(r["document"].get("text"), str)
            for r in self.results
        )

    @cached_property
    def texts(self) -> list[str]:
        """The document texts, in the order of the answer."""
        return [r["document"]["text"] for r in self.results]


@dataclass(frozen=True)
class ScoreAnswer(Answer):
    """A score success with numeric scores."""

    api: Api | None = "score"

    def is_readable(self) -> bool:
        """Data items are objects with a numeric score."""
        data = self.body.get("data")
        return isinstance(data, list) and all(
            isinstance(d, dict) and is_number(d.get("score")) for d in data
        )

    @cached_property
    def scores(self) -> list[float]:
        """Scores, in the order of the answer."""
        return [d["score"] for d in self.body["data"]]


@dataclass(frozen=True)
class EmbeddingAnswer(Answer):
    """An embeddings success, in either encoding."""

    api: Api | None = "embeddings"

    def is_readable(self) -> bool:
        """Data items are objects with a list of numbers or a string."""
        data = self.body.get("data")
        return isinstance(data, list) and all(
            isinstance(d, dict)
            and (
                isinstance(d.get("embedding"), str)
                or (
                    isinstance(d.get("embedding"), list)
                    # thousands of numbers: asked of their types, not one by one
                    and {int, float}.issuperset(map(type, d["embedding"]))
                )
            )
            for d in data
        )

    @cached_property
    def embeddings(self) -> list[list[float] | str]:
        """Vectors (float) or base64 strings, in the order of the answer."""
        return [d["embedding"] for d in self.body["data"]]


@dataclass(frozen=True)
class GeneratedAnswer(Answer):
    """An answer of chat or completions, whole or streamed."""

    may_stream = True

    part: ClassVar[tuple[str, type]]  # the member of a choice that was generated

    def is_readable(self) -> bool:
        """Choices are objects that hold what was generated."""
        member, kind = self.part
        choices = self.body.get("choices")
        return isinstance(choices, list) and all(
            isinstance(choice, dict) and isinstance(choice.get(member), kind)
            for choice in choices
        )

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        """The choices, in the order of the answer."""
        choices: Sequence[Mapping[str, Any]] = self.body["choices"]
        return choices


@dataclass(frozen=True)
class ChatAnswer(GeneratedAnswer):
    """A chat completion."""

    api: Api | None = "chat"

    part = ("message", dict)

    @cached_property
    def texts(self) -> list[str]:
        """Message contents ("" for null), in the order of the answer."""
        return [c["message"].get("content") or "" for c in self.choices]


@dataclass(frozen=True)
class CompletionAnswer(GeneratedAnswer):
    """A completion."""

    api: Api | None = "completions"

    part = ("text", str)

    @cached_property
    def texts(self) -> list[str]:
        """Texts, in the order of the answer."""
        return [c["text"] for c in self.choices]


@dataclass(frozen=True)
class Stream(View):
    """A streamed success of chat or completions, decoded (A-100)."""

    api: Api | None = None

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Streamed successes, of the view's API when it has one.

        A stream that broke off is one too: that is a finding, not a reason to
        look away.
        """
        wanted = cls.__dataclass_fields__["api"].default
        if wanted is not None and exchange.api != wanted:
            return None
        streamed = 200 <= exchange.status < 300 and exchange.is_stream
        return cls(exchange, facts) if streamed else None

    @property
    def events(self) -> list[ServerSentEvent]:
        """The events in order, [DONE] included."""
        assert self.exchange.response is not None  # noqa: S101 - `of` saw to it
        return self.exchange.response.events

    @cached_property
    def chunks(self) -> list[Mapping[str, Any]]:
        """The JSON objects among the events, in order."""
        parsed = (event.json for event in self.events)
        return [chunk for chunk in parsed if isinstance(chunk, dict)]

    def errors(self) -> Iterator[tuple[int, Any]]:
        """Error events, each with its number."""
        for i, event in enumerate(self.events):
            body = event.json
            told = body.get("error") if isinstance(body, dict) else None
            if told or event.event == "error":
                yield i, told or event.data

    @cached_property
    def indices(self) -> list[int]:
        """Choice indices that occur, ascending."""
        found = {
            int(choice["index"])
            for chunk in self.chunks
            for choice in _choices(chunk)
            if is_whole(choice.get("index"))
        }
        return sorted(found)

    def pieces(self, index: int) -> list[Mapping[str, Any]]:
        """The choice objects of one choice index, in order."""
        return self._by_index.get(index, [])

    @cached_property
    def _by_index(self) -> Mapping[Any, list[Mapping[str, Any]]]:
        found: dict[Any, list[Mapping[str, Any]]] = {}
        for chunk in self.chunks:
            for choice in _choices(chunk):
                index = choice.get("index")
                if not isinstance(index, list | dict):
                    found.setdefault(index, []).append(choice)
        return found

    @cached_property
    def usages(self) -> list[Mapping[str, Any]]:
        """The usage objects that chunks carry, in order."""
        return [c["usage"] for c in self.chunks if isinstance(c.get("usage"), dict)]

    def text(self, index: int = 0) -> str:
        """The concatenated text of one choice: content deltas, or text pieces."""
        return "".join(_text(piece) for piece in self.pieces(index))


@dataclass(frozen=True)
class ChatStream(Stream):
    """A streamed chat completion."""

    api: Api | None = "chat"


@dataclass(frozen=True)
class CompletionStream(Stream):
    """A streamed completion."""

    api: Api | None = "completions"


@dataclass(frozen=True)
class Record:
    """All exchanges of a run, in the order in which they were sent."""

    exchanges: tuple[Exchange, ...]
    facts: Facts

    def answers(self, api: Api) -> list[Exchange]:
        """Successful exchanges of one API."""
        return [e for e in self.exchanges if e.api == api and e.is_answer]


def is_number(value: object) -> bool:
    """A JSON number (true and false are none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """A JSON number without a fraction (1.0 is one, A-018)."""
    return isinstance(value, int | float) and is_number(value) and value % 1 == 0


def _choices(chunk: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices = chunk.get("choices")
    return (
        [c for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []
    )


def _text(piece: Mapping[str, Any]) -> str:
    delta = piece.get("delta")
    text = delta.get("content") if isinstance(delta, dict) else piece.get("text")
    return text if isinstance(text, str) else ""
