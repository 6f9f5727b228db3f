"""Bugs of embeddings and rerank: lengths, alone or in company, top_n, normalization."""

from aios_conformance.mockserver.defects.museum.planting import ACCEPTED, BROKEN
from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
    in_response,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest, Broken
from aios_conformance.serving.stages import Answer, Response

EMB, RERANK = "embeddings", "rerank"


def _texts(context: RequestContext) -> list[str]:
    given = context.parameters["input"]
    texts = given if isinstance(given, list) else [given]
    return [text for text in texts if isinstance(text, str)]


def _words(text: str) -> int:
    return len(text.split())


@in_parameters("COMMON-ERR-004", api=EMB, also={"EMB-ERR-003": "a 500"},
               source="000:780", origin="ggml-org/llama.cpp#25293")  # fmt: skip
def emb_over_512_words_crashes(context: RequestContext) -> object:
    """An input of more than 512 words is a 500."""
    if max(map(_words, _texts(context)), default=0) <= 512:
        return False
    raise Broken("the input is too large to process", code="crashed")


@in_parameters("RERANK-REQ-010", api=RERANK, also={
    "COMMON-ERR-004": "a 500", "RERANK-ERR-003": "a 500",
}, source="000:56", origin="mudler/LocalAI#6344")  # fmt: skip
def rerank_over_512_words_crashes(context: RequestContext) -> object:
    """A document of more than 512 words is a 500."""
    if max(map(_words, context.parameters["documents"]), default=0) <= 512:
        return False
    raise Broken("the input is too large to process", code="crashed")


@in_parameters("EMB-REQ-006", api=EMB, also=BROKEN,
               source="000:729", origin="abetlen/llama-cpp-python#2216")  # fmt: skip
def emb_batch_over_256_words_crashes(context: RequestContext) -> object:
    """A batch that has more than 256 words in all is a 500."""
    texts = _texts(context)
    if len(texts) < 2 or sum(map(_words, texts)) <= 256:
        return False
    raise Broken("no room for the batch", code="crashed")


@in_answer("META-090", api=EMB, also={
    "EMB-SEM-003": "not the vector of the text alone", "META-097": "two vectors",
    "EMB-SEM-004": "base64 has the right one", "META-093": "likewise",
    "META-099": "a limit that cuts nothing, in a list",
}, source="000:767", origin="ggml-org/llama.cpp#13692")  # fmt: skip
def emb_alone_differs(context: RequestContext, answer: Answer) -> object:
    """An input that is sent alone has another vector than in a batch."""
    if len(answer["data"]) > 1 or isinstance(answer["data"][0]["embedding"], str):
        return False
    vector = answer["data"][0]["embedding"]
    answer["data"][0]["embedding"] = [*vector[1:], vector[0]]
    return True


@in_answer("EMB-RES-008", api=EMB, source="000:767",
           origin="huggingface/text-embeddings-inference#51")  # fmt: skip
def emb_blank_vector_is_null(context: RequestContext, answer: Answer) -> object:
    """The vector of a blank input is a list of null."""
    given = context.parameters["input"]
    texts = given if isinstance(given, list) else [given]
    acted = False
    for text, item in zip(texts, answer["data"], strict=False):
        vector = item["embedding"]
        if isinstance(text, str) and not text.strip() and not isinstance(vector, str):
            item["embedding"], acted = [None] * len(vector), True
    return acted


@in_parameters("RERANK-SEM-005", api=RERANK, also=ACCEPTED,
               source="000:57", origin="infiniflow/ragflow#11740")  # fmt: skip
def rerank_top_n_above_the_count_refused(context: RequestContext) -> object:
    """A top_n above the number of documents is refused."""
    if context.parameters["top_n"] <= len(context.parameters["documents"]):
        return False
    raise BadRequest("top_n is out of range", code="refused")


@in_answer("RERANK-SEM-003", api=RERANK, also={
    "RERANK-REQ-012": "left out is not 0", "RERANK-SEM-002": "no scores",
    **{f"META-00{n}": "no results" for n in (3, 5, 7)},
}, source="000:57", origin="antonellof/ferrox#45")  # fmt: skip
def rerank_top_n_0_returns_none(context: RequestContext, answer: Answer) -> object:
    """top_n 0 returns no results."""
    if context.body.get("top_n") != 0:
        return False
    answer["results"].clear()
    return True


@in_parameters(
    "COMMON-REQ-012",
    api=RERANK,
    also=ACCEPTED
    | {
        **dict.fromkeys(
            (
                "COMMON-REQ-001",
                "COMMON-REQ-002",
                "RERANK-REQ-001",
                "RERANK-REQ-002",
                "RERANK-REQ-003",
                "COMMON-REQ-009",
            ),
            "the path answers nothing",
        ),
        **dict.fromkeys(
            (
                "COMMON-REQ-005",
                "COMMON-REQ-008",
                "RERANK-REQ-006",
                "RERANK-REQ-008",
                "RERANK-REQ-011",
                "RERANK-REQ-012",
                "RERANK-REQ-016",
                "RERANK-REQ-019",
                "RERANK-EX-001",
                "META-118",
                "META-119",
                "META-120",
            ),
            "refused without top_n",
        ),
    }
    | {"RERANK-SEM-005": "no answer without a top_n is left"},
    source="000:57",
    origin="volcengine/OpenViking#4040",
)
def rerank_without_top_n_refused(context: RequestContext) -> object:
    """A request without top_n is refused."""
    if "top_n" in context.body:
        return False
    raise BadRequest("top_n is missing", code="refused")


@in_answer("RERANK-RES-014", api=RERANK,
           source="000:105", origin="xorbitsai/inference#2566")  # fmt: skip
def rerank_document_is_null(context: RequestContext, answer: Answer) -> object:
    """Without return_documents the document of each result is null."""
    for result in answer["results"]:
        result["document"] = None
    return True


@in_answer("META-009", api=RERANK, also={
    "RERANK-SEM-004": "other scores of fewer", "META-002": "likewise",
    "RERANK-SEM-007": "no cosines", "RERANK-SEM-008": "by the other documents",
    "META-017": "score stretches nothing",
}, source="000:26", origin="mem0ai/mem0#5715")  # fmt: skip
def rerank_scores_are_stretched(context: RequestContext, answer: Answer) -> object:
    """Scores are stretched so that the least of a list is 0 and the most is 1."""
    scores = [result["relevance_score"] for result in answer["results"]]
    least, most = min(scores, default=0.0), max(scores, default=0.0)
    for result in answer["results"]:
        value = (result["relevance_score"] - least) / (most - least + 1e-8)
        result["relevance_score"] = value
    return True


@in_response("COMMON-RES-002", also={
    "COMMON-SEM-002": "no JSON", "CHAT-SEM-001": "no JSON", "COMP-SEM-001": "no JSON",
}, source="000:98",
             origin="mswjs/http-middleware#41")  # fmt: skip
def http_length_counts_characters(context: RequestContext, found: Response) -> Response:
    """Content-Length counts characters: a body beyond ASCII is cut."""
    status, headers, body = found
    return status, headers, body[: len(body.decode())]
