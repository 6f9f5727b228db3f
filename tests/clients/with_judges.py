"""What evaluates models and asks one for its judgement: DeepEval and Inspect."""

import os

import pytest
from deepeval.metrics import (
    AnswerRelevancyMetric,
    BaseMetric,
    BiasMetric,
    FaithfulnessMetric,
    HallucinationMetric,
)
from deepeval.models import LocalModel
from deepeval.test_case import LLMTestCase
from inspect_ai import Task, eval  # noqa: A004 - its own name
from inspect_ai.agent import react
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.tool import Tool, tool

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
BASE = os.environ["OPENAI_BASE_URL"]
SAID = ["Paris is the capital of France."]
CASE = LLMTestCase(
    input="What is the capital of France?",
    actual_output=SAID[0],
    retrieval_context=SAID,
    context=SAID,
)


@pytest.mark.parametrize(
    "metric",
    [AnswerRelevancyMetric, FaithfulnessMetric, HallucinationMetric, BiasMetric],
)
def test_deepeval(metric: type[BaseMetric]) -> None:
    model = LocalModel(model=CHAT, base_url=BASE, api_key="any")
    judge = metric(model=model, async_mode=False)
    judge.measure(CASE, _show_indicator=False)
    assert 0 <= judge.score <= 1


@tool
def weather() -> Tool:
    async def execute(city: str) -> str:
        """Tell the weather of a city.

        Args:
            city: The city.
        """
        return f"It is sunny in {city}."

    return execute


def test_inspect(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("MOCK_BASE_URL", BASE)
    monkeypatch.setenv("MOCK_API_KEY", "any")
    asked = Sample(input="What is the weather in Paris?", target="sunny in Paris")
    task = Task(dataset=[asked], solver=react(tools=[weather()]), scorer=includes())
    model = f"openai-api/mock/{CHAT}"
    (log,) = eval(
        task, model=model, display="none", log_dir=str(tmp_path), message_limit=12
    )
    assert log.status == "success"
    assert log.results.scores[0].metrics["accuracy"].value == 1
