"""Tool calls in generated text: read piece by piece, whatever the cuts."""

import re
from collections.abc import Callable
from typing import Any, Final, Literal

from aios_conformance.serving.codec import decode, encode
from aios_conformance.serving.reader import Kind, Saying
from aios_conformance.serving.stop import overlap

_NAMED: Final = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")')
_GIVEN: Final = re.compile(r'\s*,\s*"arguments"\s*:\s*(?=\S)')
"""What stands in a call before its arguments, the name as JSON."""
_STRING: Final = r'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)'
"""A JSON string, or the beginning of one."""

_Place = Literal["outside", "inside", "named", "arguments"]


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
            if self._inside:
                head, found, rest = _parted(self._text, end)
            else:
                head, found, rest = self._text.partition(start)
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
            start, end = self._markers
            head, found, rest = text.partition(end)  # it was no string after all
            said = self._call(head, start + head + found)
            self._inside = False
            return [*said, *self.feed(rest), *self.flush()] if found else said
        return [] if self._called and not text.strip() else _content(text)

    def _call(self, body: str, written: str) -> list[Saying]:
        match _parsed(body):
            case {"name": str(name), "arguments": arguments} if self._accept(
                name, arguments
            ):
                self._called = True
                return [("call", name), ("arguments", encode(arguments).decode())]
        return _content(written)


class WrittenCalls:
    """Reads calls as they are written, between two markers, without a judgement.

    A call is `{"name": …, "arguments": …}`. Its name is said as soon as it is complete
    and the arguments as they come, whatever they are. What has no name before its last
    marker is content; white space around a call belongs to the markup.
    """

    __slots__ = ("_called", "_given", "_markers", "_place", "_text")

    def __init__(self, start: str, end: str) -> None:
        """Start outside any call."""
        self._markers = (start, end)
        self._place: _Place = "outside"
        self._called = False
        self._given = ""  # arguments of this call, said already
        self._text = ""  # held back

    def feed(self, text: str) -> list[Saying]:
        """Return the content, names and arguments that the text adds."""
        said: list[Saying] = []
        self._text += text
        while self._step(said):
            pass
        return said

    def flush(self) -> list[Saying]:
        """Return what was held back, unless it belongs to a call that was cut."""
        text, self._text = self._text, ""
        if self._place == "arguments" and self._markers[1] in text:
            self._given = ""  # it was no string after all
            return [*self.feed(text), *self.flush()]
        if self._place != "outside" or (self._called and not text.strip()):
            return []
        return _content(text)

    def _step(self, said: list[Saying]) -> bool:
        """Say what is sure; tell whether more may follow from what is held."""
        start, end = self._markers
        marker = start if self._place == "outside" else end
        head, found, rest = self._text.partition(marker)
        if self._place == "arguments":
            before = f'{{"arguments":{self._given}'
            head, found, rest = _parted(self._text, marker, before)
        if self._place == "inside" and (named := _NAMED.match(self._text)):
            said.append(("call", _string(named[1])))
            self._called = True
            return self._next("named", self._text[named.end() :])
        if self._place == "named" and (given := _GIVEN.match(self._text)):
            self._given = ""
            return self._next("arguments", self._text[given.end() :])
        sure = len(head) if found else len(head) - overlap(head, marker)
        if self._place == "outside":
            said += self._cut(head[:sure].rstrip(), "content")
        elif self._place == "arguments":
            inside = head[:sure].rstrip().removesuffix("}").rstrip()
            said += self._cut(inside, "arguments")
        elif self._place == "inside" and found:
            said += _content(start + head + end)
        if not found:
            return False
        return self._next("inside" if self._place == "outside" else "outside", rest)

    def _next(self, place: _Place, text: str) -> bool:
        self._place, self._text = place, text
        return True

    def _cut(self, text: str, kind: Kind) -> list[Saying]:
        self._text = self._text[len(text) :]
        if kind == "arguments":
            self._given += text
        return [(kind, text)] if text else []


def _content(text: str) -> list[Saying]:
    return [("content", text)] if text else []


def _parted(text: str, marker: str, before: str = "") -> tuple[str, str, str]:
    """Part a text at the marker that ends a JSON text, of which `before` came earlier.

    It is the first that stands in no string, or the first of all where that makes no
    JSON. Where all stand in strings that may yet end, none is found, and what comes
    before the first is the head.
    """
    first = text.partition(marker)
    if not first[1]:
        return first
    pattern = re.compile(f"{_STRING}|{re.escape(marker)}", re.DOTALL)
    for found in pattern.finditer(before + text):
        if found[0] == marker:
            at = found.start() - len(before)
            is_json = _parsed(before + text[:at]) is not None
            return (text[:at], marker, text[at + len(marker) :]) if is_json else first
    return first[0], "", ""


def _parsed(text: str) -> Any:
    try:
        return decode(text.encode())
    except ValueError:
        return None


def _string(raw: str) -> str:
    """Read a JSON string; a constrained engine writes nothing else here."""
    value = _parsed(raw)
    return value if isinstance(value, str) else raw.strip()
