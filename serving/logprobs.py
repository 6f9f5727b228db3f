"""Log probabilities in OpenAI's two layouts (`A-082`, `A-113`)."""

from collections.abc import Iterable
from typing import Any

from aios_conformance.serving.engine import Token
from aios_conformance.serving.text import Utf8Decoder, token_text

_FLOOR = -9999.0  # JSON knows no minus infinity


def chat_logprobs(tokens: Iterable[Token]) -> dict[str, Any]:
    """Return the `logprobs` member of a chat choice: one entry for each token."""
    return {
        "content": [
            {
                **_entry(token.data, token.logprob),
                "top_logprobs": [
                    _entry(candidate.data, candidate.logprob) for candidate in token.top
                ],
            }
            for token in tokens
        ]
    }


def _entry(data: bytes, logprob: float | None) -> dict[str, Any]:
    return {
        "token": token_text(data),
        "logprob": _bounded(logprob or 0.0),
        "bytes": list(data),
    }


class LegacyLogprobs:
    """Makes the parallel lists of a completion, piece by piece.

    Offsets count the characters of the choice's text, which begins with the prompt
    where echo is on. A position lists the likeliest tokens and, if it is not among
    them, the chosen one (`A-081`).
    """

    __slots__ = ("_decoder", "_offset")

    def __init__(self) -> None:
        """Start at the beginning of the choice's text."""
        self._decoder = Utf8Decoder()
        self._offset = 0

    def feed(self, tokens: Iterable[Token]) -> dict[str, Any]:
        """Return the `logprobs` member for the next tokens."""
        texts: list[str] = []
        chosen: list[float | None] = []
        likeliest: list[dict[str, float] | None] = []
        offsets: list[int] = []
        for token in tokens:
            text = token_text(token.data)
            texts.append(text)
            self._offset += len(self._decoder.broken_by(token.data))
            offsets.append(self._offset)
            self._offset += len(self._decoder.feed(token.data))
            if token.logprob is None:
                chosen.append(None)
                likeliest.append(None)
                continue
            logprob = _bounded(token.logprob)
            chosen.append(logprob)
            listed: dict[str, float] = {}
            for candidate in token.top:
                listed.setdefault(
                    token_text(candidate.data), _bounded(candidate.logprob)
                )
            listed.setdefault(text, logprob)
            likeliest.append(listed)
        return {
            "tokens": texts,
            "token_logprobs": chosen,
            "top_logprobs": likeliest,
            "text_offset": offsets,
        }


def _bounded(logprob: float) -> float:
    """Keep rounding and impossible tokens within what JSON and clients can take."""
    return min(0.0, max(_FLOOR, logprob))
