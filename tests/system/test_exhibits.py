"""What a vendor reads of a finding: the printed request, and the member that matters.

The findings are those of the mock with one defect of each kind.
"""

import asyncio
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from aios_conformance.conformance.judging.plain import ABSENT
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.running.run import run
from aios_conformance.mockserver.embedded import local_mock
from aios_conformance.spec import examples

DEFECTS = (
    "chat_bias_may_be_101",
    "chat_finish_reason_is_null",
    "completions_max_completion_tokens_ignored",
    "embeddings_refuses_arrays",
    "rerank_model_may_be_missing",
    "rerank_refuses_top_n_0",
    "score_crashes_on_missing_text_2",
)
MISSING = "/messages/0/content is missing"
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    # row: the printed request, and what matters
    # its limit stays, as without one a model may write for minutes
    "CHAT-REQ-017": ("GOLD-CHAT-REQ", {"logit_bias": {"9": 101}, "max_tokens": 4}),
    "CHAT-RES-016": ("GOLD-CHAT-REQ", {}),
    "COMP-SEM-004": ("GOLD-COMP-REQ", {"max_completion_tokens": 4}),
    "EMB-REQ-006": ("GOLD-CELL-EMB", {"input": ["What is the capital of France?"]}),
    "RERANK-REQ-004": ("GOLD-RERANK-REQ", {}),
    "RERANK-REQ-014": ("GOLD-RERANK-REQ", {"top_n": 0}),
    "SCORE-ERR-003": ("GOLD-SCORE-REQ", {"text_2": ABSENT}),
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The body of the first curl line of each row with findings."""
    folder = tmp_path_factory.mktemp("exhibits")
    named = [word for defect in DEFECTS for word in ("--defect", defect)]
    with local_mock(*named) as mock:
        options = RunOptions(mock.url, report_dir=folder, cache_dir=None)
        result = asyncio.run(run(options, lambda _: None, frozenset(SHOWN)))
    assert 0 < result.usage.shrink_requests <= 60
    return {
        row.requirement.id: json.loads(shlex.split(row.findings[0].curl)[-1])
        for row in result.requirements
        if row.findings
    }


@pytest.mark.parametrize("row", SHOWN)
def test_a_finding_is_shown_by_the_printed_request(
    shown: dict[str, dict[str, Any]], row: str
) -> None:
    printed, matters = SHOWN[row]
    body = dict(shown[row])
    assert ("model" in body) == (row != "RERANK-REQ-004")
    wanted = {**examples()[printed].body, **matters}
    wanted = {name: v for name, v in wanted.items() if v is not ABSENT}
    assert {**body, "model": ""} == {**wanted, "model": ""}


def test_what_is_left_out_is_of_a_message_of_the_same_role(tmp_path: Path) -> None:
    """The first printed message is the assistant's, and the fault in the user's."""
    with local_mock("--defect", "chat_content_may_be_missing") as mock:
        options = RunOptions(mock.url, report_dir=tmp_path, cache_dir=None)
        asyncio.run(run(options, lambda _: None, frozenset({"CHAT-REQ-007"})))
    recorded = (tmp_path / "exchanges.jsonl").read_text().splitlines()
    bodies = (
        json.loads(line["request"]["body"])
        for line in map(json.loads, recorded)
        if line["line"] == "exchange" and line["breaks"] == MISSING
    )
    roles = {body["messages"][0]["role"] for body in bodies}
    assert roles == {"user"}
