"""What looked like a bug to somebody, and which the documents leave open: no alarm."""

from array import array
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from struct import pack, unpack
from typing import cast

from aios_conformance.mockserver.defects.museum.planting import (
    OtherEngine,
    in_both,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_engine,
    in_frames,
    in_parameters,
    in_refusal,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine, Sampling, Token
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer, Response

API = "chat completions"
_SEPARATOR = "\u2028".encode()


class _Separated(OtherEngine):
    """An engine that says U+2028 where it would end a sentence."""

    def _said(self, data: bytes) -> bytes:
        if data != b".":
            return data
        self._tally.add()
        return _SEPARATOR

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield the tokens with other full stops, but none of constrained text."""
        async for token in self._engine.generate(model, prompt, sampling):
            if sampling.schema is not None:
                yield token
                continue
            top = tuple(replace(one, data=self._said(one.data)) for one in token.top)
            yield replace(token, data=self._said(token.data), top=top)


@in_engine(freedom="000:458: text may hold any character",
           source="000:458", origin="modelscope/evalscope#1642")  # fmt: skip
def gen_u2028_free(engine: Engine, tally: Tally) -> Engine:
    """Generated text holds raw U+2028, in place of full stops."""
    return cast("Engine", _Separated(engine, tally))


class _Capped(OtherEngine):
    """An engine that ends of itself after 64 tokens."""

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield at most 64 tokens, the last of which is an end."""
        count = 0
        async for token in self._engine.generate(model, prompt, sampling):
            count += 1
            if count == 64 and sampling.schema is None:
                self._tally.add()
                yield replace(token, data=b"", end=True)
                return
            yield token


@in_engine(freedom="000:461: a reply may end of itself",
           source="000:461",
           origin="lmstudio-ai/lmstudio-bug-tracker#1829")  # fmt: skip
def gen_cap_64_stop(engine: Engine, tally: Tally) -> Engine:
    """Generation ends at 64 tokens whatever the limit, finish_reason stop."""
    return cast("Engine", _Capped(engine, tally))


def _rounded(value: float) -> float:
    """The nearest number below that bfloat16 can hold."""
    (bits,) = unpack("<I", pack("<f", value))
    (kept,) = unpack("<f", pack("<I", bits & 0xFFFF0000))
    return float(kept)


@in_answer(api="rerank score", freedom="000:107, 000:271: no precision is promised",
           source="000:271", origin="ggozad/haiku.rag#529")  # fmt: skip
def scores_in_bf16_free(context: RequestContext, answer: Answer) -> object:
    """Scores are computed in bfloat16, so near ones tie."""
    for item in answer.get("results") or answer.get("data") or ():
        name = "relevance_score" if "relevance_score" in item else "score"
        item[name] = _rounded(item[name])
    return True


@in_frames(api=API, freedom="000:348: a stream of events may begin with the mark",
           source="000:348", origin="florimondmanca/httpx-sse#34")  # fmt: skip
def sse_byte_order_mark_free(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """The stream begins with a byte order mark, as the SSE standard allows."""
    return [b"\xef\xbb\xbf" + frames[0], *frames[1:]]


@in_frames(api=API, freedom="000:348: a line of a stream may end with CR",
           source="000:348", origin="Soju06/codex-lb#1010")  # fmt: skip
def sse_cr_only_free(context: RequestContext, frames: list[bytes]) -> Iterable[bytes]:
    """Lines end with CR alone, as the SSE standard allows."""
    return [frame.replace(b"\n", b"\r") for frame in frames]


@in_stream(api=API, freedom="000:348: a chunk without choices, as OpenAI's usage has",
           source="000:348", origin="pydantic/pydantic-ai#164")  # fmt: skip
def sse_first_chunk_without_choices(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """The first chunk has no choices."""
    return [{**chunks[0], "choices": []}, *chunks]


@in_answer(api="chat", freedom="000:458: content is a string, also beside calls",
           source="000:458", origin="ggml-org/llama.cpp#13224")  # fmt: skip
def chat_blank_content_beside_calls_free(
    context: RequestContext, answer: Answer
) -> object:
    """Content beside calls is two line breaks in place of null."""
    acted = False
    for choice in answer["choices"]:
        if choice["message"]["tool_calls"]:
            choice["message"]["content"], acted = "\n\n", True
    return acted


@in_both(api="chat", freedom="000:461: why a reply ended is an open list",
         source="000:461", origin="Mirascope/mirascope#256")  # fmt: skip
def chat_call_says_stop_free(context: RequestContext, said: Answer) -> object:
    """A reply that calls ends with stop, whole and streamed."""
    acted = False
    for choice in said["choices"]:
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"], acted = "stop", True
    return acted


@in_both(api="chat", freedom="000:392: how many tools are called is the model's choice",
         source="000:392", origin="Avarok-Cybersecurity/atlas#192")  # fmt: skip
def chat_one_call_at_most_free(context: RequestContext, said: Answer) -> object:
    """Of several calls at once only the first is made, whole and streamed."""
    acted = False
    for choice in said["choices"]:
        told = choice.get("message") or choice["delta"]
        given = told.get("tool_calls") or []
        kept = [call for at, call in enumerate(given) if not call.get("index", at)]
        if len(kept) < len(given):
            told["tool_calls"], acted = kept, True
    return acted


@in_parameters(api="embeddings", freedom="000:767: how white space is read",
               source="000:767", origin="oseducation/knowledge-graph#594")  # fmt: skip
def emb_newline_is_a_space_free(context: RequestContext) -> object:
    """A newline in an input is read as a space."""
    given = context.parameters["input"]
    if isinstance(given, str):
        context.parameters["input"] = given.replace("\n", " ")
    elif all(isinstance(one, str) for one in given):
        context.parameters["input"] = [one.replace("\n", " ") for one in given]
    return context.parameters["input"] != given


@in_stream(api=API, freedom="000:387: how a text is cut into pieces",
           source="000:387", origin="vllm-project/vllm#13087")  # fmt: skip
def gen_stream_with_stop_begins_blank_free(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """With a stop string, pieces without text come first."""
    begun = [chunk for chunk in chunks[1:2] if chunk["choices"]]
    if (
        not context.body.get("stop")
        or not begun
        or begun[0]["choices"][0].get("finish_reason")
    ):
        return chunks
    blank = deepcopy(begun[0])
    for piece in blank["choices"]:
        piece["logprobs"] = None
        if "text" in piece:
            piece["text"] = ""
        else:
            piece["delta"] = {"content": ""}
    return [chunks[0], blank, blank, *chunks[1:]]


def _half_precision(vector: list[float]) -> list[float]:
    form = f"<{len(vector)}e"
    return list(unpack(form, pack(form, *vector)))


@in_answer(api="embeddings", freedom="000:767: no precision is promised",
           source="000:767", origin="vllm-project/vllm#26248")  # fmt: skip
def emb_in_fp16_free(context: RequestContext, answer: Answer) -> object:
    """Vectors are computed in numbers of two bytes."""
    for item in answer["data"]:
        vector = item["embedding"]
        if isinstance(vector, list):
            item["embedding"] = _half_precision(vector)
        else:
            numbers = array("f", b64decode(vector))
            said = array("f", _half_precision(numbers.tolist()))
            item["embedding"] = b64encode(said.tobytes()).decode()
    return True


@in_parameters(api="embeddings", freedom="000:767: how white space is read",
               source="000:767", origin="samanhappy/mcphub#639")  # fmt: skip
def emb_white_space_folded_free(context: RequestContext) -> object:
    """White space in an input is read as one space, around it as none."""
    given = context.parameters["input"]
    if isinstance(given, str):
        context.parameters["input"] = " ".join(given.split())
    elif all(isinstance(one, str) for one in given):
        context.parameters["input"] = [" ".join(one.split()) for one in given]
    return context.parameters["input"] != given


@in_parameters(api="rerank score", freedom="000:56, 000:215: the model's input length",
               source="000:56", origin="jundot/omlx#1687")  # fmt: skip
def pairs_are_cut_at_512_free(context: RequestContext) -> object:
    """A model reads 512 tokens of a pair, and counts these."""
    given = context.parameters.get("truncate_prompt_tokens")
    context.parameters["truncate_prompt_tokens"] = min(given or 512, 512)
    return True


@in_refusal(freedom="000:112: how errors are sent",
            source="000:112", origin="helidon-io/helidon#9013")  # fmt: skip
def refusals_end_the_connection_free(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """The connection is closed after a refusal, which says so."""
    return found[0], {**found[1], "Connection": "close"}, found[2]
