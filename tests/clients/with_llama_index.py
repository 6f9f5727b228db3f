"""LlamaIndex: text, streams, an agent with a tool."""

import asyncio
import os

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike

MODEL = OpenAILike(
    model="meta-llama/Llama-3.3-70B-Instruct",
    api_base=os.environ["OPENAI_BASE_URL"],
    api_key="any",
    is_chat_model=True,
    is_function_calling_model=True,
)


def test_text_and_streams() -> None:
    said = MODEL.complete("Name a colour.").text
    assert said
    assert [*MODEL.stream_complete("Name a colour.")][-1].text == said


def test_an_agent_calls_its_tool_and_ends() -> None:
    asked = []

    def weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "It is sunny, 21 degrees."

    async def run() -> str:
        agent = FunctionAgent(tools=[weather], llm=MODEL)
        return str(await agent.run("What is the weather in Paris?"))

    assert "sunny" in asyncio.run(run())
    assert asked == ["Paris"]
