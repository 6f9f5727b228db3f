"""Freedoms of streams that the documents leave: no judge may raise anything."""

from collections.abc import Iterable

from aios_conformance.mockserver.defects.museum.planting import joined
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_frames,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

GENERATING = "chat completions"


@in_frames(freedom="HTML Living Standard 9.2.6", api=GENERATING)
def crlf_line_ends(context: RequestContext, frames: list[bytes]) -> Iterable[bytes]:
    """Lines of the stream end with CRLF."""
    return [frame.replace(b"\n", b"\r\n") for frame in frames]


@in_frames(freedom="HTML Living Standard 9.2.6", api=GENERATING)
def comments_between_events(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """Comments keep the connection alive."""
    return [part for frame in frames for part in (b": ping\n\n", frame)]


@in_frames(freedom="HTML Living Standard 9.2.6", api=GENERATING)
def no_space_after_the_colon(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """There is no space after `data:`."""
    return [frame.replace(b"data: ", b"data:", 1) for frame in frames]


@in_frames(freedom="HTML Living Standard 9.2.6", api=GENERATING)
def events_have_a_name_and_id(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """Events carry a name and an id."""
    return [b"event: message\nid: 7\n" + frame for frame in frames]


@in_frames(freedom="bytes may come in any pieces", api=GENERATING)
def a_byte_at_a_time(context: RequestContext, frames: list[bytes]) -> Iterable[bytes]:
    """The stream comes in pieces of seven bytes."""
    whole = b"".join(frames)
    return [whole[i : i + 7] for i in range(0, len(whole), 7)]


@in_frames(freedom="bytes may come in any pieces", api=GENERATING)
def all_in_one_piece(context: RequestContext, frames: list[bytes]) -> Iterable[bytes]:
    """The whole stream comes in one piece."""
    return [b"".join(frames)]


def _pieces(chunk: Chunk) -> list[Chunk]:
    pieces: list[Chunk] = chunk["choices"]
    return pieces


@in_stream(freedom="A-100", api=GENERATING)
def nulls_absent_from_chunks(context: RequestContext, chunks: list[Chunk]) -> None:
    """Chunks leave out members that are null."""
    for chunk in chunks:
        for piece in _pieces(chunk):
            for name in [name for name, value in piece.items() if value is None]:
                del piece[name]


@in_stream(freedom="A-099", api=GENERATING)
def usage_null_in_every_chunk(context: RequestContext, chunks: list[Chunk]) -> None:
    """Every chunk has usage, null but for the last."""
    for chunk in chunks:
        chunk.setdefault("usage", None)


@in_stream(freedom="A-100", api="chat")
def role_in_every_delta(context: RequestContext, chunks: list[Chunk]) -> None:
    """Every delta repeats the role."""
    for chunk in chunks:
        for piece in _pieces(chunk):
            if piece["finish_reason"] is None:
                piece["delta"].setdefault("role", "assistant")


@in_stream(freedom="A-100", api="chat")
def empty_deltas_along_the_way(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """Empty deltas come between the others."""
    found: list[Chunk] = []
    for chunk in chunks:
        pieces = _pieces(chunk)
        if pieces and pieces[0]["finish_reason"] is None:
            empty = {**pieces[0], "delta": {"content": ""}, "logprobs": None}
            found += [chunk, {**chunk, "choices": [empty]}]
        else:
            found.append(chunk)
    return found


@in_stream(freedom="A-100", api="chat", origin="vllm-project/vllm#35705")
def text_in_the_finish_chunk(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """The finish chunk carries the last text."""
    found: list[Chunk] = []
    for chunk in chunks:
        pieces = _pieces(chunk)
        before = _pieces(found[-1]) if found else []
        if (
            pieces
            and pieces[0]["finish_reason"]
            and len(before) == 1
            and before[0]["index"] == pieces[0]["index"]
            and before[0]["delta"].get("content")
        ):
            last = found.pop()
            pieces[0]["delta"] = _pieces(last)[0]["delta"]
            pieces[0]["logprobs"] = before[0]["logprobs"]
        found.append(chunk)
    return found


def _ends_by_itself(context: RequestContext, answer: Answer) -> bool:
    acted = False
    for choice in answer["choices"]:
        if choice["finish_reason"] == "stop" and choice["stop_reason"] is None:
            choice["finish_reason"] = "eos_token"
            acted = True
    return acted


def _streams_end_so(context: RequestContext, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        _ends_by_itself(context, chunk)


@joined(
    "",
    in_answer(api=GENERATING)(_ends_by_itself),
    in_stream(api=GENERATING)(_streams_end_so),
    freedom="A-095",
)
def finish_reason_eos() -> None:
    """A text that ended by itself says `eos_token`."""
