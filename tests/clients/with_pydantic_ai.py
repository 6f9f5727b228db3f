"""Pydantic AI: agents with tools and typed outputs come to an end."""

import asyncio

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel

MODEL = OpenAIChatModel("meta-llama/Llama-3.3-70B-Instruct")


class Place(BaseModel):
    """A place."""

    city: str
    degrees: int


def test_text() -> None:
    assert Agent(MODEL).run_sync("Name a colour.").output


def test_a_tool_is_called_and_the_run_ends() -> None:
    agent, asked = Agent(MODEL), []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "rain, 12 degrees"

    answer = agent.run_sync("What is the weather in Paris?")
    assert asked == ["Paris"]
    assert "rain" in answer.output


@pytest.mark.parametrize("kind", [ToolOutput, NativeOutput, PromptedOutput])
def test_an_output_has_its_type(kind: type) -> None:
    agent = Agent(MODEL, output_type=kind(Place))
    place = agent.run_sync('It is 12 degrees in "Paris".').output
    assert place.degrees == 12


def test_tools_before_a_typed_output() -> None:
    agent, asked = Agent(MODEL, output_type=Place), []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "12 degrees"

    place = agent.run_sync("What is the weather in Paris?").output
    assert asked == ["Paris"]
    assert place.city == "Paris"


def test_text_streams() -> None:
    async def read() -> str:
        async with Agent(MODEL).run_stream("Name a colour.") as run:
            return "".join([text async for text in run.stream_text(delta=True)])

    assert asyncio.run(read())
