"""Tool calls in generated text: read piece by piece, whatever the cuts."""

from collections.abc import Callable
from typing import Any

from aios_conformance.serving.codec import decode, encode
from aios_conformance.serving.reader import Saying
from aios_conformance.serving.stop import overlap


class ForcedCall:
    """Reads one call that the engine was made to write.

    The text is a JSON object `{"name": …, "arguments": {…}}`. The name is said as
    soon as it is complete and the arguments as they come, in the model's own
    spelling.
    """

    __slots__ = ("_arguments", "_depth", "_escaped", "_key", "_name", "_quoted", "_raw")

    def __init__(self) -> None:
        """Start before the opening brace."""
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._raw = ""  # text of the key or value being read
        self._key: str | None = None  # of the value being read
        self._name: str | None = None
        self._arguments = ""  # not yet said

    def feed(self, text: str) -> list[Saying]:
        """Return the call's name and the arguments that the text holds."""
        said: list[Saying] = []
        for character in text:
            between = self._depth == 1 and not self._quoted
            if between and character == ":" and self._key is None:
                self._key, self._raw = _string(self._raw), ""
            elif between and character in ",}":
                if self._key == "name":
                    self._name = _string(self._raw)
                    said.append(("call", self._name))
                self._key, self._raw = None, ""
            elif self._key == "arguments":
                if not (between and character.isspace()):
                    self._arguments += character
            elif self._depth:
                self._raw += character
            self._nest(character)
        if self._name is not None and self._arguments:
            said.append(("arguments", self._arguments))
            self._arguments = ""
        return said

    def flush(self) -> list[Saying]:
        """Return nothing: what is unsaid at the end is no call."""
        return []

    def _nest(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif self._quoted and character == "\\":
            self._escaped = True
        elif character == '"':
            self._quoted = not self._quoted
        elif not self._quoted:
            self._depth += (character in "{[") - (character in "}]")


class MarkedCalls:
    """Reads calls that a model wrote of its own accord, between two markers.

    A call counts once it is complete and accepted; anything else is content, as
    the model wrote it. White space around a call belongs to the markup.
    """

    __slots__ = ("_accept", "_called", "_inside", "_markers", "_text")

    def __init__(
        self, start: str, end: str, accept: Callable[[str, Any], bool]
    ) -> None:
        """`accept` tells whether a name is offered and its arguments are valid."""
        self._markers = (start, end)
        self._accept = accept
        self._inside = False
        self._called = False
        self._text = ""  # held back

    def feed(self, text: str) -> list[Saying]:
        """Return the content and the complete calls that the text adds."""
        start, end = self._markers
        said: list[Saying] = []
        self._text += text
        while True:
            head, found, rest = self._text.partition(end if self._inside else start)
            if not found:
                break
            self._text = rest
            if self._inside:
                said += self._call(head, start + head + end)
            else:
                said += _content(head.rstrip())
            self._inside = not self._inside
        if not self._inside:
            sure = len(self._text) - overlap(self._text, start)
            cut = len(self._text[:sure].rstrip())
            said += _content(self._text[:cut])
            self._text = self._text[cut:]
        return said

    def flush(self) -> list[Saying]:
        """Return what was held back; a call need not have its last marker."""
        text, self._text = self._text, ""
        if self._inside:
            return self._call(text, self._markers[0] + text)
        return [] if self._called and not text.strip() else _content(text)

    def _call(self, body: str, written: str) -> list[Saying]:
        match _parsed(body):
            case {"name": str(name), "arguments": arguments} if self._accept(
                name, arguments
            ):
                self._called = True
                return [("call", name), ("arguments", encode(arguments).decode())]
        return _content(written)


def _content(text: str) -> list[Saying]:
    return [("content", text)] if text else []


def _parsed(text: str) -> Any:
    try:
        return decode(text.encode())
    except ValueError:
        return None


def _string(raw: str) -> str:
    """Read a JSON string; a constrained engine writes nothing else here."""
    value = _parsed(raw)
    return value if isinstance(value, str) else raw.strip()
