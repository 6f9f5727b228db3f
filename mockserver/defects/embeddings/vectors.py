"""What an embeddings server can get wrong."""

import base64
import struct
from typing import Any

from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

API = "embeddings"


def is_base64(context: RequestContext) -> bool:
    """Tell whether vectors were asked for as text."""
    return context.parameters.get("encoding_format") == "base64"


def _floats(text: str) -> list[float]:
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def _packed(values: list[float], form: str) -> str:
    raw = struct.pack(f"{form[0]}{len(values)}{form[1]}", *values)
    return base64.b64encode(raw).decode()


def _packs(answer: Answer, form: str) -> None:
    for item in answer["data"]:
        item["embedding"] = _packed(_floats(item["embedding"]), form)


BATCH = {
    "EMB-SEM-003": "its soft clause", "META-091": "positions stay",
    "META-097": "the same text alone has its own vector",
    "META-093": "only one of both formats is harmed",
    "EMB-SEM-004": "only one of both formats is harmed",
    "META-025": "the cosine is that of another vector",
    "SCORE-SEM-006": "the cosine is that of another vector",
    "RERANK-SEM-007": "the cosine is that of another vector",
    "META-098": "the paraphrase has another vector",
    "EMB-SEM-002": "the paraphrase has another vector",
    "META-100": "the texts of one prefix have other vectors",
}  # fmt: skip


@in_answer("META-090", api=API, also=BATCH, origin="ollama/ollama#6187")
def embeddings_batch_in_reverse(context: RequestContext, answer: Answer) -> object:
    """The vectors of a batch come in reverse order, with fresh indices."""
    data = answer["data"]
    vectors = [item["embedding"] for item in data]
    for item, vector in zip(data, reversed(vectors), strict=True):
        item["embedding"] = vector
    return vectors != vectors[::-1]


@in_answer("META-090", api=API, also=BATCH)
def embeddings_last_of_three_repeats_the_first(
    context: RequestContext, answer: Answer
) -> object:
    """In a batch of three or more the last vector is that of the first text."""
    data = answer["data"]
    if len(data) < 3 or data[-1]["embedding"] == data[0]["embedding"]:
        return False
    data[-1]["embedding"] = data[0]["embedding"]
    return True


@in_answer("META-090", api=API, also=BATCH)
def embeddings_batches_are_blurred(context: RequestContext, answer: Answer) -> object:
    """In a batch each vector takes a tenth of its neighbour."""
    data = answer["data"]
    if len(data) < 2 or is_base64(context):
        return False
    vectors = [item["embedding"] for item in data]
    for position, item in enumerate(data):
        other = vectors[(position + 1) % len(vectors)]
        item["embedding"] = [
            a + 0.3 * b for a, b in zip(vectors[position], other, strict=True)
        ]
    return True


@in_answer("META-091", api=API, also={
    **{row: reason for row, reason in BATCH.items() if row != "META-091"},
    "META-090": "a text alone stands first",
    "META-099": "cut texts of a batch differ",
})  # fmt: skip
def embeddings_depend_on_the_position(
    context: RequestContext, answer: Answer
) -> object:
    """In a batch each vector is shifted by as many components as its position."""
    data = answer["data"]
    if len(data) < 2 or is_base64(context):
        return False
    for position, item in enumerate(data):
        vector = item["embedding"]
        item["embedding"] = vector[position:] + vector[:position]
    return True


@in_answer("EMB-RES-006", api=API, also={
    "META-090": "indices 0 to n-1", "EMB-SEM-003": "the order by index",
})  # fmt: skip
def embeddings_index_counts_from_one(context: RequestContext, answer: Answer) -> object:
    """Indices count from 1."""
    for item in answer["data"]:
        item["index"] += 1
    return True


@in_answer("EMB-RES-005", api=API, also={
    "META-090": "n items for n inputs", "EMB-REQ-006": "an item for each",
})  # fmt: skip
def embeddings_equal_texts_merged(context: RequestContext, answer: Answer) -> object:
    """Equal texts of a batch give one item."""
    texts = context.parameters["input"]
    if not isinstance(texts, list) or len(set(map(str, texts))) == len(texts):
        return False
    seen: set[str] = set()
    kept = []
    for item, text in zip(answer["data"], texts, strict=True):
        if str(text) not in seen:
            kept.append(item)
        seen.add(str(text))
    for index, item in enumerate(kept):
        item["index"] = index
    answer["data"] = kept
    return True


CODED = {"EMB-SEM-004": "the same statement", "META-099": "a cut vector is coded"}


@in_answer("META-093", api=API, also=CODED)
def embeddings_base64_big_endian(context: RequestContext, answer: Answer) -> object:
    """base64 holds big-endian numbers."""
    if not is_base64(context):
        return False
    _packs(answer, ">f")
    return True


@in_answer("META-093", api=API, also=CODED, origin="vllm-project/vllm#6744")
def embeddings_base64_of_doubles(context: RequestContext, answer: Answer) -> object:
    """base64 holds float64 numbers, so the decoded length doubles."""
    if not is_base64(context):
        return False
    _packs(answer, "<d")
    return True


@in_answer("META-093", api=API, also=CODED)
def embeddings_base64_batch_repeats_the_first(
    context: RequestContext, answer: Answer
) -> object:
    """In base64 every item of a batch holds the first vector."""
    data = answer["data"]
    if not is_base64(context) or len({item["embedding"] for item in data}) < 2:
        return False
    for item in data:
        item["embedding"] = data[0]["embedding"]
    return True


@in_parameters("EMB-RES-009", api=API, origin="lmstudio-ai/lmstudio-bug-tracker#756")
def embeddings_format_ignored(context: RequestContext) -> object:
    """encoding_format base64 gives arrays of numbers."""
    asked = is_base64(context)
    context.parameters["encoding_format"] = "float"
    return asked


@in_answer("EMB-RES-009", api=API, also={
    "META-093": "it cannot be decoded", "EMB-SEM-004": "it cannot be decoded",
})  # fmt: skip
def embeddings_base64_without_padding(
    context: RequestContext, answer: Answer
) -> object:
    """base64 lacks its last characters."""
    if not is_base64(context):
        return False
    for item in answer["data"]:
        item["embedding"] = item["embedding"][:-3]
    return True


@in_parameters("META-094", api=API, also={
    "EMB-REQ-011": "the default is float",
    "EMB-RES-008": "arrays of numbers in float mode",
})  # fmt: skip
def embeddings_default_is_base64(context: RequestContext) -> object:
    """Without encoding_format vectors come in base64."""
    if "encoding_format" in context.body:
        return False
    context.parameters["encoding_format"] = "base64"
    return True


def _vectors(context: RequestContext, answer: Answer) -> list[dict[str, Any]]:
    return [] if is_base64(context) else answer["data"]


SHORT = {
    "EMB-RES-010": "1023 values", "META-093": "base64 has 1024",
    "EMB-SEM-004": "base64 has 1024", "META-090": "a single vector is longer",
    "EMB-SEM-003": "its soft clause", "META-091": "positions matter",
    "META-097": "a single vector is longer",
    "META-025": "no cosine", "SCORE-SEM-006": "no cosine", "RERANK-SEM-007": "none",
}  # fmt: skip


@in_answer("META-095", api=API, also=SHORT)
def embeddings_last_of_batch_is_shorter(
    context: RequestContext, answer: Answer
) -> object:
    """The last vector of a batch lacks a component."""
    data = _vectors(context, answer)
    if len(data) < 2:
        return False
    data[-1]["embedding"] = data[-1]["embedding"][:-1]
    return True


@in_answer("EMB-RES-010", api=API, also={
    **SHORT, "META-095": "1023 is not 1024",
})  # fmt: skip
def embeddings_1023_values(context: RequestContext, answer: Answer) -> object:
    """All vectors have 1023 values."""
    for item in answer["data"]:
        if is_base64(context):
            item["embedding"] = _packed(_floats(item["embedding"])[:-1], "<f")
        else:
            item["embedding"] = item["embedding"][:-1]
    return True


@in_answer("META-096", api=API, also={
    "EMB-SEM-004": "not in base64", "META-093": "not in base64",
    "META-099": "not in base64", "META-097": "not in smaller lists",
    "EMB-SEM-001": "not all zero", "META-090": "a single one is not zero",
    "EMB-SEM-003": "its soft clause", "META-091": "positions stay",
    "META-025": "no cosine", "SCORE-SEM-006": "no cosine", "RERANK-SEM-007": "none",
})  # fmt: skip
def embeddings_last_of_batch_is_zero(context: RequestContext, answer: Answer) -> object:
    """The last vector of a batch is all zero."""
    data = _vectors(context, answer)
    if len(data) < 2:
        return False
    data[-1]["embedding"] = [0.0] * len(data[-1]["embedding"])
    return True


@in_answer("EMB-SEM-001", api=API, also={
    "META-096": "all zero", "META-095": "one value", "EMB-RES-010": "one value",
    "META-093": "another vector", "EMB-SEM-004": "another vector",
    "META-098": "all alike", "EMB-SEM-002": "all alike",
    "META-025": "no cosine", "SCORE-SEM-006": "no cosine", "RERANK-SEM-007": "none",
    "META-090": "no direction", "META-091": "no direction", "META-092": "none",
    "META-097": "no direction", "META-099": "none",
    "META-100": "no direction", "EMB-SEM-003": "no direction",
})  # fmt: skip
def embeddings_of_one_number(context: RequestContext, answer: Answer) -> object:
    """A vector is a single 0."""
    for item in _vectors(context, answer):
        item["embedding"] = [0.0]
    return not is_base64(context)


@in_answer("META-092", api=API, also={
    "EMB-SEM-004": "base64 is not harmed", "META-093": "base64 is not harmed",
    "META-090": "a single string differs from its place in a batch",
    "META-097": "a single string differs from its place in a batch",
    "EMB-SEM-003": "its soft clause",
})  # fmt: skip
def embeddings_of_bare_strings_differ(
    context: RequestContext, answer: Answer
) -> object:
    """A bare string gives the vector turned round."""
    if not isinstance(context.parameters["input"], str):
        return False
    for item in _vectors(context, answer):
        item["embedding"] = item["embedding"][::-1]
    return not is_base64(context)


@in_answer("META-097", api=API, also={
    "META-090": "no vector repeats", "META-091": "no vector repeats",
    "META-092": "no vector repeats", "META-094": "no vector repeats",
    "META-093": "no vector repeats", "EMB-SEM-004": "no vector repeats",
    "META-099": "no vector repeats", "META-100": "no vector repeats",
    "EMB-SEM-003": "its soft clause", "EMB-REQ-011": "no vector repeats",
    "META-118": "no vector repeats", "META-119": "no vector repeats",
    "META-025": "another cosine", "SCORE-SEM-006": "another cosine",
    "RERANK-SEM-007": "another cosine",
})  # fmt: skip
def embeddings_every_third_answer_is_rotated(
    context: RequestContext, answer: Answer
) -> object:
    """Every third answer has its vectors shifted by one component."""
    if context.number % 3:
        return False
    for item in _vectors(context, answer):
        item["embedding"] = item["embedding"][1:] + item["embedding"][:1]
    return True


@in_answer("META-098", api=API, also={
    "EMB-SEM-002": "the same statement",
    "META-025": "another cosine", "SCORE-SEM-006": "another cosine",
    "RERANK-SEM-007": "another cosine", "META-093": "base64 is not harmed",
    "EMB-SEM-004": "base64 is not harmed", "META-100": "the texts differ in their end",
    "META-099": "under a limit too",
})  # fmt: skip
def embeddings_are_of_the_length_only(
    context: RequestContext, answer: Answer
) -> object:
    """A vector depends on the number of characters alone."""
    texts = context.parameters["input"]
    texts = texts if isinstance(texts, list) else [texts]
    for item, text in zip(_vectors(context, answer), texts, strict=False):
        size = len(item["embedding"])
        vector = [0.001] * size
        vector[len(str(text)) % size] = 1.0
        item["embedding"] = vector
    return not is_base64(context)


@in_parameters("META-099", api=API, also={
    "EMB-SEM-005": "the same statement", "META-100": "the texts are not cut",
})  # fmt: skip
def embeddings_truncation_ignored(context: RequestContext) -> object:
    """truncate_prompt_tokens is accepted and ignored."""
    return context.parameters.pop("truncate_prompt_tokens", None) is not None


@in_parameters("META-100", api=API)
def embeddings_truncation_keeps_the_middle(context: RequestContext) -> object:
    """Truncation keeps the middle, so that what follows the limit counts."""
    limit = context.parameters.get("truncate_prompt_tokens")
    texts = context.parameters["input"]
    if not limit or limit > 60 or not isinstance(texts, list):
        return False

    def middle(text: str) -> str:
        words = text.split()
        third = len(words) // 3
        return " ".join(words[third:] + words[:third])

    context.parameters["input"] = [middle(text) for text in texts]
    return True


@in_answer("META-101", api=API)
def embeddings_usage_counts_the_first(
    context: RequestContext, answer: Answer
) -> object:
    """Usage of a batch is that of one text."""
    count = len(answer["data"])
    prompt = max(1, answer["usage"]["prompt_tokens"] // count)
    answer["usage"] |= {"prompt_tokens": prompt, "total_tokens": prompt}
    return count > 1
