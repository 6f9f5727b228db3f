"""Bugs of what comes before and beside a request: caches, company, bodies, errors."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import cast

from aios_conformance.mockserver.defects.museum.planting import (
    BROKEN,
    OtherEngine,
    in_company,
    joined,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_engine,
    in_refusal,
    in_response,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.codec import encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine, Sampling, Token
from aios_conformance.serving.errors import ApiError, Unavailable
from aios_conformance.serving.stages import Answer, Response

CHAT, BOTH, EMB = "chat", "chat completions", "embeddings"
LIMITS = ("max_tokens", "max_completion_tokens")
LATER = dict.fromkeys(
    ("META-050", "META-059", "META-119", "CHAT-SEM-012", "COMP-SEM-009"),
    "the text depends on what came before, or beside",
)


class _Strict(OtherEngine):
    """An engine that fails where its text is cut within a character."""

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield the tokens, but for a last one that begins a character."""
        data, count = b"", 0
        async for token in self._engine.generate(model, prompt, sampling):
            data, count = data + token.data, count + 1
            if count == sampling.max_tokens and not token.end:
                try:
                    data.decode()
                except UnicodeDecodeError:
                    self._tally.add()
                    raise Unavailable("no text", code="token_decode_failed") from None
            yield token


@in_engine(
    "COMMON-SEM-002",
    also=BROKEN
    | dict.fromkeys(
        (
            "CHAT-SEM-001",
            "CHAT-SEM-010",
            "CHAT-SEM-014",
            "COMP-SEM-001",
            "COMP-SEM-011",
            "META-041",
        ),
        "no end",
    ),
    source="000:447",
    origin="timtoole02/Camelid#288",
)
def gen_cut_in_a_character_crashes(engine: Engine, tally: Tally) -> Engine:
    """A text that the limit cuts within a character is a 503."""
    return cast("Engine", _Strict(engine, tally))


class _Prefixed(OtherEngine):
    """An engine that takes the first token of a prompt from a cached beginning."""

    def __init__(self, engine: Engine, tally: Tally) -> None:
        """Nothing is cached yet."""
        super().__init__(engine, tally)
        self._first: dict[tuple[int, ...], Token] = {}

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield the tokens, the first of them that of a shorter prompt."""
        whole, first = tuple(prompt), True
        begun = [at for at in range(4, len(whole)) if whole[:at] in self._first]
        async for token in self._engine.generate(model, prompt, sampling):
            if first and sampling.schema is None:
                self._first.setdefault(whole, token)
                old = self._first[whole[: begun[-1]]] if begun else token
                wanted = sampling.top_logprobs or 0
                if begun and len(old.top) >= wanted:
                    self._tally.add()
                    token = replace(old, top=old.top[:wanted])  # noqa: PLW2901
            first = False
            yield token


@in_engine(
    "META-087",
    also=LATER
    | dict.fromkeys(("META-051", "META-086"), "what is asked again begins otherwise"),
    source="000:389",
    origin="EricLBuehler/mistral.rs#126",
)
def gen_first_token_of_the_cached(engine: Engine, tally: Tally) -> Engine:
    """A prompt that goes on after an earlier one begins its reply as that did."""
    return cast("Engine", _Prefixed(engine, tally))


def _limit(context: RequestContext) -> int:
    given = [context.parameters.get(name) for name in LIMITS]
    return int(min((n for n in given if n is not None), default=1 << 20))


@in_company(api=BOTH)
def _beside_shorter(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    context.memory["garbled"] = any(_limit(one) < _limit(context) for one in others)
    return False


@in_answer(api=BOTH)
def _garbled(context: RequestContext, answer: Answer) -> object:
    if not context.memory.get("garbled"):
        return False
    for choice in answer["choices"]:
        holder, name = (
            (choice, "text") if "text" in choice else (choice["message"], "content")
        )
        text = holder[name] or ""
        half = len(text) // 2
        holder[name] = text and text[:half] + "!" * (len(text) - half)
    return True


@joined(
    "META-051",
    _garbled,
    _beside_shorter,
    also=LATER
    | dict.fromkeys(
        (
            "CHAT-REQ-032",
            "CHAT-SEM-022",
            "COMP-REQ-011",
            "COMP-REQ-026",
            "COMP-REQ-034",
            "COMP-REQ-038",
            "COMP-SEM-002",
            "COMP-SEM-010",
            "META-044",
            "META-046",
            "META-047",
            "META-048",
            "META-049",
            "META-052",
            "META-055",
            "META-036",
            "META-045",
            "META-057",
            "META-062",
            "META-064",
            "META-071",
            "META-073",
            "META-084",
            "META-086",
            "META-087",
            "META-117",
            "META-118",
        ),
        "it may be beside a shorter one",
    ),
    source="000:458",
    origin="scouzi1966/maclocal-api#140",
)
def gen_garbage_after_a_short_neighbour() -> None:
    """What is in flight beside a shorter request ends in exclamation marks."""


@in_company(api=BOTH)
def _beside_longer(context: RequestContext, others: Sequence[RequestContext]) -> object:
    longest = max(len(one.raw) for one in others)
    context.memory["wider"] = longest / max(1, len(context.raw))
    return False


@in_answer(api=BOTH)
def _padded(context: RequestContext, answer: Answer) -> object:
    wider = context.memory.get("wider", 0)
    if wider <= 1:
        return False
    usage = answer["usage"]
    more = int(usage["prompt_tokens"] * wider) - usage["prompt_tokens"]
    usage["prompt_tokens"] += more
    usage["total_tokens"] += more
    return more > 0


@joined(
    "META-038",
    _padded,
    _beside_longer,
    also=dict.fromkeys(
        ("META-037", "META-062", "META-064", "META-085", "META-086", "META-039"),
        "another count",
    ),
    source="000:465",
    origin="modelscope/ms-swift#10094",
)
def gen_counts_the_longest_neighbour() -> None:
    """prompt_tokens is that of the longest prompt in flight."""


@in_company(api=EMB)
def _beside_others(context: RequestContext, others: Sequence[RequestContext]) -> object:
    context.memory["offset"] = len(others)
    return False


@in_answer(api=EMB)
def _counted_on(context: RequestContext, answer: Answer) -> object:
    for item in answer["data"]:
        item["index"] += context.memory.get("offset", 0)
    return bool(context.memory.get("offset"))


@joined(
    "EMB-RES-006",
    _counted_on,
    _beside_others,
    also=dict.fromkeys(
        ("EMB-SEM-003", "META-090", "META-092", "META-091", "META-118"), "another index"
    ),
    source="000:765",
    origin="xorbitsai/inference#5240",
)
def emb_index_goes_on_in_company() -> None:
    """While others are in flight, index goes on where theirs ends."""


@in_stream(
    "META-115",
    api=CHAT,
    also={"COMMON-RES-005": "ids repeat"}
    | dict.fromkeys(("CHAT-RES-001",), "ids repeat"),
    source="000:450",
    origin="LostRuins/koboldcpp#2481",
)
def chat_stream_id_is_fixed_with_tools(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """With tools all streams have one id."""
    for chunk in chunks if context.parameters.get("tools") else ():
        chunk["id"] = "chatcmpl-A1"


@in_refusal(
    "COMMON-ERR-006",
    api=BOTH,
    source="000:472",
    origin="agentgateway/agentgateway#1340",
)
def gen_stream_refusal_has_no_body(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Refusals under stream true have no body."""
    if context.body.get("stream") is not True:
        return found
    return found[0], {}, b""


@in_refusal(
    "CHAT-REQ-021",
    api=CHAT,
    also=dict.fromkeys(("META-038",), "it counts nothing"),
    source="000:472",
    origin="LostRuins/koboldcpp#2481",
)
def chat_failure_is_200(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """What the model cannot take is 200 with a reply that ended of an error."""
    if error.code not in ("context_length_exceeded", "limit_too_large"):
        return found
    answer = {
        "id": f"chatcmpl-{context.number}",
        "object": "chat.completion",
        "created": context.front.now(),
        "model": context.body["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "", "tool_calls": []},
                "finish_reason": "error",
                "stop_reason": None,
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1},
    }
    return 200, {"Content-Type": "application/json"}, encode(answer)


_BLOCK = 4096  # bytes


@in_response("RERANK-RES-016", source="000:106", origin="farion1231/cc-switch#1923")
def http_characters_break_at_4096(context: RequestContext, found: Response) -> Response:
    """A character across a multiple of 4,096 bytes of an answer comes as U+FFFD."""
    status, headers, body = found
    blocks = (body[at : at + _BLOCK] for at in range(0, len(body), _BLOCK))
    return status, headers, "".join(b.decode(errors="replace") for b in blocks).encode()
