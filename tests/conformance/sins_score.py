"""The sins of an answer of score, each with the rows that it trips."""

from typing import Any

from played import (
    Edit,
    honest,
)
from sins_numbering import numbered_all_zero, numbered_from_one


def texts_of(body: Any) -> tuple[list[str], list[str]]:
    one, two = (
        given if isinstance(given, list) else [given]
        for given in (body["text_1"], body["text_2"])
    )
    return one, two


def _are_arrays(body: Any) -> bool:
    return isinstance(body["text_1"], list) and isinstance(body["text_2"], list)


def _is_broadcast(body: Any) -> bool:
    one, two = texts_of(body)
    return isinstance(body["text_1"], str) and len(two) > len(one)


def with_scores(answer: Any, change: Any) -> Any:
    for i, item in enumerate(answer["data"]):
        item["score"] = change(i, item["score"])
    return answer


def _permuted(answer: Any, order: list[int]) -> Any:
    scores = [item["score"] for item in answer["data"]]
    return with_scores(answer, lambda i, _s: scores[order[i]])


def sorted_by_score(operation: str, body: Any, answer: Any) -> Any:
    scores = sorted((item["score"] for item in answer["data"]), reverse=True)
    return with_scores(answer, lambda i, _s: scores[i])


def first_two_swapped(operation: str, body: Any, answer: Any) -> Any:
    count = len(answer["data"])
    return _permuted(answer, [1, 0, *range(2, count)]) if count > 2 else answer


def last_two_swapped_from_four(operation: str, body: Any, answer: Any) -> Any:
    count = len(answer["data"])
    order = [*range(count - 2), count - 1, count - 2]
    return _permuted(answer, order) if count >= 4 else answer


def last_pair_wrong(operation: str, body: Any, answer: Any) -> Any:
    if not _are_arrays(body):
        return answer
    last = len(answer["data"]) - 1
    return with_scores(answer, lambda i, s: s * 0.9 if i == last else s)


def scores_normalised_over_pairs(operation: str, body: Any, answer: Any) -> Any:
    total = sum(item["score"] for item in answer["data"])
    return with_scores(answer, lambda _i, s: s / total) if _are_arrays(body) else answer


def every_pair_with_the_first_text(operation: str, body: Any, answer: Any) -> Any:
    if not _are_arrays(body):
        return answer
    one, two = texts_of(body)
    _, wrong = honest(operation, body | {"text_1": [one[0]] * len(two)})
    return answer | {"data": wrong["data"]}


def every_text_against_every_text(operation: str, body: Any, answer: Any) -> Any:
    if _are_arrays(body):
        answer["data"] *= len(answer["data"])
        answer["data"] = [d | {"index": i} for i, d in enumerate(answer["data"])]
    return answer


def last_pair_dropped(operation: str, body: Any, answer: Any) -> Any:
    if _are_arrays(body) and len(answer["data"]) > 1:
        answer["data"].pop()
    return answer


def only_the_first_of_many(operation: str, body: Any, answer: Any) -> Any:
    if _is_broadcast(body):
        answer["data"] = answer["data"][:1]
    return answer


def two_scores_for_two_strings(operation: str, body: Any, answer: Any) -> Any:
    if isinstance(body["text_1"], str) and isinstance(body["text_2"], str):
        answer["data"] *= 2
        answer["data"] = [d | {"index": i} for i, d in enumerate(answer["data"])]
    return answer


def broadcast_scores_differ(operation: str, body: Any, answer: Any) -> Any:
    return (
        with_scores(answer, lambda _i, s: s * 0.97) if _is_broadcast(body) else answer
    )


def array_of_one_scores_differ(operation: str, body: Any, answer: Any) -> Any:
    _, two = texts_of(body)
    is_one = isinstance(body["text_2"], list) and len(two) == 1
    return with_scores(answer, lambda _i, s: s * 0.97) if is_one else answer


def other_scores_without_version(operation: str, body: Any, answer: Any) -> Any:
    is_root = operation == "POST /score"
    return with_scores(answer, lambda _i, s: s * 0.97) if is_root else answer


def another_member_without_version(operation: str, body: Any, answer: Any) -> Any:
    return answer | ({"meta": {}} if operation == "POST /score" else {})


def plain_scores_without_version(operation: str, body: Any, answer: Any) -> Any:
    if operation == "POST /score":
        answer["data"] = [item["score"] for item in answer["data"]]
    return answer


def logits_as_scores(operation: str, body: Any, answer: Any) -> Any:
    return with_scores(answer, lambda _i, s: (s - 0.5) * 20)


def float_halves(operation: str, body: Any, answer: Any) -> Any:
    is_float = body.get("encoding_format") == "float"
    return with_scores(answer, lambda _i, s: s / 2) if is_float else answer


def int_gives_text(operation: str, body: Any, answer: Any) -> Any:
    is_int = body.get("encoding_format") == "int"
    return with_scores(answer, lambda _i, s: str(s)) if is_int else answer


def usage_of_one_pair(operation: str, body: Any, answer: Any) -> Any:
    count = answer["usage"]["prompt_tokens"] // max(1, len(answer["data"]))
    answer["usage"] |= {"prompt_tokens": count, "total_tokens": count}
    return answer


def something_generated(operation: str, body: Any, answer: Any) -> Any:
    answer["usage"]["completion_tokens"] = 1
    return answer


def details_given(operation: str, body: Any, answer: Any) -> Any:
    answer["usage"]["prompt_tokens_details"] = {"cached_tokens": 0}
    return answer


def limit_blurs_scores(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" in body:
        return with_scores(answer, lambda _i, s: s - 0.01)
    return answer


def limit_adds_tokens(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" in body:
        answer["usage"]["prompt_tokens"] += 1000
    return answer


def last_pair_dropped_without_version(operation: str, body: Any, answer: Any) -> Any:
    is_root = operation == "POST /score"
    return last_pair_dropped(operation, body, answer) if is_root else answer


ALONE = {"META-019", "SCORE-SEM-002", "SCORE-SEM-005"}
COUNT = {"SCORE-SEM-002", "META-018"}
COSINE = {"SCORE-SEM-006", "META-025"}
REPEATED = {"SCORE-SEM-003", "META-021"}
RANGE = {"SCORE-RES-009", "META-023"}
PATHS = {"SCORE-SEM-007", "META-032"}
DEFAULT = {"SCORE-REQ-015", "META-033"}
REAL = {"META-027"}  # only of real models

SINS: list[tuple[Edit, set[str]]] = [
    (sorted_by_score, {"META-020"} | ALONE | COSINE | REAL | REPEATED),
    (first_two_swapped, {"META-020"} | ALONE | COSINE),
    (last_two_swapped_from_four, {"META-020"} | ALONE | REAL),
    (
        last_pair_wrong,
        {"META-020", "META-022", "META-026"} | ALONE | COSINE | REPEATED,
    ),
    (
        scores_normalised_over_pairs,
        {"META-020", "META-022", "META-026"} | ALONE | COSINE | REPEATED,
    ),
    (
        every_pair_with_the_first_text,
        {"META-020", "META-024", "META-026"} | ALONE | COSINE,
    ),
    (every_text_against_every_text, {"SCORE-EX-003"} | COUNT),
    (last_pair_dropped, {"SCORE-EX-003"} | COUNT),
    (only_the_first_of_many, {"SCORE-SEM-003"}),
    (two_scores_for_two_strings, {"SCORE-SEM-001"}),
    (broadcast_scores_differ, REPEATED),
    (array_of_one_scores_differ, {"META-022"}),
    (numbered_from_one, {"SCORE-RES-006", "META-018", "SCORE-EX-003"}),
    (numbered_all_zero, {"SCORE-RES-006", "META-018", "SCORE-EX-003"}),
    (other_scores_without_version, PATHS),
    (another_member_without_version, PATHS),
    (plain_scores_without_version, PATHS),
    (logits_as_scores, {"META-026"} | RANGE | COSINE),
    (float_halves, DEFAULT),
    (int_gives_text, {"SCORE-REQ-017"}),
    (usage_of_one_pair, {"META-030"}),
    (something_generated, {"SCORE-RES-014", "META-029"}),
    (details_given, {"SCORE-RES-015"}),
    (limit_blurs_scores, {"META-031"}),
    (limit_adds_tokens, {"META-031", "SCORE-SEM-008"}),
    (last_pair_dropped_without_version, {"SCORE-EX-003"} | COUNT | PATHS),
]
