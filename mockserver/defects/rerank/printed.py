"""What goes wrong with the printed rerank request, and little else."""

from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer


def _is_printed_rerank(context: RequestContext) -> bool:
    return bool(
        context.parameters.get("top_n")
        and context.parameters.get("truncate_prompt_tokens")
    )


@in_parameters("RERANK-EX-003", api="rerank", also={
    "RERANK-SEM-004": "top_n is not obeyed",
})  # fmt: skip
def rerank_limit_overrides_top_n(context: RequestContext) -> object:
    """With truncate_prompt_tokens all documents come back, whatever top_n is."""
    if not _is_printed_rerank(context):
        return False
    context.parameters["top_n"] = 0
    return True


@in_answer("RERANK-EX-004", api="rerank")
def rerank_limit_turns_the_order(context: RequestContext, answer: Answer) -> object:
    """With top_n and truncate_prompt_tokens the best get the worst scores."""
    if not _is_printed_rerank(context):
        return False
    for result in answer["results"]:
        result["relevance_score"] = 1 - result["relevance_score"]
    answer["results"].reverse()
    return True
