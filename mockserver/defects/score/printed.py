"""What goes wrong with the printed score requests, and little else."""

from aios_conformance.mockserver.defects.planting import Defect, in_answer
from aios_conformance.mockserver.defects.tables import refuses
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer


@in_answer("SCORE-EX-003", api="score", also={
    "SCORE-RES-006": "0 to n-1", "META-018": "0 to n-1",
})  # fmt: skip
def score_of_two_floats_counts_from_one(
    context: RequestContext, answer: Answer
) -> object:
    """Two pairs with encoding_format float have the indices 1 and 2."""
    if "encoding_format" not in context.body or len(answer["data"]) != 2:
        return False
    for item in answer["data"]:
        item["index"] += 1
    return True


DEFECTS: tuple[Defect, ...] = (
    score_of_two_floats_counts_from_one,
    refuses("score_refuses_float_for_lists", "SCORE-EX-001", "score",
            lambda body: body.get("encoding_format") == "float"
            and isinstance(body["text_1"], list), why="lists have no floats", also={
                "COMMON-RES-001": "a valid request is not answered 200",
                "SCORE-SEM-002": "two lists are paired",
                "SCORE-REQ-016": "float may be spelt out"}),
)  # fmt: skip
