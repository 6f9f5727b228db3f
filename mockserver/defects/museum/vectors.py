"""Bugs of embeddings: what was seen before, what is cut, counts, formats, scripts."""

import re
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any, cast

from aios_conformance.mockserver.defects.museum.planting import (
    CRASHED,
    OtherEngine,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_engine,
    in_parameters,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Embedded, Engine
from aios_conformance.serving.errors import Broken
from aios_conformance.serving.inputs import Input, inputs
from aios_conformance.serving.stages import Answer

EMB = "embeddings"
ELSEWHERE = {
    "META-090": "another vector", "META-091": "another vector",
    "META-092": "another vector", "META-093": "another vector",
    "META-094": "another vector", "META-097": "another vector",
    "EMB-SEM-003": "another vector", "EMB-SEM-004": "another vector",
    "META-100": "another vector", "META-119": "another vector",
    "EMB-REQ-011": "another vector", "META-025": "another vector",
    "META-118": "another vector", "COMMON-REQ-005": "another vector",
}  # fmt: skip
UNCUT = {
    "META-099": "truncation has no effect", "META-100": "truncation has no effect",
    "EMB-SEM-005": "truncation has no effect",
}  # fmt: skip
COUNTED = {
    "META-101": "not the sum", "META-099": "not the tokens read",
    "META-091": "another count", "META-092": "another count",
    "EMB-EX-003": "another count", "EMB-SEM-005": "another count",
    "EMB-RES-012": "nothing is counted", "META-119": "another count",
}  # fmt: skip
REFUSED = {
    "COMMON-RES-001": "a valid request", "COMMON-REQ-012": "a valid request",
    "EMB-REQ-006": "a valid request", "EMB-REQ-007": "a valid request",
    "COMMON-REQ-015": "a valid request",
}  # fmt: skip


_MARKUP = re.compile(r"^\s*#|```", re.MULTILINE)


def _texts(context: RequestContext) -> list[Input]:
    return inputs(context.parameters["input"], "input")


def _vectors(answer: Answer) -> list[list[float]]:
    return [
        item["embedding"]
        for item in answer["data"]
        if isinstance(item["embedding"], list)
    ]


@in_parameters("EMB-SEM-005", api=EMB, also=UNCUT,
               source="000:731",
               origin="huggingface/text-embeddings-inference#52")  # fmt: skip
def emb_list_is_not_truncated(context: RequestContext) -> object:
    """truncate_prompt_tokens has no effect on a list of texts."""
    if not isinstance(context.parameters["input"], list):
        return False
    return context.parameters.pop("truncate_prompt_tokens", None) is not None


class _CountsAll(OtherEngine):
    """An engine that counts what truncation has cut off as well."""

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Embed what is left, and count everything."""
        found: list[Embedded] = await self._engine.embed(model, inputs, **options)
        if options.get("truncate") is None:
            return found
        whole = await self._engine.embed(model, inputs)
        self._tally.add(
            any(a.tokens != b.tokens for a, b in zip(found, whole, strict=True))
        )
        return [
            Embedded(cut.vector, all_of.tokens)
            for cut, all_of in zip(found, whole, strict=True)
        ]


@in_engine("META-099", also=COUNTED,
           source="000:731", origin="raullenchai/Rapid-MLX#1381")  # fmt: skip
def emb_counts_what_was_cut(engine: Engine, tally: Tally) -> Engine:
    """prompt_tokens of embeddings counts what truncation has cut off as well."""
    return cast("Engine", _CountsAll(engine, tally))


@in_answer("EMB-RES-008", api=EMB, also=ELSEWHERE | {"META-096": "null"},
           source="000:767", origin="huggingface/transformers#45491")  # fmt: skip
def emb_short_beside_long_is_null(context: RequestContext, answer: Answer) -> object:
    """A text that is 400 words shorter than the longest of its batch has no numbers."""
    lengths = [len(text.split()) for text in _texts(context) if isinstance(text, str)]
    if len(lengths) != len(_vectors(answer)):
        return False
    acted = False
    for vector, length in zip(_vectors(answer), lengths, strict=True):
        if max(lengths) - length >= 400:
            vector[:] = cast("list[float]", [None] * len(vector))
            acted = True
    return acted


def _cached(
    count: Callable[[Answer, list[bool], list[int]], object],
) -> Callable[[], Callable[[RequestContext, Answer], object]]:
    """Call `count` with what of a request was seen before, and with lengths."""

    def begin() -> Callable[[RequestContext, Answer], object]:
        seen: set[object] = set()

        def edit(context: RequestContext, answer: Answer) -> object:
            keys = [
                (context.served.name, t if isinstance(t, str) else tuple(t))
                for t in _texts(context)
            ]
            before = [key in seen for key in keys]
            seen.update(keys)
            return count(answer, before, [len(str(key[1]).split()) for key in keys])

        return edit

    return begin


def _remembered(
    name: str,
    what: str,
    primary: str,
    begin: Callable[[], Callable[[RequestContext, Answer], object]],
    **declared: Any,
) -> Defect:
    begin.__name__, begin.__doc__ = name, what
    return remembering(in_answer, primary, api=EMB, **declared)(begin)


def _nothing(answer: Answer, before: list[bool], lengths: list[int]) -> bool:
    if all(before):
        answer["usage"] |= {"prompt_tokens": 0, "total_tokens": 0}
    return all(before)


def _new_ones(answer: Answer, before: list[bool], lengths: list[int]) -> bool:
    new = sum(n for n, old in zip(lengths, before, strict=True) if not old)
    if not any(before) or not new:
        return False
    share = max(1, answer["usage"]["prompt_tokens"] * new // sum(lengths))
    answer["usage"] |= {"prompt_tokens": share, "total_tokens": share}
    return True


@remembering(in_answer, "EMB-RES-008", api=EMB, also=ELSEWHERE | {"META-096": "null"},
             source="000:767", origin="BerriAI/litellm#13250")  # fmt: skip
def emb_second_string_has_nulls() -> Callable[[RequestContext, Answer], object]:
    """The second time that a text is sent as a string, its vector holds null."""
    seen: set[str] = set()

    def edit(context: RequestContext, answer: Answer) -> object:
        text = context.parameters["input"]
        if not isinstance(text, str):
            return False
        if text not in seen or not _vectors(answer):
            seen.add(text)
            return False
        _vectors(answer)[0][1::2] = cast(
            "list[float]", [None] * (len(_vectors(answer)[0]) // 2)
        )
        return True

    return edit


_KNOWN = 4  # words of a prefix


class _Cached(OtherEngine):
    """An engine that reads of a text only what is not in its cache of prefixes."""

    def __init__(self, engine: Engine, tally: Tally) -> None:
        """Nothing is cached yet."""
        super().__init__(engine, tally)
        self._seen: set[str] = set()

    def _rest(self, text: Any) -> Any:
        words = text.split() if isinstance(text, str) else []
        if len(words) <= _KNOWN:
            return text
        begin = " ".join(words[:_KNOWN])
        if begin not in self._seen:
            self._seen.add(begin)
            return text
        self._tally.add()
        return " ".join(words[_KNOWN:])

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Embed the rests, count the wholes."""
        found = await self._engine.embed(
            model, [self._rest(text) for text in inputs], **options
        )
        whole = await self._engine.embed(model, inputs, **options)
        return [
            Embedded(part.vector, full.tokens)
            for part, full in zip(found, whole, strict=True)
        ]


@in_engine("META-097", also=ELSEWHERE | {
    "META-099": "another vector", "RERANK-SEM-007": "another vector",
    "SCORE-SEM-006": "another vector",
},
           source="000:700", origin="vllm-project/vllm-ascend#5725")  # fmt: skip
def emb_cached_prefix_is_lost(engine: Engine, tally: Tally) -> Engine:
    """Of a text that begins with 4 words of an earlier one only the rest is read."""
    return cast("Engine", _Cached(engine, tally))


@in_parameters("COMMON-RES-001", api=EMB, also=REFUSED | CRASHED,
               source="000:757", origin="ollama/ollama#15582")  # fmt: skip
def emb_markdown_crashes(context: RequestContext) -> object:
    """A text with a heading or a fence of Markdown is a 500."""
    given = context.parameters["input"]
    texts = [given] if isinstance(given, str) else given
    if not any(isinstance(t, str) and _MARKUP.search(t) for t in texts):
        return False
    raise Broken("json: unsupported value: NaN", code="crashed")


@in_answer("META-101", api=EMB, also=COUNTED,
           source="000:769", origin="keldenl/gpt-llama.cpp#26")  # fmt: skip
def emb_counts_characters(context: RequestContext, answer: Answer) -> object:
    """prompt_tokens is a fourth of the characters of all texts, joined by spaces."""
    texts = [text for text in _texts(context) if isinstance(text, str)]
    count = -(-len(" ".join(texts)) // 4) or 1
    answer["usage"] |= {"prompt_tokens": count, "total_tokens": count}
    return True


@in_answer("COMMON-RES-008", api=EMB, also={
    "COMMON-RES-007": "another name", "EMB-RES-004": "another name",
},
           source="000:763", origin="michaelfeil/infinity#178")  # fmt: skip
def emb_model_lacks_its_slash(context: RequestContext, answer: Answer) -> object:
    """The name of the model comes back without its slash."""
    answer["model"] = answer["model"].replace("/", "")
    return "/" in context.parameters["model"]


@in_parameters("EMB-RES-009", api=EMB, also=ELSEWHERE,
               source="000:730", origin="Lightning-AI/LitServe#740")  # fmt: skip
def emb_base64_of_a_string_is_floats(context: RequestContext) -> object:
    """Under base64 a single string has a vector of numbers all the same."""
    if not isinstance(context.parameters["input"], str):
        return False
    return context.parameters.pop("encoding_format", None) == "base64"


@in_answer("META-093", api=EMB, also=ELSEWHERE | {
    "META-095": "another length", "EMB-RES-010": "another length",
    "EMB-RES-009": "another length", "META-099": "likewise",
}, source="000:730", origin="BerriAI/litellm#42421")  # fmt: skip
def emb_base64_is_a_quarter(context: RequestContext, answer: Answer) -> object:
    """base64 holds the first quarter of the numbers only."""
    if context.parameters.get("encoding_format") != "base64":
        return False
    for item in answer["data"]:
        numbers = array("f", b64decode(item["embedding"]))
        item["embedding"] = b64encode(numbers[: len(numbers) // 4]).decode()
    return True


@in_answer("META-090", api=EMB, also=ELSEWHERE | {
    "RERANK-SEM-007": "another vector", "SCORE-SEM-006": "another vector",
}, source="000:765", origin="mead-ml/mead-baseline#677")  # fmt: skip
def emb_sorted_by_length_and_not_back(context: RequestContext, answer: Answer) -> bool:
    """Texts are sorted by length, and their order is restored the wrong way round."""
    given, data = _texts(context), answer["data"]
    order = sorted(range(len(given)), key=lambda i: -len(given[i]))
    before = [item["embedding"] for item in data]
    after = [before[order[order[i]]] for i in range(len(given))]
    for item, vector in zip(data, after, strict=True):
        item["embedding"] = vector
    return after != before


EXHIBITS: tuple[Defect, ...] = (
    emb_list_is_not_truncated,
    emb_counts_what_was_cut,
    emb_short_beside_long_is_null,
    _remembered(
        "emb_cached_counts_nothing",
        "Where every text was seen before, prompt_tokens is 0.",
        "EMB-RES-012",
        _cached(_nothing),
        also=COUNTED,
        source="000:769",
        origin="BerriAI/litellm#10424",
    ),
    _remembered(
        "emb_cached_part_is_not_counted",
        "Where some texts were seen before, prompt_tokens counts the others only.",
        "META-101",
        _cached(_new_ones),
        also=COUNTED,
        source="000:769",
        origin="BerriAI/litellm#10424",
    ),
    emb_second_string_has_nulls,
    emb_cached_prefix_is_lost,
    emb_markdown_crashes,
    emb_counts_characters,
    emb_model_lacks_its_slash,
    emb_base64_of_a_string_is_floats,
    emb_base64_is_a_quarter,
    emb_sorted_by_length_and_not_back,
)
