"""What goes wrong with the printed embedding requests, and little else."""

from aios_conformance.mockserver.defects.planting import Defect, in_answer
from aios_conformance.mockserver.defects.tables import refuses
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer


@in_answer("EMB-EX-003", api="embeddings", also={
    "EMB-RES-013": "the same statement", "META-102": "the same statement",
    "COMMON-RES-010": "the same statement",
})  # fmt: skip
def embeddings_total_in_floats_is_one_more(
    context: RequestContext, answer: Answer
) -> object:
    """With encoding_format float total_tokens is one too high."""
    if context.body.get("encoding_format") != "float":
        return False
    answer["usage"]["total_tokens"] += 1
    return True


DEFECTS: tuple[Defect, ...] = (
    embeddings_total_in_floats_is_one_more,
    refuses("embeddings_refuses_float_for_strings", "EMB-EX-001", "embeddings",
            lambda body: body.get("encoding_format") == "float"
            and isinstance(body["input"], str), why="strings have no floats",
            also={"EMB-REQ-012": "float may be spelt out"}),
)  # fmt: skip
