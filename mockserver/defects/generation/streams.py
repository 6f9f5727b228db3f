"""What a streaming server can get wrong, made for chat and for completions."""

from collections.abc import Iterable
from dataclasses import replace as with_
from typing import Any

from aios_conformance import spec
from aios_conformance.mockserver.defects.chunks import said, say
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    in_frames,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Api
from aios_conformance.serving.errors import Broken
from aios_conformance.spec import row

DONE = b"data: [DONE]\n\n"


def _options(context: RequestContext) -> dict[str, Any]:
    return context.body.get("stream_options") or {}


def _framing(api: Api) -> list[Defect]:
    layout, streamed = row(api, "stream-format"), row(api, "stream-in-pieces")
    client = {
        "COMMON-SEM-002": "the client cannot read it",
        row(api, "openai-client"): "the client cannot read it",
    }
    unended = {
        **client,
        **dict.fromkeys(
            ("META-041", row(api, "cut-finish-reason")),
            "the stream does not say why it ended",
        ),
    }

    @in_frames(layout, api=api)
    def done_missing(context: RequestContext, frames: list[bytes]) -> Iterable[bytes]:
        """The stream ends without [DONE]."""
        return [frame for frame in frames if frame != DONE]

    @in_frames(layout, api=api)
    def done_twice(context: RequestContext, frames: list[bytes]) -> Iterable[bytes]:
        """[DONE] comes twice."""
        return [*frames, DONE]

    @in_frames(layout, api=api)
    def done_before_the_end(
        context: RequestContext, frames: list[bytes]
    ) -> Iterable[bytes]:
        """[DONE] comes before the last chunk."""
        return [*frames[:-2], *reversed(frames[-2:])]

    @in_frames(layout, api=api, also=client)
    def python_in_place_of_json(
        context: RequestContext, frames: list[bytes]
    ) -> Iterable[bytes]:
        """The third event is no JSON: quotes are single."""
        return [
            frame.replace(b'"', b"'") if i == 2 and frame != DONE else frame
            for i, frame in enumerate(frames)
        ]

    @in_frames(streamed, api=api, also=unended)
    def error_in_mid_stream(
        context: RequestContext, frames: list[bytes]
    ) -> Iterable[bytes]:
        """A stream with options breaks off with an error event after two chunks."""
        if not _options(context) or len(frames) < 4:
            return frames
        error = b'data: {"error": {"message": "engine died", "code": 500}}\n\n'
        return [*frames[:2], error, DONE]

    @in_parameters(streamed, api=api, also={
        **client,
        row(api, "context-row-request"): "the printed body asks for a stream",
    })  # fmt: skip
    def stream_ignored(context: RequestContext) -> object:
        """Stream true gives one JSON body."""
        asked = context.parameters.get("stream")
        context.parameters["stream"] = False
        return bool(asked)

    @in_parameters(row(api, "stream-options-type"), api=api, also={
        "COMMON-RES-001": "a valid request",
        row(api, "continuous-usage-accepted"): "an option", "CHAT-REQ-036": "an option",
    })  # fmt: skip
    def stream_options_crash(context: RequestContext) -> object:
        """stream_options with stream are answered 500."""
        if not (context.parameters.get("stream") and "stream_options" in context.body):
            return False
        raise Broken("options", code="crashed")

    return [
        done_missing,
        done_twice,
        done_before_the_end,
        python_in_place_of_json,
        error_in_mid_stream,
        stream_ignored,
        stream_options_crash,
    ]


def _grammar(api: Api) -> list[Defect]:
    names: tuple[str, ...] = ("stop-obeyed", "cut-finish-reason", "stream-format")
    unended = dict.fromkeys(
        ("META-041", "META-047", "META-059", *spec.rows(*names, api=api)),
        "the stream does not say why it ended",
    )
    names = ("max-tokens-obeyed", "stop-obeyed", "logprobs-returned", "top-p-effect")
    misspoken = dict.fromkeys(
        (
            "META-037",
            "META-040",
            "META-047",
            "META-055",
            "META-070",
            "META-071",
            *spec.rows(*names, api=api),
        ),
        "the stream says another text",
    )

    @in_stream("META-061", api=api, also={
        row(api, "response-id"): "no id of the response",
        "COMMON-RES-005": "no id of the response",
    })  # fmt: skip
    def id_per_chunk(context: RequestContext, chunks: list[Chunk]) -> None:
        """Every chunk has an id of its own."""
        for i, chunk in enumerate(chunks):
            chunk["id"] = f"{chunk['id']}-{i}"

    @in_stream("META-061", api=api)
    def created_per_chunk(context: RequestContext, chunks: list[Chunk]) -> None:
        """Created moves on within a stream."""
        for i, chunk in enumerate(chunks):
            chunk["created"] += i // 4

    @in_stream("META-061", api=api, origin="vllm-project/vllm#27572", also={
        **unended, "CHAT-RES-016": "no reason is given",
    })  # fmt: skip
    def finish_never_comes(context: RequestContext, chunks: list[Chunk]) -> None:
        """No chunk has a finish_reason."""
        for chunk in chunks:
            for piece in chunk["choices"]:
                piece["finish_reason"] = None

    @in_stream("META-061", api=api, origin="ollama/ollama#4357", also=unended)
    def finish_is_empty_from_the_start(
        context: RequestContext, chunks: list[Chunk]
    ) -> None:
        """finish_reason is "" in place of null."""
        for chunk in chunks:
            for piece in chunk["choices"]:
                piece["finish_reason"] = piece["finish_reason"] or ""

    @in_stream("META-061", api=api)
    def finish_twice(context: RequestContext, chunks: list[Chunk]) -> Iterable[Chunk]:
        """The finish chunk of each choice is repeated."""
        return [
            copy
            for chunk in chunks
            for copy in [chunk]
            * (1 + any(p["finish_reason"] for p in chunk["choices"]))
        ]

    @in_stream("META-059", api=api, origin="vllm-project/vllm#24509", also={
        **misspoken, "CHAT-SEM-006": "another count", "CHAT-SEM-007": "another count",
        "CHAT-SEM-012": "a stop across pieces", "META-050": "a stop across pieces",
        "COMP-RES-017": "an offset comes twice", "META-088": "an offset comes twice",
        "COMP-SEM-004": "a token comes twice", "COMP-SEM-005": "a token comes twice",
    })  # fmt: skip
    def fourth_piece_repeated(
        context: RequestContext, chunks: list[Chunk]
    ) -> Iterable[Chunk]:
        """The third piece with text comes twice."""
        texts = [c for c in chunks if any(said(p) for p in c["choices"])]
        if len(texts) < 3:
            return chunks
        return [copy for c in chunks for copy in [c] * (1 + (c is texts[2]))]

    echo = {"META-084": "what is echoed comes last", "COMP-SEM-002": "likewise"}

    @in_stream("META-059", api=api, also=misspoken | echo)
    def last_piece_lost(
        context: RequestContext, chunks: list[Chunk]
    ) -> Iterable[Chunk]:
        """The last piece of text is lost."""
        texts = [c for c in chunks if any(said(p) for p in c["choices"])]
        return [c for c in chunks if not texts or c is not texts[-1]]

    # the model decides which of its texts have letters beyond ASCII
    @in_stream("META-059", api=api, origin="abetlen/llama-cpp-python#372", also={
        **misspoken, "COMP-SEM-002": "the echo is harmed",
        "META-084": "the echo is harmed",
    })  # fmt: skip
    def non_ascii_becomes_replacement(
        context: RequestContext, chunks: list[Chunk]
    ) -> None:
        """Letters beyond ASCII arrive as U+FFFD."""
        for chunk in chunks:
            for piece in chunk["choices"]:
                text = said(piece)
                if not text.isascii():
                    say(piece, "".join(c if c.isascii() else "\ufffd" for c in text))

    @in_stream("META-046", api=api, also={
        row(api, "stop-obeyed"): "the stop string is in the text",
    }, origin="vllm-project/vllm#3672")  # fmt: skip
    def stop_string_leaks(context: RequestContext, chunks: list[Chunk]) -> None:
        """A stop string is kept in streams."""
        for chunk in chunks:
            for piece in chunk["choices"]:
                if isinstance(piece.get("stop_reason"), str):
                    say(piece, said(piece) + piece["stop_reason"])

    @in_stream("META-065", api=api, also={
        "META-035": "a choice is missing", row(api, "n-obeyed"): "a choice is missing",
        "COMP-SEM-018": "a choice is missing", "META-086": "a choice is missing",
        "META-037": "a choice is counted that is not there",
    })  # fmt: skip
    def last_choice_is_lost(
        context: RequestContext, chunks: list[Chunk]
    ) -> Iterable[Chunk]:
        """With several choices the last one is never streamed."""
        if context.parameters["n"] < 2:
            return chunks
        last = max((p["index"] for c in chunks for p in c["choices"]), default=0)
        return [
            c for c in chunks if not c["choices"] or c["choices"][0]["index"] != last
        ]

    @in_stream(row(api, "stream-format"), api=api)
    def chunks_lack_an_object(context: RequestContext, chunks: list[Chunk]) -> None:
        """Chunks have no object member."""
        for chunk in chunks:
            del chunk["object"]

    return [
        id_per_chunk,
        created_per_chunk,
        finish_never_comes,
        finish_is_empty_from_the_start,
        finish_twice,
        fourth_piece_repeated,
        last_piece_lost,
        non_ascii_becomes_replacement,
        stop_string_leaks,
        last_choice_is_lost,
        chunks_lack_an_object,
    ]


def _usage(api: Api) -> list[Defect]:
    counted = row(api, "stream-usage")

    @in_stream(counted, api=api, origin="vllm-project/vllm#7179")
    def usage_never_streamed(
        context: RequestContext, chunks: list[Chunk]
    ) -> Iterable[Chunk]:
        """include_usage is accepted, and no usage comes."""
        for chunk in chunks:
            chunk.pop("usage", None)
        return [chunk for chunk in chunks if chunk["choices"]]

    @in_stream("META-063", api=api, also={
        counted: "the same statement", "META-042": "it counts one token",
        "META-070": "it counts one token", "META-037": "it counts one token",
        "META-038": "it counts another prompt",
    }, origin="vllm-project/vllm#36379")  # fmt: skip
    def usage_unasked(context: RequestContext, chunks: list[Chunk]) -> Iterable[Chunk]:
        """Usage comes with include_usage false as well."""
        if _options(context).get("include_usage", True):
            return chunks
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return [*chunks, {**chunks[-1], "choices": [], "usage": usage}]

    @in_stream("META-062", api=api)
    def usage_chunk_repeats_the_last_choice(
        context: RequestContext, chunks: list[Chunk]
    ) -> None:
        """The usage chunk holds an empty piece of choice 0."""
        if len(chunks) > 1 and not chunks[-1]["choices"]:
            piece = {**chunks[-2]["choices"][0], "finish_reason": None}
            if "delta" in piece:
                piece["delta"] = {}
            else:
                piece["text"] = ""
            chunks[-1]["choices"] = [piece]

    @in_stream("META-062", api=api, origin="vllm-project/vllm#8625", also={
        "META-064": "the last count falls", "META-042": "other than the limit",
        "META-070": "another count of positions", "META-037": "fewer than the choices",
        "CHAT-REQ-023": "a count without a token", "CHAT-RES-025": "likewise",
    })  # fmt: skip
    def streamed_completion_tokens_are_chunks(
        context: RequestContext, chunks: list[Chunk]
    ) -> None:
        """The final completion_tokens of a stream is one too low."""
        usage = chunks[-1].get("usage")
        if usage:
            usage["completion_tokens"] -= 1
            usage["total_tokens"] -= 1

    @in_stream("META-064", api=api, origin="vllm-project/vllm#9028")
    def continuous_usage_falls(context: RequestContext, chunks: list[Chunk]) -> None:
        """With continuous_usage_stats completion_tokens counts down at first."""
        if not _options(context).get("continuous_usage_stats"):
            return
        counted = [c["usage"] for c in chunks if c.get("usage")]
        for usage in counted[1:3]:
            usage["completion_tokens"] += 7
            usage["total_tokens"] += 7

    @in_stream("META-064", api=api)
    def continuous_usage_ignored(context: RequestContext, chunks: list[Chunk]) -> None:
        """continuous_usage_stats is accepted, and usage comes once."""
        if _options(context).get("continuous_usage_stats"):
            for chunk in chunks[:-1]:
                chunk.pop("usage", None)

    return [
        usage_never_streamed,
        usage_unasked,
        usage_chunk_repeats_the_last_choice,
        streamed_completion_tokens_are_chunks,
        continuous_usage_falls,
        continuous_usage_ignored,
    ]


def _made(api: Api) -> list[Defect]:
    made = [*_framing(api), *_grammar(api), *_usage(api)]
    return [with_(each, name=f"{api}_{each.name}") for each in made]


DEFECTS: tuple[Defect, ...] = (*_made("chat"), *_made("completions"))
