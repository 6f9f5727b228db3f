"""Server-sent events, sans I/O: bytes in, events out, on any split of the bytes.

The rules are those of the HTML Living Standard, section 9.2.6 (event stream
interpretation): UTF-8, lines ended by LF, CR or CRLF, comments, several data lines
joined by LF, an event dispatched by a blank line, an unfinished event dropped.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from aios_conformance.conformance.terms.json_text import read_answer

DONE = "[DONE]"
BOM = b"\xef\xbb\xbf"  # a stream may begin with it
_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event."""

    data: str
    event: str = ""
    id: str = ""
    is_utf8: bool = True  # its bytes were valid UTF-8

    @property
    def is_done(self) -> bool:
        """The terminator that OpenAI-style streams end with."""
        return self.data == DONE

    @property
    def json(self) -> Any:
        """The data as JSON, or None when it is not JSON that can be read."""
        return read_answer(self.data)


@dataclass(slots=True)
class SseDecoder:
    """Turns bytes, applies in any pieces, into events.

    After the last feed, `rest` tells whether the stream ended inside an event:
    bytes or fields that no blank line has dispatched.
    """

    _buffer: bytearray = field(default_factory=bytearray)
    _data: list[bytes] = field(default_factory=list)
    _event: bytes = b""
    _id: bytes = b""
    _after_cr: bool = False
    _searched: int = 0  # bytes of the buffer that hold no line end
    _started: bool = False

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take bytes, return the events that they complete."""
        self._buffer += data
        if not self._started:
            if len(self._buffer) < len(BOM) and BOM.startswith(bytes(self._buffer)):
                return []
            if self._buffer.startswith(BOM):
                del self._buffer[: len(BOM)]
            self._started = True
        events = []
        while (line := self._line()) is not None:
            if line:
                self._field(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        return events

    @property
    def rest(self) -> bytes:
        """What no blank line has dispatched yet."""
        return (
            b"\n".join([*self._data, bytes(self._buffer)])
            if (self._data or self._buffer)
            else b""
        )

    def _line(self) -> bytes | None:
        buffer = self._buffer
        if self._after_cr and buffer:
            if buffer[0] == 0x0A:  # the LF of a CRLF whose CR ended the line
                del buffer[0]
            self._after_cr = False
        # what was searched without success is not searched again: linear in the
        # length of the stream, however long its lines and however small its pieces
        found = _LINE_END.search(buffer, self._searched)
        if found is None:
            self._searched = len(buffer)
            return None
        end = found.start()
        del found  # it exports the buffer, which could not shrink meanwhile
        line = bytes(buffer[:end])
        self._after_cr = buffer[end] == 0x0D
        del buffer[: end + 1]
        self._searched = 0
        return line

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value:
            self._id = value
        # an empty name is a comment; unknown names are ignored, as the standard says

    def _dispatch(self) -> ServerSentEvent | None:
        lines, self._data = self._data, []
        event, self._event = self._event, b""
        if not lines:
            return None
        data = b"\n".join(lines)
        try:
            text, is_utf8 = data.decode(), True
        except UnicodeDecodeError:
            text, is_utf8 = data.decode(errors="replace"), False
        return ServerSentEvent(
            text,
            event.decode(errors="replace"),
            self._id.decode(errors="replace"),
            is_utf8,
        )


def decode(body: bytes) -> list[ServerSentEvent]:
    """All events of a whole stream."""
    return SseDecoder().feed(body)
