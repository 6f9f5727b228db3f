"""The sins of an answer of rerank, each with the rows that it trips."""

from typing import Any

from played import (
    Edit,
)


def _all(body: Any) -> bool:
    return not body.get("top_n")


def with_scores(answer: Any, change: Any) -> Any:
    for i, result in enumerate(answer["results"]):
        result["relevance_score"] = change(i, result["relevance_score"], result)
    return answer


def unsorted_beyond_three(operation: str, body: Any, answer: Any) -> Any:
    if len(answer["results"]) > 3:
        answer["results"][-2:] = answer["results"][:-3:-1]
    return answer


def ascending(operation: str, body: Any, answer: Any) -> Any:
    return answer | {"results": answer["results"][::-1]}


def index_renumbered_everywhere(operation: str, body: Any, answer: Any) -> Any:
    for i, result in enumerate(answer["results"]):
        result["index"] = i
    return answer


def index_renumbered_under_top_n(operation: str, body: Any, answer: Any) -> Any:
    return (
        answer if _all(body) else index_renumbered_everywhere(operation, body, answer)
    )


def index_renumbered_on_v2(operation: str, body: Any, answer: Any) -> Any:
    is_v2 = operation == "POST /v2/rerank"
    return index_renumbered_everywhere(operation, body, answer) if is_v2 else answer


def index_counted_from_one(operation: str, body: Any, answer: Any) -> Any:
    for result in answer["results"]:
        result["index"] += 1
    return answer


def index_looked_up_by_text(operation: str, body: Any, answer: Any) -> Any:
    for result in answer["results"]:
        result["index"] = body["documents"].index(result["document"]["text"])
    return answer


def index_of_the_neighbour(operation: str, body: Any, answer: Any) -> Any:
    count = len(body["documents"])
    for result in answer["results"]:
        result["index"] = (result["index"] + 1) % count
    return answer


def text_shortened(operation: str, body: Any, answer: Any) -> Any:
    for result in answer["results"]:
        result["document"]["text"] = result["document"]["text"][:40]
    return answer


def text_shortened_with_the_input(operation: str, body: Any, answer: Any) -> Any:
    cut = "truncate_prompt_tokens" in body
    return text_shortened(operation, body, answer) if cut else answer


def text_replaced_with_the_input(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" in body:
        answer["results"][-1]["document"]["text"] = "…"
    return answer


def only_ascii_survives(operation: str, body: Any, answer: Any) -> Any:
    for result in answer["results"]:
        text = result["document"]["text"]
        result["document"]["text"] = text.encode("ascii", "replace").decode()
    return answer


def duplicates_dropped(operation: str, body: Any, answer: Any) -> Any:
    if _all(body):
        known: set[str] = set()
        answer["results"] = [
            r
            for r in answer["results"]
            if r["document"]["text"] not in known
            and not known.add(r["document"]["text"])  # type: ignore[func-returns-value]
        ]
    return answer


def one_document_twice(operation: str, body: Any, answer: Any) -> Any:
    if _all(body) and len(answer["results"]) > 2:
        first, second = answer["results"][:2]
        second["document"] = first["document"]
        second["relevance_score"] = first["relevance_score"]
    return answer


def other_scores_on_v2(operation: str, body: Any, answer: Any) -> Any:
    is_v2 = operation == "POST /v2/rerank"
    return with_scores(answer, lambda _i, s, _r: s * 0.97) if is_v2 else answer


def another_member_on_v2(operation: str, body: Any, answer: Any) -> Any:
    return answer | ({"meta": {}} if operation == "POST /v2/rerank" else {})


def plain_documents_on_v2(operation: str, body: Any, answer: Any) -> Any:
    if operation == "POST /v2/rerank":
        for result in answer["results"]:
            result["document"] = result["document"]["text"]
    return answer


def last_score_halved(operation: str, body: Any, answer: Any) -> Any:
    last = len(answer["results"]) - 1
    return with_scores(answer, lambda i, s, _r: s / 2 if i == last else s)


def scores_normalised_over_documents(operation: str, body: Any, answer: Any) -> Any:
    total = sum(r["relevance_score"] for r in answer["results"])
    return with_scores(answer, lambda _i, s, _r: s / total if _all(body) else s)


def scores_stretched_to_the_best(operation: str, body: Any, answer: Any) -> Any:
    best = max([r["relevance_score"] for r in answer["results"]], default=1)
    return with_scores(answer, lambda _i, s, _r: s / best if _all(body) else s)


def scores_depend_on_position(operation: str, body: Any, answer: Any) -> Any:
    answer = with_scores(answer, lambda _i, s, r: s - 0.004 * r["index"])
    answer["results"].sort(key=lambda r: -r["relevance_score"])
    return answer


def second_copy_scores_less(operation: str, body: Any, answer: Any) -> Any:
    for i, result in enumerate(answer["results"]):
        if result["document"] in [r["document"] for r in answer["results"][:i]]:
            result["relevance_score"] -= 0.005
    answer["results"].sort(key=lambda r: -r["relevance_score"])
    return answer


def logits_as_scores(operation: str, body: Any, answer: Any) -> Any:
    return with_scores(answer, lambda _i, s, _r: (s - 0.5) * 20)


def best_score_above_one(operation: str, body: Any, answer: Any) -> Any:
    return with_scores(answer, lambda i, s, _r: s + 0.6 if i == 0 else s)


def usage_of_returned_documents(operation: str, body: Any, answer: Any) -> Any:
    share = len(answer["results"]) / max(1, len(body["documents"]))
    answer["usage"]["total_tokens"] = int(answer["usage"]["total_tokens"] * share)
    return answer


def usage_zero(operation: str, body: Any, answer: Any) -> Any:
    return answer | {"usage": {"total_tokens": 0}}


def usage_constant(operation: str, body: Any, answer: Any) -> Any:
    return answer | {"usage": {"total_tokens": 12}}


def default_of_three(operation: str, body: Any, answer: Any) -> Any:
    if "top_n" not in body:
        answer["results"] = answer["results"][:3]
    return answer


def nothing_for_zero(operation: str, body: Any, answer: Any) -> Any:
    return answer | ({"results": []} if body.get("top_n") == 0 else {})


def one_too_few(operation: str, body: Any, answer: Any) -> Any:
    if body.get("top_n", 0) >= 5:
        answer["results"] = answer["results"][: body["top_n"] - 1]
    return answer


def one_too_many_for_the_count(operation: str, body: Any, answer: Any) -> Any:
    if body.get("top_n", 0) > len(body["documents"]):
        answer["results"] = answer["results"][:-1]
    return answer


def limit_blurs_scores(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" in body:
        return with_scores(answer, lambda _i, s, _r: s - 0.01)
    return answer


def limit_adds_tokens(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" in body:
        answer["usage"]["total_tokens"] += 1000
    return answer


def two_results_for_one_document(operation: str, body: Any, answer: Any) -> Any:
    if len(body["documents"]) == 1 and len(body["documents"][0]) < 1000:
        answer["results"] *= 2
    return answer


SEEN_IN_EVERY_SCORE = {"META-009", "META-017", "RERANK-SEM-007", "RERANK-SEM-008"}
CUT = {"META-002", "RERANK-SEM-004"}
INDEX = {"RERANK-RES-013", "META-006"}
RANGE = {"RERANK-RES-018", "META-004"}

SINS: list[tuple[Edit, set[str]]] = [
    (unsorted_beyond_three, {"RERANK-SEM-006", "META-001"}),
    (ascending, {"RERANK-SEM-006", "META-001", "RERANK-EX-004"}),
    (index_renumbered_everywhere, set()),  # the other reading of A-035
    (index_renumbered_under_top_n, INDEX),
    (index_renumbered_on_v2, INDEX),
    (index_counted_from_one, {"RERANK-RES-011", "META-005"} | INDEX),
    (index_looked_up_by_text, {"RERANK-RES-012", "META-005"}),
    (index_of_the_neighbour, INDEX),
    (
        text_shortened,  # some texts begin alike
        {"RERANK-RES-016", "META-007", "META-009", "META-010", "RERANK-SEM-008"},
    ),
    (text_shortened_with_the_input, {"RERANK-RES-016", "META-015"}),
    (text_replaced_with_the_input, {"RERANK-RES-016"}),
    (only_ascii_survives, {"RERANK-RES-016", "META-007"}),
    (
        duplicates_dropped,
        {"RERANK-SEM-003", "RERANK-SEM-002", "META-005", "META-007", "META-003"},
    ),
    (
        one_document_twice,
        {"RERANK-SEM-002", "META-007", "META-003"} | CUT | INDEX,
    ),
    (other_scores_on_v2, {"RERANK-SEM-001", "META-011"}),
    (another_member_on_v2, {"RERANK-SEM-001", "META-011"}),
    (plain_documents_on_v2, {"RERANK-SEM-001", "META-011"}),
    (last_score_halved, {"META-010", "META-009", "META-017", "RERANK-SEM-008"} | CUT),
    (scores_normalised_over_documents, {"META-003"} | CUT | SEEN_IN_EVERY_SCORE),
    (scores_stretched_to_the_best, {"META-003"} | CUT | SEEN_IN_EVERY_SCORE),
    (
        scores_depend_on_position,
        {"META-008", "META-010", "META-016"} | SEEN_IN_EVERY_SCORE,
    ),
    (second_copy_scores_less, {"META-010"}),
    (logits_as_scores, {"META-017", "RERANK-SEM-007"} | RANGE),
    (best_score_above_one, RANGE | SEEN_IN_EVERY_SCORE),
    (usage_of_returned_documents, {"RERANK-SEM-010", "META-012"}),
    (usage_zero, {"RERANK-RES-007", "META-013"}),
    (usage_constant, {"META-013"}),
    (
        default_of_three,
        {"RERANK-SEM-003", "RERANK-SEM-002", "META-005", "META-007"}
        | {"RERANK-REQ-012", "META-003"},
    ),
    (
        nothing_for_zero,
        {"RERANK-SEM-003", "RERANK-SEM-002", "META-005", "META-007"}
        | {"RERANK-REQ-012", "META-003"},
    ),
    (one_too_few, {"RERANK-SEM-004", "META-002", "META-003"}),
    (one_too_many_for_the_count, {"RERANK-SEM-005"}),
    (limit_blurs_scores, {"META-015"}),
    (limit_adds_tokens, {"RERANK-SEM-009", "META-014", "META-015"}),
    (
        two_results_for_one_document,
        {"RERANK-REQ-008", "RERANK-RES-012", "META-005"}
        | {"RERANK-SEM-003", "RERANK-SEM-002", "META-007"},
    ),
]
