"""Limits on the tokens of a text, beside whatever else is asked for."""

from typing import Any

import pytest
from exchanges import exchange, findings, witnessed

from aios_conformance.conformance.checks import limited
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Api, Facts

EMBED = limited.no_embedding_counts_more_than_its_limit
RANK = limited.no_ranking_counts_more_than_its_limit
SCORE = limited.no_score_counts_more_than_its_limit
PAIR = {"text_1": "a", "text_2": ["b", "c"]}
LIST = {"query": "a", "documents": ["b", "c"], "top_n": 1}
ITEMS: Any = {"data": [{"score": 0.5, "embedding": [1.0]}], "results": []}


@pytest.mark.parametrize(
    ("check", "api", "sent", "kind", "most"),
    [
        (EMBED, "embeddings", {"input": ["a", "b"]}, "embedding", 8),
        (EMBED, "embeddings", {"input": "a"}, "embedding", 4),
        (RANK, "rerank", LIST, "cross_encoder", 8),
        (RANK, "rerank", LIST, "embedding", 16),
        (SCORE, "score", PAIR, "cross_encoder", 8),
        (SCORE, "score", PAIR | {"model": "other"}, "cross_encoder", 16),
    ],
)
def test_no_answer_counts_more_than_its_limit(
    check: Check, api: Api, sent: dict[str, Any], kind: Any, most: int
) -> None:
    facts = Facts(models={api: "m"}, kinds={api: kind})

    def counted(count: int, **more: Any) -> bool:
        usage = {"prompt_tokens": count, "total_tokens": count}
        body = {"model": "m", "truncate_prompt_tokens": 4} | sent | more
        played = exchange(api, body, ITEMS | {"usage": usage})
        # how much a model would have read is not known
        assert not witnessed(check, played, facts=facts)
        return bool(findings(check, played, facts=facts))

    assert not counted(most)
    assert counted(most + 1)
    assert not counted(most + 1, truncate_prompt_tokens=None)
