"""How busy the mock is: requests that are being answered, by model.

Whoever is slowed down by pacing or a rule is in work for as long as that takes.
"""

from collections import Counter
from dataclasses import replace

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer, Stages


def counted(stages: Stages, pending: Counter[str]) -> Stages:
    """Return stages that count whole answers in `pending` while they are made."""

    async def answer(context: RequestContext) -> Answer:
        if context.model is None:
            return await stages.answer(context)
        name = context.model.name
        pending[name] += 1
        try:
            return await stages.answer(context)
        finally:
            pending[name] -= 1

    return replace(stages, answer=answer)
