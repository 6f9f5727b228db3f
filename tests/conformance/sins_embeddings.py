"""The sins of an answer of embeddings, each with the rows that it trips."""

import base64
import struct
from typing import Any

from played import (
    Edit,
    cut,
    honest,
    vector,
)
from sins_numbering import numbered_all_zero, numbered_from_one

from aios_conformance.conformance.checks.vectors import decoded


def _texts(body: Any) -> list[str]:
    return body["input"] if isinstance(body["input"], list) else [body["input"]]


def is_base64(body: Any) -> bool:
    return bool(body.get("encoding_format") == "base64")


def _vectors(answer: Any, change: Any) -> Any:
    """Change the vectors that are lists: change(i, vector)."""
    for i, item in enumerate(answer["data"]):
        if isinstance(item["embedding"], list):
            item["embedding"] = change(i, item["embedding"])
    return answer


def _packed(layout: str) -> Edit:
    def edit(operation: str, body: Any, answer: Any) -> Any:
        if is_base64(body):
            for item in answer["data"]:
                numbers = decoded(item["embedding"])
                data = struct.pack(f"{layout[0]}{len(numbers)}{layout[1]}", *numbers)
                item["embedding"] = base64.b64encode(data).decode()
        return answer

    return edit


big_endian, doubles, halves = _packed(">f"), _packed("<d"), _packed("<e")


def big_endian_in_batches(operation: str, body: Any, answer: Any) -> Any:
    is_batch = len(_texts(body)) > 1
    return big_endian(operation, body, answer) if is_batch else answer


def nothing_but_zeros(operation: str, body: Any, answer: Any) -> Any:
    zeros = [0.0] * len(vector("a"))
    data = base64.b64encode(struct.pack(f"<{len(zeros)}f", *zeros)).decode()
    for item in answer["data"]:
        item["embedding"] = data if is_base64(body) else zeros
    return answer


def base64_ignored(operation: str, body: Any, answer: Any) -> Any:
    if is_base64(body):
        for item in answer["data"]:
            item["embedding"] = decoded(item["embedding"])
    return answer


def base64_by_default(operation: str, body: Any, answer: Any) -> Any:
    if "encoding_format" in body:
        return answer
    return honest(operation, body | {"encoding_format": "base64"})[1]


def base64_always(operation: str, body: Any, answer: Any) -> Any:
    return honest(operation, body | {"encoding_format": "base64"})[1]


def url_safe_without_padding(operation: str, body: Any, answer: Any) -> Any:
    if is_base64(body):
        for item in answer["data"]:
            data = base64.b64decode(item["embedding"])
            item["embedding"] = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return answer


def last_of_a_base64_batch_wrong(operation: str, body: Any, answer: Any) -> Any:
    if is_base64(body) and len(answer["data"]) > 1:
        answer["data"][-1]["embedding"] = answer["data"][0]["embedding"]
    return answer


def stated_float_is_shorter(operation: str, body: Any, answer: Any) -> Any:
    is_float = body.get("encoding_format") == "float"
    return _vectors(answer, lambda _i, v: v[: len(v) // 2]) if is_float else answer


def batch_reversed(operation: str, body: Any, answer: Any) -> Any:
    embeddings = [item["embedding"] for item in answer["data"]][::-1]
    for item, embedding in zip(answer["data"], embeddings, strict=True):
        item["embedding"] = embedding
    return answer


def last_of_a_batch_wrong(operation: str, body: Any, answer: Any) -> Any:
    if is_base64(body) or len(answer["data"]) != 3:
        return answer
    answer["data"][-1]["embedding"] = answer["data"][0]["embedding"]
    return answer


def a_little_off_in_batches(operation: str, body: Any, answer: Any) -> Any:
    if is_base64(body) or len(answer["data"]) == 1:
        return answer
    return _vectors(answer, lambda _i, v: [v[0] + 0.2, *v[1:]])


def last_of_a_batch_is_the_first(operation: str, body: Any, answer: Any) -> Any:
    if not is_base64(body) and len(answer["data"]) > 1:
        answer["data"][-1]["embedding"] = answer["data"][0]["embedding"]
    return answer


def empty_in_base64(operation: str, body: Any, answer: Any) -> Any:
    if is_base64(body):
        answer["data"][0]["embedding"] = ""
    return answer


def index_as_text(operation: str, body: Any, answer: Any) -> Any:
    for item in answer["data"]:
        item["index"] = str(item["index"])
    return answer


def only_ascii_in_batches(operation: str, body: Any, answer: Any) -> Any:
    cut_to = body.get("truncate_prompt_tokens")
    if len(_texts(body)) > 1 and not is_base64(body):
        for item, text in zip(answer["data"], _texts(body), strict=True):
            ascii_only = str(text).encode("ascii", "ignore").decode()
            item["embedding"] = list(vector(cut(ascii_only, cut_to)))
    return answer


def last_of_a_batch_dropped(operation: str, body: Any, answer: Any) -> Any:
    if len(answer["data"]) > 1:
        answer["data"].pop()
    return answer


def duplicates_merged(operation: str, body: Any, answer: Any) -> Any:
    texts = list(map(str, _texts(body)))
    if len(set(texts)) < len(texts):
        answer["data"] = answer["data"][: len(set(texts))]
    return answer


def two_items_for_a_string(operation: str, body: Any, answer: Any) -> Any:
    if isinstance(body["input"], str):
        answer["data"].append(answer["data"][0] | {"index": 1})
    return answer


def second_of_a_batch_shorter(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda i, v: v[:-1] if i == 1 else v)


def half_length_everywhere(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda _i, v: v[: len(v) // 2])


def zero_vector_beyond_the_first(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda i, v: v if i < 1 else [0.0] * len(v))


def one_component(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda _i, v: [sum(v)])


def infinite_in_base64(operation: str, body: Any, answer: Any) -> Any:
    if is_base64(body):
        for item in answer["data"]:
            numbers = [float("inf"), *decoded(item["embedding"])[1:]]
            data = struct.pack(f"<{len(numbers)}f", *numbers)
            item["embedding"] = base64.b64encode(data).decode()
    return answer


def one_vector_for_all(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda _i, _v: list(vector("text")))


def usage_of_one_text(operation: str, body: Any, answer: Any) -> Any:
    count = answer["usage"]["prompt_tokens"] // max(1, len(answer["data"]))
    answer["usage"] |= {"prompt_tokens": count, "total_tokens": count}
    return answer


def usage_zero(operation: str, body: Any, answer: Any) -> Any:
    answer["usage"] |= {"prompt_tokens": 0, "total_tokens": 0}
    return answer


def something_generated(operation: str, body: Any, answer: Any) -> Any:
    answer["usage"]["completion_tokens"] = 1
    return answer


def limit_moves_vectors(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" not in body:
        return answer
    return _vectors(answer, lambda i, v: [v[0] + 0.3 * (i + 1), *v[1:]])


def middle_kept(operation: str, body: Any, answer: Any) -> Any:
    limit = body.get("truncate_prompt_tokens")
    if limit is not None:
        for item, text in zip(answer["data"], _texts(body), strict=True):
            words = text.split()
            spare = max(0, len(words) - limit) // 2
            middle = " ".join(words[spare : len(words) - spare])
            item["embedding"] = list(vector(middle))
    return answer


def limit_adds_tokens(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" in body:
        answer["usage"]["prompt_tokens"] += 1000
    return answer


FORM = {"EMB-SEM-004", "META-093"}
DEFAULT = {"EMB-REQ-011", "META-094"}
ALONE = {"EMB-SEM-003", "META-090"}
NUMBERED = {"EMB-RES-006", "EMB-SEM-003", "META-090"}
COUNT = {"EMB-RES-005", "EMB-REQ-006", "META-090"}
LENGTH = {"META-095", "EMB-RES-010"}
USEFUL = {"META-096", "EMB-SEM-001"}
REAL = {"EMB-SEM-002", "META-098"}  # only of real models

SINS: list[tuple[Edit, set[str]]] = [
    (big_endian, FORM),
    (big_endian_in_batches, FORM),
    (doubles, FORM),
    (halves, FORM),
    (base64_ignored, {"EMB-RES-009"}),
    (nothing_but_zeros, {"EMB-SEM-001", "META-096"}),
    (base64_by_default, DEFAULT | {"EMB-RES-008"}),
    (base64_always, {"EMB-REQ-012", "EMB-RES-008"}),
    (url_safe_without_padding, FORM | {"EMB-RES-009"}),
    (last_of_a_base64_batch_wrong, FORM),
    (stated_float_is_shorter, DEFAULT | LENGTH),
    (batch_reversed, {"META-091", "META-097", "META-100"} | ALONE | REAL),
    (last_of_a_batch_wrong, ALONE | FORM | REAL),
    (last_of_a_batch_is_the_first, {"META-091"} | ALONE | FORM | REAL),
    (empty_in_base64, FORM | {"EMB-RES-009"}),
    (index_as_text, set()),  # the shape is judged elsewhere
    (only_ascii_in_batches, ALONE | FORM),
    (last_of_a_batch_dropped, COUNT),
    (duplicates_merged, COUNT),
    (two_items_for_a_string, {"EMB-RES-005", "EMB-REQ-007"}),
    (numbered_from_one, NUMBERED),
    (numbered_all_zero, NUMBERED),
    (
        second_of_a_batch_shorter,
        {"META-091", "META-097", "META-100"} | LENGTH | FORM | ALONE | REAL,
    ),
    (half_length_everywhere, FORM),
    (
        zero_vector_beyond_the_first,
        {"META-091", "META-097", "META-099", "META-100"} | USEFUL | ALONE | FORM | REAL,
    ),
    (one_component, {"EMB-SEM-001"} | FORM | REAL),
    (infinite_in_base64, FORM),
    (one_vector_for_all, FORM | REAL),
    (usage_of_one_text, {"META-101"}),
    (usage_zero, {"EMB-RES-012"}),
    (something_generated, {"EMB-RES-015", "META-103"}),
    (limit_adds_tokens, {"META-099", "EMB-SEM-005"}),
    (limit_moves_vectors, {"META-099", "META-100"}),
    (middle_kept, {"META-100"}),
]
