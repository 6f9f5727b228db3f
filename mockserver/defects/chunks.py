"""What the chunks of a stream say, for defects that change it."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from aios_conformance.mockserver.defects.planting import Chunk


def pieces(chunks: Iterable[Chunk]) -> Iterator[dict[str, Any]]:
    """The choice objects of all chunks."""
    for chunk in chunks:
        yield from chunk["choices"]


def said(piece: dict[str, Any]) -> str:
    """The text of a piece."""
    text = piece["text"] if "text" in piece else piece["delta"].get("content")
    return text or ""


def say(piece: dict[str, Any], text: str) -> None:
    """Give a piece another text; a delta without one stays so where that is empty."""
    if "text" in piece:
        piece["text"] = text
    elif text or said(piece):
        piece["delta"]["content"] = text


def in_twos(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Chunks that carry two pieces of text where they carried one.

    The second piece is left under "second" for whoever joins their log probabilities.
    """
    open_: Chunk | None = None
    for chunk in chunks:
        piece = chunk["choices"][0] if chunk["choices"] else {}
        is_text = bool(piece and said(piece) and not piece["finish_reason"])
        if open_ is None:
            if is_text:
                open_ = deepcopy(chunk)
            else:
                yield chunk
            continue
        first = open_["choices"][0]
        if is_text and piece["index"] == first["index"]:
            say(first, said(first) + said(piece))
            first["second"] = piece
            if "usage" in chunk:
                open_["usage"] = chunk["usage"]
            yield open_
            open_ = None
            continue
        yield open_
        open_ = deepcopy(chunk) if is_text else None
        if not is_text:
            yield chunk
    if open_ is not None:
        yield open_
