"""Bugs of how requests are read: histories, characters, null, lengths."""

import asyncio
import html
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from aios_conformance.mockserver.defects.museum.planting import (
    ACCEPTED,
    OtherEngine,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    concerns,
    in_answer,
    in_engine,
    in_parameters,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine, Sampling, Token
from aios_conformance.serving.errors import ApiError, BadRequest, Broken
from aios_conformance.serving.stages import Answer, Stages

CHAT, BOTH = "chat", "chat completions"
NUL = "\0"
_PAUSE = 0.001  # seconds between the pieces of a stream that a client may leave

Message = Mapping[str, Any]


def _rewritten(
    context: RequestContext, edit: Callable[[list[Message]], list[Message]]
) -> bool:
    """Read other messages than were sent."""
    sent = list(context.parameters["messages"])
    context.parameters["messages"] = edit(sent)
    return bool(context.parameters["messages"] != sent)


def _is_system(message: Message) -> bool:
    return message.get("role") == "system"


@in_parameters("META-039", api=CHAT,
               source="000:377", origin="Arthur-Ficial/apfel#390")  # fmt: skip
def chat_later_system_messages_dropped(context: RequestContext) -> object:
    """Every system message after the first is left out of the prompt."""

    def first_only(messages: list[Message]) -> list[Message]:
        places = [n for n, m in enumerate(messages) if _is_system(m)][1:]
        return [m for n, m in enumerate(messages) if n not in places]

    return _rewritten(context, first_only)


@in_parameters("META-039", api=CHAT,
               source="000:377", origin="ollama/ollama#2438")  # fmt: skip
def chat_earlier_system_messages_dropped(context: RequestContext) -> object:
    """Of several system messages only the last is in the prompt."""

    def last_only(messages: list[Message]) -> list[Message]:
        places = [n for n, m in enumerate(messages) if _is_system(m)][:-1]
        return [m for n, m in enumerate(messages) if n not in places]

    return _rewritten(context, last_only)


@in_parameters("META-039", api=CHAT,
               source="000:377", origin="vllm-project/vllm#9754")  # fmt: skip
def chat_tool_result_not_read(context: RequestContext) -> object:
    """What a tool has answered is not in the prompt."""
    return _rewritten(context, lambda messages: [
        {**m, "content": ""} if m.get("role") == "tool" else m for m in messages
    ])  # fmt: skip


def _until_nul(text: Any) -> Any:
    return text.split(NUL)[0] if isinstance(text, str) else text


@in_parameters("META-039", api=BOTH,
               source="000:377", origin="ggml-org/llama.cpp#25543")  # fmt: skip
def gen_nul_cuts_the_prompt(context: RequestContext) -> object:
    """A prompt ends where it holds U+0000, and nothing says so."""
    if context.api == CHAT:
        return _rewritten(context, lambda messages: [
            {**m, "content": _until_nul(m.get("content"))} for m in messages
        ])  # fmt: skip
    given = context.parameters["prompt"]
    cut = (
        [_until_nul(one) for one in given]
        if isinstance(given, list)
        else (_until_nul(given))
    )
    context.parameters["prompt"] = cut
    return cut != given


class _ShortSighted(OtherEngine):
    """An engine that reads the end of a long conversation."""

    def render_chat(self, *given: Any) -> list[int]:
        """Keep the last 1,024 tokens."""
        ids: list[int] = self._engine.render_chat(*given)
        self._tally.add(len(ids) > 1_024)
        return ids[-1_024:]


@in_engine("META-039", source="000:377", origin="ollama/ollama#6026")  # fmt: skip
def chat_long_prompt_cut(engine: Engine, tally: Tally) -> Engine:
    """Of a conversation of more than 1,024 tokens the beginning is dropped silently."""
    return cast("Engine", _ShortSighted(engine, tally))


@in_parameters("CHAT-REQ-032", api=BOTH, also=ACCEPTED | {
    "COMMON-REQ-013": "null is refused", "COMP-REQ-029": "the same statement",
    "META-117": "null is refused",
},
               source="000:386", origin="ray-project/ray#53144")  # fmt: skip
def gen_stop_null_crashes(context: RequestContext) -> object:
    """A stop that is null is a 500."""
    if context.body.get("stop", "") is not None:
        return False
    raise Broken("NoneType is not iterable", code="crashed")


@in_parameters("COMMON-REQ-014", api=BOTH, also=ACCEPTED,
               source="000:385", origin="LostRuins/koboldcpp#1503")  # fmt: skip
def gen_seed_null_crashes(context: RequestContext) -> object:
    """A seed that is null is a 500."""
    if context.body.get("seed", 0) is not None:
        return False
    raise Broken("int() of NoneType", code="crashed")


@in_parameters("COMP-REQ-009", api="completions",
               also=ACCEPTED | {"COMP-REQ-022": "a limit of 1 is refused with it"},
               source="000:575", origin="vllm-project/vllm#5344")  # fmt: skip
def comp_echo_long_prompt_crashes(context: RequestContext) -> object:
    """Echo of a prompt of more than 1,000 characters is a 500."""
    given = context.parameters["prompt"]
    texts = given if isinstance(given, list) else [given]
    if not context.parameters["echo"] or not any(
        isinstance(text, str) and len(text) > 1_000 for text in texts
    ):
        return False
    raise Broken("cached blocks of a prompt", code="crashed")


@in_parameters("COMMON-REQ-004", also=ACCEPTED,
               source="000:35", origin="phodal/auto-dev#289")  # fmt: skip
def http_charset_refused(context: RequestContext) -> object:
    """A Content-Type of application/json with a charset is refused."""
    said = {name.lower(): value for name, value in context.headers.items()}
    if "charset" not in said.get("content-type", "").lower():
        return False
    raise BadRequest("unsupported media type", code="refused")


@in_parameters(api="completions", freedom="COMP-REQ-006: token ids may be refused",
               source="000:574", origin="InternLM/lmdeploy#4186")  # fmt: skip
def comp_token_prompt_refused_free(context: RequestContext) -> object:
    """A prompt of token ids is refused."""
    given = context.parameters["prompt"]
    if isinstance(given, str) or all(isinstance(one, str) for one in given):
        return False
    raise BadRequest("a prompt is text", code="refused")


@in_parameters(api="embeddings", freedom="EMB-REQ-009: token ids may be refused",
               source="000:729", origin="michaelfeil/infinity#295")  # fmt: skip
def emb_token_input_refused_free(context: RequestContext) -> object:
    """An input of token ids is refused."""
    given = context.parameters["input"]
    if isinstance(given, str) or all(isinstance(one, str) for one in given):
        return False
    raise BadRequest("an input is text", code="refused")


class _Halving(OtherEngine):
    """An engine whose tokens are decoded one by one."""

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield tokens in which parts of characters are U+FFFD."""
        async for token in self._engine.generate(model, prompt, sampling):
            data = token.data.decode("utf-8", "replace").encode()
            self._tally.add(data != token.data)
            yield replace(token, data=data)


def _halving() -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        async def chunks(context: RequestContext) -> AsyncGenerator[Chunk, None]:
            if concerns(context, BOTH):
                halving = cast("Engine", _Halving(context.front.engine, tally))
                context.front = replace(context.front, engine=halving)
            async with aclosing(stages.chunks(context)) as source:
                async for chunk in source:
                    yield chunk

        return replace(stages, chunks=chunks), engine

    return Defect(
        "gen_stream_halves_characters",
        "In streams each token is decoded alone: parts of characters are U+FFFD.",
        plant,
        "META-059",
        {"META-067": "unlike tokens become one", "META-080": "nor are the arguments"},
        origin="tenstorrent/tt-inference-server#2586",
        source="000:387",
    )


@in_answer("META-080", api=CHAT,
           source="000:396", origin="sgl-project/sglang#27632")  # fmt: skip
def chat_arguments_html_unescaped(context: RequestContext, answer: Answer) -> object:
    """In whole answers what looks like HTML in the arguments of a call is resolved."""
    acted = False
    for choice in answer["choices"]:
        for call in choice["message"]["tool_calls"]:
            before = call["function"]["arguments"]
            call["function"]["arguments"] = html.unescape(before)
            acted |= call["function"]["arguments"] != before
    return acted


def _argued(chunks: list[Chunk]) -> list[dict[str, Any]]:
    return [
        call["function"]
        for chunk in chunks
        for piece in chunk["choices"]
        for call in piece["delta"].get("tool_calls") or ()
        if call["function"].get("arguments")
    ]


@in_stream("META-059", api=CHAT, also={"META-080": "another value than is offered"},
           source="000:387", origin="sgl-project/sglang#12626")  # fmt: skip
def chat_stream_arguments_escaped_twice(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams characters beyond ASCII in arguments are escaped twice."""
    for said in _argued(chunks):
        said["arguments"] = "".join(
            one if one.isascii() else "\\" + json.dumps(one)[1:-1]
            for one in said["arguments"]
        )


@in_answer("CHAT-SEM-020", api=CHAT, also={"META-080": "no object"},
           source="000:460", origin="vllm-project/vllm#54964")  # fmt: skip
def chat_arguments_encoded_twice(context: RequestContext, answer: Answer) -> object:
    """The arguments of a call are the JSON text of a JSON text."""
    acted = False
    for choice in answer["choices"]:
        for call in choice["message"]["tool_calls"]:
            acted = True
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    return acted


@remembering(in_parameters, "META-047", api=BOTH, also={
    **{f"META-0{n}": "another text than before" for n in (48, 49, 51, 55, 57, 59, 84)},
    "CHAT-REQ-032": "another text than before", "CHAT-SEM-022": "likewise",
    "COMP-SEM-017": "likewise", "META-117": "likewise", "META-118": "likewise",
}, source="000:389", origin="vllm-project/vllm#5543")  # fmt: skip
def gen_after_a_stop_greedy_differs() -> Any:
    """A greedy text differs once its prompt has been sent with a stop string."""
    stopped: set[str] = set()

    def edit(context: RequestContext) -> bool:
        values = context.parameters
        asked = repr(values.get("messages") or values.get("prompt"))
        if values.get("stop"):
            stopped.add(asked)
            return False
        if asked not in stopped or values["temperature"] != 0:
            return False
        values |= {"temperature": 1.0, "seed": 7}
        return True

    return edit


def _after_abort() -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        broken = [False]

        async def chunks(context: RequestContext) -> AsyncGenerator[Chunk, None]:
            is_left = True
            try:
                async with aclosing(stages.chunks(context)) as source:
                    async for chunk in source:
                        yield chunk
                        await asyncio.sleep(_PAUSE)
                is_left = False
            except ApiError:
                is_left = False
                raise
            finally:
                broken[0] |= is_left

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if broken[0] and concerns(context, BOTH):
                broken[0] = False
                tally.add()
                raise Broken("the slot does not answer", code="crashed")

        return replace(stages, chunks=chunks, prepare=prepare), engine

    return Defect(
        "gen_after_an_abort_crashes",
        "The request after a stream that the client left is a 500.",
        plant,
        "COMMON-RES-001",
        {
            "CHAT-REQ-034": "a stream is refused",
            "COMP-REQ-030": "likewise",
            "COMP-REQ-032": "likewise",
            "CHAT-REQ-035": "likewise",
            "CHAT-REQ-036": "likewise",
            "CHAT-REQ-037": "likewise",
            "CHAT-REQ-032": "likewise",
            "COMP-REQ-029": "likewise",
            "META-119": "what comes next is refused",
        },
        origin="ggml-org/llama.cpp#27604",
        source="000:387",
    )


EXHIBITS: tuple[Defect, ...] = (
    chat_later_system_messages_dropped,
    chat_earlier_system_messages_dropped,
    chat_tool_result_not_read,
    gen_nul_cuts_the_prompt,
    chat_long_prompt_cut,
    gen_stop_null_crashes,
    gen_seed_null_crashes,
    comp_echo_long_prompt_crashes,
    http_charset_refused,
    comp_token_prompt_refused_free,
    emb_token_input_refused_free,
    _halving(),
    chat_arguments_html_unescaped,
    chat_stream_arguments_escaped_twice,
    chat_arguments_encoded_twice,
    gen_after_a_stop_greedy_differs,
    _after_abort(),
)
