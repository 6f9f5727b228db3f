"""What one choice says, read from its tokens: text, reasoning, calls, and the end.

No I/O happens here: tokens go in one by one, parts of the answer come out. Both the
whole and the streamed answer are made of these parts, so they cannot differ.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from aios_conformance.serving.engine import Token
from aios_conformance.serving.stop import StopMatcher, overlap
from aios_conformance.serving.text import TokenOffsets, Utf8Decoder

Kind = Literal["content", "reasoning", "call", "arguments"]
Saying = tuple[Kind, str]


class AnswerPart(NamedTuple):
    """A piece of the answer.

    `text` is content or reasoning that continues the message, the name of a
    function (`call`), or JSON text that continues its arguments. `tokens` are
    those that begin in this part; reasoning has none (`META-071`).
    """

    kind: Kind
    text: str
    tokens: Sequence[Token]


class TokenStep(NamedTuple):
    """What one token (or the end) adds to a choice."""

    parts: Sequence[AnswerPart]
    tokens: int  # generated so far, of this choice
    finish: str | None = None
    stop_reason: str | None = None


class CallReader(Protocol):
    """Tells calls from content (`aios_conformance.serving.tools`)."""

    def feed(self, text: str) -> list[Saying]:
        """Return what the text adds to the answer; some may be held back."""

    def flush(self) -> list[Saying]:
        """Return what was held back: no more text will come."""


class TokenReader:
    """Reads the tokens of one choice.

    After each `feed`, and after `close`, `finish` says whether and why the choice
    ended: stop, length or tool_calls. `tokens` counts all that were generated, the
    end token and those of a stop string included.
    """

    __slots__ = (
        "_calls",
        "_decoder",
        "_ledger",
        "_limit",
        "_plain",
        "_sent",
        "_stop",
        "_thinking",
        "called",
        "finish",
        "stop_reason",
        "tokens",
    )

    def __init__(
        self,
        limit: int,
        *,
        stops: Sequence[str] = (),
        reasoning: tuple[str, str] | None = None,
        calls: CallReader | None = None,
    ) -> None:
        """`limit` is the largest number of tokens; it is the engine that obeys it."""
        self._limit = limit
        self._decoder = Utf8Decoder()
        self._ledger = TokenOffsets()
        self._stop = StopMatcher(stops) if stops else None
        self._calls = calls
        self._thinking = _Thinking(*reasoning) if reasoning else None
        self._plain = not (stops or reasoning or calls)
        self._sent = 0  # characters whose tokens have been given out
        self.tokens = 0
        self.finish: str | None = None
        self.stop_reason: str | None = None
        self.called = False

    def feed(self, token: Token) -> list[AnswerPart]:
        """Take the next token; return the parts that it completes."""
        self.tokens += 1
        if token.end:
            if token.logprob is not None:  # as many are reported as are counted
                self._ledger.enter(token, "")
            return self.close(ended=True)
        text = self._decoder.feed(token.data)
        if self._plain and text and self._ledger.empty:
            return [AnswerPart("content", text, (token,))]
        self._ledger.enter(token, text)
        return self._read(text) if text else []

    def close(self, *, ended: bool = False) -> list[AnswerPart]:
        """Take note that no token follows; return what was held back."""
        parts: list[AnswerPart] = []
        if self._thinking is not None and self.finish is None:
            thought, content = self._thinking.flush()
            parts += self._reasoned(thought)
            parts += self._said(content)
        if self.finish is None:
            if self._stop is not None:
                parts += self._spoken(self._stop.flush())
            if self._calls is not None:
                parts += self._parts(self._calls.flush())
            ended = ended or self.tokens < self._limit
            self.finish = "stop" if ended else "length"
        rest = self._ledger.take(self._ledger.length + 1)
        if rest and self.stop_reason is None:
            parts.append(AnswerPart("content", "", rest))
        if self.called and self.finish == "stop":
            self.finish = "tool_calls"
        return parts

    def _read(self, text: str) -> list[AnswerPart]:
        if self._thinking is None:
            return self._said(text)
        thought, content = self._thinking.feed(text)
        return self._reasoned(thought) + self._said(content)

    def _reasoned(self, text: str) -> list[AnswerPart]:
        skipped = self._thinking.consumed if self._thinking else 0
        if skipped > self._sent:
            self._sent = skipped
            self._ledger.take(skipped)
        return [AnswerPart("reasoning", text, ())] if text else []

    def _said(self, text: str) -> list[AnswerPart]:
        """Pass text that is no reasoning through the stop strings."""
        if self._stop is None:
            return self._spoken(text)
        text, self.stop_reason = self._stop.feed(text)
        parts = self._spoken(text)
        if self.stop_reason is not None:
            if self._calls is not None:
                parts += self._parts(self._calls.flush())
            self.finish = "stop"
        return parts

    def _spoken(self, text: str) -> list[AnswerPart]:
        """Pass text that will be sent to the reader of calls."""
        if not text:
            return []
        self._sent += len(text)
        if self._calls is None:
            return [AnswerPart("content", text, self._ledger.take(self._sent))]
        return self._parts(self._calls.feed(text))

    def _parts(self, sayings: Sequence[Saying]) -> list[AnswerPart]:
        """Give all tokens that are due to the first of the parts."""
        parts: list[AnswerPart] = []
        for kind, text in sayings:
            self.called = self.called or kind == "call"
            tokens = () if parts else self._ledger.take(self._sent)
            parts.append(AnswerPart(kind, text, tokens))
        return parts


class _Thinking:
    """Separates the reasoning at the beginning of an answer from what follows it.

    Reasoning stands between two markers; with an empty first marker the answer
    begins inside it. White space around the reasoning belongs to the markup.
    """

    __slots__ = ("_before", "_held", "_inside", "_markers", "_trimming", "consumed")

    def __init__(self, start: str, end: str) -> None:
        self._markers = (start, end)
        self._held = ""
        self._before = True  # nothing but white space so far
        self._inside = False
        self._trimming = True  # white space is dropped until something else comes
        self.consumed = 0  # characters that are no content, from the beginning

    def feed(self, text: str) -> tuple[str, str]:
        """Return reasoning and content that the text adds."""
        start, end = self._markers
        if self._before:
            text = self._held + text
            self._held = ""
            stripped = text.lstrip()
            if len(stripped) < len(start) and start.startswith(stripped):
                self._held = text
                return "", ""
            self._before = False
            if not stripped.startswith(start):
                return "", text
            self._inside = True
            self.consumed += len(text) - len(stripped) + len(start)
            text = stripped[len(start) :]
        if not self._inside:
            return "", self._trimmed(text)
        text = self._held + text
        if self._trimming:
            kept = text.lstrip()
            self.consumed += len(text) - len(kept)
            text = kept
            self._trimming = not text
        thought, found, rest = text.partition(end)
        if found:
            self._held = ""
            self._inside = False
            self._trimming = True
            self.consumed += len(thought) + len(end)
            return thought.rstrip(), self._trimmed(rest)
        keep = overlap(text, end)
        cut = len(text[: len(text) - keep].rstrip())
        self._held = text[cut:]
        self.consumed += cut
        return text[:cut], ""

    def flush(self) -> tuple[str, str]:
        """Return what was held back: an unfinished marker is what it looks like."""
        held, self._held = self._held, ""
        if not self._inside:
            return "", held
        self.consumed += len(held)
        return held.rstrip(), ""

    def _trimmed(self, text: str) -> str:
        """Drop the white space between reasoning and content."""
        if self._trimming and self.consumed:
            kept = text.lstrip()
            self.consumed += len(text) - len(kept)
            self._trimming = not kept
            return kept
        return text
