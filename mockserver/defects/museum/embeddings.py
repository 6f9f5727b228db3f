"""Bugs of embedding servers: splits of batches, caches, company, empty texts."""

from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import (
    ACCEPTED,
    BROKEN,
    in_company,
    joined,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
    in_refusal,
)
from aios_conformance.mockserver.defects.tables import turns_away
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import (
    ApiError,
    BodyTooLarge,
    Broken,
    Meaningless,
)
from aios_conformance.serving.stages import Answer, Response

API = "embeddings"
EACH = {
    "EMB-SEM-003": "vectors are not those of their inputs",
    "META-091": "the vectors are not permuted as the inputs are",
    "META-097": "the same text has two vectors",
}


def _inputs(context: RequestContext) -> list[Any]:
    """List the inputs: a list of token ids is one."""
    given = context.parameters["input"]
    several = isinstance(given, list) and not (given and isinstance(given[0], int))
    return list(given) if several else [given]


@in_answer("META-090", api=API, also=EACH,
           source="000:765", origin="ollama/ollama#6262")  # fmt: skip
def emb_batch_over_8(context: RequestContext, answer: Answer) -> object:
    """Vectors are wrong from the 9th input of a batch on."""
    data = answer["data"]
    for place, item in enumerate(data[8:]):
        item["embedding"] = data[place]["embedding"]
    return len(data) > 8


def _longer_than(most: int, error: type[ApiError], name: str, origin: str) -> Defect:
    def fits(context: RequestContext) -> bool:
        given = context.parameters.get("input")
        return context.api == API and isinstance(given, list) and len(given) > most

    said = f"a batch of more than {most} inputs is too large"
    refused = turns_away(
        name, "EMB-REQ-006", said, fits, error=error, also=ACCEPTED, origin=origin
    )
    what = f"More than {most} inputs are refused with {error.status}."
    return replace(refused, description=what, source="000:729")


@in_answer("EMB-RES-006", api=API, also={
    "META-090": "index repeats", "EMB-SEM-003": "index repeats",
}, source="000:765", origin="lfnovo/esperanto#260")  # fmt: skip
def emb_index_restarts_at_1000(context: RequestContext, answer: Answer) -> object:
    """Index restarts in each sub-batch of 1000."""
    for item in answer["data"]:
        item["index"] %= 1000
    return len(answer["data"]) > 1000


@in_answer("EMB-SEM-003", api=API, also={
    "META-090": "vectors are not those of their inputs",
    "META-091": "the vectors are not permuted as the inputs are",
    "META-097": "the same text has two vectors",
}, source="000:765", origin="googleapis/js-genai#1207")  # fmt: skip
def emb_order_mangled_from_1000(context: RequestContext, answer: Answer) -> object:
    """From 1000 inputs on the vectors come in another order."""
    data = answer["data"]
    if len(data) < 1000:
        return False
    vectors = [item["embedding"] for item in data]
    for item, vector in zip(data, reversed(vectors), strict=True):
        item["embedding"] = vector
    return True


@in_answer("EMB-RES-005", api=API, also={
    "EMB-REQ-006": "one item is missing", "META-090": "fewer items than inputs",
}, source="000:764", origin="daniel3303/Equibles#820")  # fmt: skip
def emb_blank_input_dropped(context: RequestContext, answer: Answer) -> object:
    """An empty string in a batch gets no vector, and later ones move up."""
    texts, data = _inputs(context), answer["data"]
    kept = [item for text, item in zip(texts, data, strict=True) if text != ""]
    if not kept or len(kept) == len(data):
        return False
    for index, item in enumerate(kept):
        item["index"] = index
    answer["data"] = kept
    return True


@in_parameters("EMB-ERR-003", api=API, also=ACCEPTED | {
    "COMMON-ERR-004": "no input may crash", "EMB-REQ-007": "a string is an input",
}, source="000:780", origin="ggml-org/llama.cpp#10866")  # fmt: skip
def emb_empty_string_crashes(context: RequestContext) -> object:
    """An input that is an empty string is answered 500."""
    if context.parameters.get("input") not in ("", [""]):
        return False
    raise Broken("the prompt has no tokens", code="crashed")


@in_refusal("COMMON-ERR-001", api=API, also={
    "EMB-ERR-002": "neither 400 nor 422",
}, source="000:778",
   origin="huggingface/text-embeddings-inference#727")  # fmt: skip
def emb_empty_list_is_413(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """An empty list of inputs is refused with 413, as if it were too large."""
    return (413, *found[1:]) if context.body.get("input") == [] else found


def _corrupted(vector: Any) -> Any:
    """Turn a vector halfway round, whatever its form."""
    if isinstance(vector, str):
        data = b64decode(vector)
        half = len(data) // 8 * 4
        return b64encode(data[half:] + data[:half]).decode()
    half = len(vector) // 2
    return vector[half:] + vector[:half]


@in_company(api=API)
def _has_company(context: RequestContext, others: object) -> bool:
    context.memory["museum.company"] = True
    return False


@in_answer(api=API)
def _corrupt_in_company(context: RequestContext, answer: Answer) -> bool:
    if "museum.company" not in context.memory:
        return False
    for item in answer["data"]:
        item["embedding"] = _corrupted(item["embedding"])
    return True


@joined("META-097", _corrupt_in_company, _has_company, also={
    "META-090": "each input has another vector alone", "META-091": "likewise",
    "META-092": "likewise", "META-093": "likewise", "META-094": "likewise",
    "META-098": "the vectors are of nothing", "META-099": "likewise",
    "META-100": "likewise", "META-118": "the first time nobody was beside it",
    "EMB-SEM-002": "likewise", "EMB-REQ-011": "floats are not the default ones",
    "EMB-SEM-003": "likewise", "EMB-SEM-004": "likewise",
    "META-025": "score has the true vectors",
}, source="000:767", origin="ollama/ollama#6262")  # fmt: skip
def emb_wrong_when_parallel() -> None:
    """Vectors are corrupt while another embeddings request is under way."""


@remembering(in_answer, "META-100", api=API, also={
    "EMB-SEM-005": "truncation has no effect", "META-099": "likewise",
    "META-093": "likewise in base64",
}, source="000:731", origin="BerriAI/litellm#15595")  # fmt: skip
def emb_cache_ignores_truncation() -> Any:
    """Cached vectors are keyed by their text alone, whatever the truncation."""
    known: dict[str, Any] = {}

    def edit(context: RequestContext, answer: Answer) -> bool:
        values, acted = context.parameters, False
        form = (values["model"], values.get("encoding_format"))
        for text, item in zip(_inputs(context), answer["data"], strict=True):
            first = known.setdefault(repr((form, text)), item["embedding"])
            acted |= first != item["embedding"]
            item["embedding"] = first
        return acted

    return edit


def _are_uneven(context: RequestContext) -> bool:
    """One text of a list is long, and another is not."""
    given = context.parameters.get("input")
    if context.api != API or not isinstance(given, list):
        return False
    words = [len(text.split()) for text in given if isinstance(text, str)]
    return bool(words) and min(words) < 128 < max(words)


def _too_large(context: RequestContext) -> bool:
    return context.api == API and len(context.raw) > 2_000_000


EXHIBITS: tuple[Defect, ...] = (
    emb_batch_over_8,
    _longer_than(10, Meaningless, "emb_over_10_refused", "memodb-io/memobase#142"),
    _longer_than(32, Meaningless, "emb_over_32_refused", "lfnovo/esperanto#260"),
    _longer_than(64, BodyTooLarge, "emb_over_64_is_413", "apecloud/ApeRAG#716"),
    _longer_than(128, Broken, "emb_over_128_crashes", "julep-ai/julep#635"),
    emb_index_restarts_at_1000,
    emb_order_mangled_from_1000,
    emb_blank_input_dropped,
    emb_empty_string_crashes,
    emb_empty_list_is_413,
    emb_wrong_when_parallel,
    emb_cache_ignores_truncation,
    replace(
        turns_away("emb_mixed_lengths_crash", "EMB-REQ-006", "ragged arrays",
                   _are_uneven, error=Broken, also=BROKEN,
                   origin="qdrant/fastembed#703"),
        description="A text of more than 128 words beside shorter ones is a 500.",
        source="000:729",
    ),
    replace(
        turns_away("emb_body_of_2_mb_is_413", "EMB-REQ-006", "the body is too large",
                   _too_large, error=BodyTooLarge,
                   also=ACCEPTED | {"COMMON-ERR-001": "neither 400 nor 422"},
                   origin="huggingface/text-embeddings-inference#50"),
        description="A batch of more than two million bytes is refused with 413.",
        source="000:729",
    ),
)  # fmt: skip
