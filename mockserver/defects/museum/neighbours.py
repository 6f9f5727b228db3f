"""Bugs of the three embedding dialects: sizes, keys, limits, lists of models."""

from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import sqrt
from typing import Any

from multidict import CIMultiDict

from aios_conformance.mockserver.defects.museum.planting import (
    in_company,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import BadRequest, BodyTooLarge
from aios_conformance.serving.inputs import inputs
from aios_conformance.serving.stages import Answer, Stages

EMB, LIST = "embeddings", "models"
INFINITY, AIGNE, AIHUBMIX = "infinity", "aigne-hub", "aihubmix"
SIZED = {
    "INF-SEM-005": "another length", "META-104": "another length",
    "INF-EX-002": "another length",
}  # fmt: skip


def _more_are_cut() -> Defect:
    """More dimensions than the model has are accepted: it gives what it has."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        async def answer(context: RequestContext) -> Answer:
            wanted = context.parameters.get("dimensions") or 0
            if context.api == EMB and wanted > context.served.dimensions > 0:
                context.parameters["dimensions"] = None
                tally.add()
            return await stages.answer(context)

        return replace(stages, answer=answer), engine

    return Defect(
        "infinity_more_dimensions_are_cut",
        _more_are_cut.__doc__ or "",
        plant,
        "INF-SEM-005",
        SIZED | {"INF-REQ-015": "accepted"},
        origin="vllm-project/vllm#46313",
        source="002:78",
        dialect=INFINITY,
    )


def _whole_in_base64(
    name: str, dialect: str, primary: str, source: str, also: Mapping[str, str]
) -> Defect:
    @in_parameters(primary, api=EMB, dialect=dialect, also=also,
                   source=source, origin="ai-dynamo/dynamo#9722")  # fmt: skip
    def edit(context: RequestContext) -> object:
        """Under base64 the wanted dimensions are ignored."""
        if context.parameters.get("encoding_format") != "base64":
            return False
        return context.parameters.pop("dimensions", None) is not None

    return replace(edit, name=name)


@in_company("INF-SEM-005", api=EMB, dialect=INFINITY,
            also=SIZED | {"INF-RES-024": "not the vector of the text alone",
                          "META-093": "likewise", "META-094": "likewise",
                          "INF-REQ-008": "dimensions that none may have",
                          "INF-REQ-010": "likewise", "INF-REQ-011": "likewise",
                          "INF-SEM-001": "likewise", "INF-SEM-003": "likewise",
                          "META-105": "likewise",
                          "INF-REQ-007": "a model has not the dimensions of another"},
            source="002:78", origin="vllm-project/vllm-metal#738")  # fmt: skip
def infinity_dimensions_of_the_neighbour(context: RequestContext, others: Any) -> bool:
    """A request has the dimensions of another one that is in flight."""
    for other in others:
        wanted = other.parameters.get("dimensions")
        if other.model == context.model and wanted and (
            wanted != context.parameters.get("dimensions")
        ):  # fmt: skip
            context.parameters["dimensions"] = wanted
            return True
    return False


@remembering(in_answer, "META-104", api=EMB, dialect=INFINITY, also=SIZED | {
    **dict.fromkeys(
        ("INF-REQ-010", "INF-REQ-011", "INF-REQ-013", "META-094"), "another length"
    ),
}, source="002:78", origin="huggingface/sentence-transformers#3203")  # fmt: skip
def infinity_shortened_stays_short() -> Callable[[RequestContext, Answer], object]:
    """A text that was wanted shorter once never has a longer vector again."""
    seen: dict[tuple[str, str], int] = {}

    def edit(context: RequestContext, answer: Answer) -> object:
        acted = False
        for item, text in zip(
            answer["data"], inputs(context.parameters["input"], "input"), strict=True
        ):
            vector = item["embedding"]
            if not isinstance(vector, list):
                continue
            key = (context.served.name, str(text))
            shortest = min(seen.get(key, len(vector)), len(vector))
            seen[key] = shortest
            if shortest < len(vector):
                size = sqrt(sum(x * x for x in vector[:shortest])) or 1.0
                item["embedding"] = [x / size for x in vector[:shortest]]
                acted = True
        return acted

    return edit


@in_parameters("INF-REQ-008", api=EMB, dialect=INFINITY, also={
    "INF-RES-019": "a valid request", "INF-RES-021": "a valid request",
}, source="002:76",
    origin="huggingface/text-embeddings-inference#378")  # fmt: skip
def infinity_over_32_are_refused(context: RequestContext) -> object:
    """More than 32 inputs are refused."""
    value = context.parameters["input"]
    if isinstance(value, str) or len(value) <= 32:
        return False
    raise BadRequest("batch size 33 > maximum allowed batch size 32", code="too_many")


@remembering(in_answer, "INF-RES-003", api=LIST, dialect=INFINITY, also={
    "META-106": "another list", "INF-SEM-001": "no models", "META-105": "no models",
    "INF-SEM-002": "no models", "INF-REQ-001": "no models",
}, source="002:11", origin="Rfym21/Qwen2API#143")  # fmt: skip
def infinity_later_lists_are_empty() -> Callable[[RequestContext, Answer], object]:
    """Only the first list of models holds any."""
    lists: list[int] = []

    def edit(context: RequestContext, answer: Answer) -> object:
        lists.append(context.number)
        if len(lists) == 1:
            return False
        answer["data"].clear()
        return True

    return edit


def _longest(context: RequestContext, measure: Callable[[str], int]) -> int:
    value = context.parameters["input"]
    texts = [value] if isinstance(value, str) else value
    return max((measure(text) for text in texts if isinstance(text, str)), default=0)


LIMITED = {
    "META-110": "a valid request", "META-111": "a valid request",
    "AHM-RES-001": "a valid request", "AHM-REQ-008": "a valid request",
    "AHM-REQ-010": "a valid request",
}  # fmt: skip


@in_parameters("AHM-REQ-012", api=EMB, dialect=AIHUBMIX, also=LIMITED,
               source="004:56", origin="vllm-project/aibrix#2664")  # fmt: skip
def aihubmix_limit_is_of_characters(context: RequestContext) -> object:
    """The limit of 8192 tokens is applied to characters."""
    if _longest(context, len) <= 8192:
        return False
    raise BadRequest("the input has more than 8192 tokens", code="too_long")


@in_parameters("AHM-REQ-012", api=EMB, dialect=AIHUBMIX, also=LIMITED,
               source="004:56",
               origin="huggingface/text-embeddings-inference#218")  # fmt: skip
def aihubmix_over_512_words_is_413(context: RequestContext) -> object:
    """An input of more than 512 words is refused with 413."""
    if _longest(context, lambda text: len(text.split())) <= 512:
        return False
    raise BodyTooLarge("inputs must have less than 512 tokens", code="too_long")


@in_answer("AHM-RES-004", api=EMB, dialect=AIHUBMIX,
           source="004:21", origin="lfnovo/esperanto#260")  # fmt: skip
def aihubmix_index_restarts_at_512(context: RequestContext, answer: Answer) -> object:
    """Index restarts in each batch of 512 inputs."""
    for item in answer["data"]:
        item["index"] %= 512
    return len(answer["data"]) > 512


@in_parameters("AIGNE-REQ-008", api=EMB, dialect=AIGNE, also={
    "AIGNE-RES-012": "a valid request", "AIGNE-RES-003": "a valid request",
    "META-107": "a valid request",
}, source="003:24", origin="cloudflare/cloudflare-docs#11316")  # fmt: skip
def aigne_over_100_are_refused(context: RequestContext) -> object:
    """More than 100 inputs are refused."""
    value = context.parameters["input"]
    if isinstance(value, str) or len(value) <= 100 or isinstance(value[0], int):
        return False
    raise BadRequest("at most 100 inputs", code="too_many")


@in_parameters("AIGNE-REQ-011", api=EMB, dialect=AIGNE, also={
    "AIGNE-RES-003": "too many", "META-107": "too many", "META-108": "too many",
    "AIGNE-REQ-009": "too many",
}, source="003:24", origin="ray-project/ray#61159")  # fmt: skip
def aigne_each_token_is_an_input(context: RequestContext) -> object:
    """Each id of a flat list of tokens is an input."""
    given = context.parameters["input"]
    if isinstance(given, str) or not isinstance(given[0], int):
        return False
    context.parameters["input"] = [[token] for token in given]
    return True


@in_parameters("AHM-REQ-009", api=EMB, dialect=AIHUBMIX, also={
    "AHM-RES-001": "a valid request", "AHM-REQ-011": "likewise",
}, source="004:56", origin="michaelfeil/infinity#295")  # fmt: skip
def aihubmix_tokens_are_refused(context: RequestContext) -> object:
    """Token ids in place of a text are refused."""
    given = context.parameters["input"]
    if isinstance(given, str) or not isinstance(given[0], int):
        return False
    raise BadRequest("input must be text", code="refused")


@in_parameters("AHM-SEM-001", api=EMB, dialect=AIHUBMIX,
               source="004:87", origin="topoteretes/cognee#1962")  # fmt: skip
def aihubmix_lists_have_all_dimensions(context: RequestContext) -> object:
    """For several inputs the wanted dimensions are ignored."""
    if isinstance(context.parameters["input"], str):
        return False
    return context.parameters.pop("dimensions", None) is not None


@in_answer("META-093", api=EMB, dialect=INFINITY, also={
    "INF-REQ-011": "other numbers",
}, source="002:77", origin="openai/openai-python#3711")  # fmt: skip
def infinity_base64_is_big_endian(context: RequestContext, answer: Answer) -> object:
    """base64 holds the bytes of each number in the wrong order."""
    coded = [each for each in answer["data"] if isinstance(each["embedding"], str)]
    for each in coded:
        numbers = array("f", b64decode(each["embedding"]))
        numbers.byteswap()
        each["embedding"] = b64encode(numbers).decode()
    return bool(coded)


def _empty_key(name: str, dialect: str, primary: str, source: str) -> Defect:
    """Bearer without any key after it is accepted."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: RequestContext) -> None:
            scheme, _, key = context.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or key.strip():
                return stages.admit(context)
            tally.add()
            front, headers = context.front, CIMultiDict(context.headers)
            headers["Authorization"] = "Bearer any"
            context.front, context.headers = replace(front, api_key=None), headers
            stages.admit(context)
            context.front = front
            return None

        return replace(stages, admit=admit), engine

    return Defect(
        name,
        _empty_key.__doc__ or "",
        plant,
        primary,
        {"META-114": "accepted"},
        origin="niuulabs/niuu#933",
        source=source,
        dialect=dialect,
    )


EXHIBITS: tuple[Defect, ...] = (
    _more_are_cut(),
    _whole_in_base64(
        "infinity_base64_has_all_dimensions", INFINITY, "INF-SEM-005", "002:78", SIZED
    ),
    infinity_dimensions_of_the_neighbour,
    infinity_shortened_stays_short,
    infinity_over_32_are_refused,
    infinity_later_lists_are_empty,
    aihubmix_limit_is_of_characters,
    aihubmix_over_512_words_is_413,
    aihubmix_index_restarts_at_512,
    _whole_in_base64(
        "aihubmix_base64_has_all_dimensions",
        AIHUBMIX,
        "AHM-SEM-001",
        "004:87",
        {"AHM-SEM-002": "another length"},
    ),
    aigne_over_100_are_refused,
    aigne_each_token_is_an_input,
    aihubmix_tokens_are_refused,
    aihubmix_lists_have_all_dimensions,
    infinity_base64_is_big_endian,
    _empty_key("aigne_empty_key_is_taken", AIGNE, "AIGNE-REQ-003", "003:34"),
    _empty_key("aihubmix_empty_key_is_taken", AIHUBMIX, "AHM-REQ-002", "004:45"),
)
