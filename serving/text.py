"""From token bytes to text: characters are never split, tokens keep their place."""

import codecs
from collections import deque

from aios_conformance.serving.engine import Token

_utf8 = codecs.getincrementaldecoder("utf-8")


class Utf8Decoder:
    """Decodes UTF-8 that arrives in arbitrary pieces.

    An incomplete character waits for its other bytes; if they never come it is
    dropped, so that a shorter answer is a prefix of a longer one (`META-044`).
    Bytes that can be no part of UTF-8 become U+FFFD.
    """

    __slots__ = ("_decode",)

    def __init__(self) -> None:
        """Start between two characters."""
        self._decode = _utf8("replace").decode

    def feed(self, data: bytes) -> str:
        """Return the text that `data` completes."""
        return self._decode(data)

    def broken_by(self, data: bytes) -> str:
        """Return the text of the bytes that wait, if `data` does not go on with them.

        It stands before the text of `data` itself.
        """
        goes_on = not data or 0x80 <= data[0] < 0xC0
        return "" if goes_on else self._decode(b"", True)  # noqa: FBT003


class TokenOffsets:
    """Remembers where in the text each token begins, until that text is sent."""

    __slots__ = ("_waiting", "length")

    def __init__(self) -> None:
        """Start at the beginning of the text."""
        self._waiting: deque[tuple[int, Token]] = deque()
        self.length = 0  # characters entered so far

    @property
    def empty(self) -> bool:
        """Whether no token waits for its text to be sent."""
        return not self._waiting

    def enter(self, token: Token, text: str) -> None:
        """Note a token and the text that it completed."""
        self._waiting.append((self.length, token))
        self.length += len(text)

    def take(self, end: int) -> list[Token]:
        """Remove and return the tokens that begin before character `end`."""
        taken = []
        waiting = self._waiting
        while waiting and waiting[0][0] < end:
            taken.append(waiting.popleft()[1])
        return taken


def token_text(data: bytes) -> str:
    r"""Name a token: its text, or its bytes where it holds no whole characters.

    >>> token_text(b"\xe2\x82")
    'bytes:\\xe2\\x82'
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)
