"""Agents of several frameworks: each calls its tool, reads the result and ends."""

import asyncio
import os
from typing import ClassVar

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from smolagents import CodeAgent, OpenAIServerModel, Tool, ToolCallingAgent

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
ASKED = "What is the weather in Paris?"
BASE = os.environ["OPENAI_BASE_URL"]


def weather(city: str) -> str:
    """Tell the weather of a city."""
    asked.append(city)
    return "It is sunny, 21 degrees."


asked: list[str] = []


def teardown_function() -> None:
    asked.clear()


def test_openai_agents() -> None:
    set_tracing_disabled(True)
    model = OpenAIChatCompletionsModel(model=CHAT, openai_client=AsyncOpenAI())
    agent = Agent(
        name="a", instructions="Help.", model=model, tools=[function_tool(weather)]
    )
    result = Runner.run_sync(agent, ASKED)
    assert asked == ["Paris"]
    assert "sunny" in result.final_output


def test_langgraph() -> None:
    agent = create_agent(ChatOpenAI(model=CHAT), [tool(weather)])
    state = agent.invoke({"messages": [("user", ASKED)]})
    assert asked == ["Paris"]
    assert "sunny" in state["messages"][-1].content


class Weather(Tool):
    name = "weather"
    description = "Tell the weather of a city."
    inputs: ClassVar = {"city": {"type": "string", "description": "The city."}}
    output_type = "string"

    def forward(self, city: str) -> str:
        return weather(city)


def test_smolagents_by_calls() -> None:
    model = OpenAIServerModel(model_id=CHAT, api_base=BASE, api_key="any")
    answer = ToolCallingAgent(tools=[Weather()], model=model, max_steps=4).run(ASKED)
    assert asked == ["Paris"]
    assert "sunny" in str(answer)


def test_smolagents_by_code() -> None:
    model = OpenAIServerModel(model_id=CHAT, api_base=BASE, api_key="any")
    answer = CodeAgent(tools=[Weather()], model=model, max_steps=4).run(ASKED)
    assert asked == ["Paris"]
    assert "sunny" in str(answer)


def autogen_client() -> OpenAIChatCompletionClient:
    info = {
        "vision": False,
        "function_calling": True,
        "json_output": True,
        "family": "unknown",
        "structured_output": True,
    }
    return OpenAIChatCompletionClient(
        model=CHAT, base_url=BASE, api_key="any", model_info=info
    )


def test_autogen() -> None:
    agent = AssistantAgent(
        "a", autogen_client(), tools=[weather], reflect_on_tool_use=True
    )
    result = asyncio.run(agent.run(task=ASKED))
    assert asked == ["Paris"]
    assert "sunny" in result.messages[-1].content


def test_an_autogen_team_comes_to_its_end() -> None:
    agent = AssistantAgent(
        "a",
        autogen_client(),
        tools=[weather],
        system_message="Use your tools. Reply with TERMINATE when the task is done.",
    )
    end = TextMentionTermination("TERMINATE", sources=["a"])
    team = RoundRobinGroupChat(
        [agent], termination_condition=end | MaxMessageTermination(12)
    )
    result = asyncio.run(team.run(task=ASKED))
    assert asked == ["Paris"]
    assert "TERMINATE" in result.stop_reason
