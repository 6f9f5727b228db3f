"""Agents that ask in words of their own: Agno, Griptape, Strands, Semantic Kernel."""

import asyncio
import json
import os

from agno.agent import Agent as AgnoAgent
from agno.models.openai.like import OpenAILike
from griptape.artifacts import TextArtifact
from griptape.drivers.prompt.openai import OpenAiChatPromptDriver
from griptape.structures import Agent as GriptapeAgent
from griptape.tasks import PromptTask
from griptape.tools import BaseTool
from griptape.utils.decorators import activity
from openai import AsyncOpenAI
from pydantic import BaseModel
from schema import Literal, Schema
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
    OpenAITextEmbedding,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function
from strands import Agent as StrandsAgent
from strands import tool
from strands.models.openai import OpenAIModel

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
ASKED = "What is the weather in Paris?"
TOLD = "Alice is 34 years old."
BASE = os.environ["OPENAI_BASE_URL"]


class Person(BaseModel):
    """A person."""

    name: str
    age: int


ALICE = Person(name="Alice", age=34)


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"It is sunny in {city}."


def agno(**options: object) -> AgnoAgent:
    model = OpenAILike(id=CHAT, base_url=BASE, api_key="any")
    return AgnoAgent(model=model, telemetry=False, **options)


def test_agno_calls_a_tool() -> None:
    assert "sunny in Paris" in agno(tools=[weather]).run(ASKED).content


def test_agno_gets_an_object_by_schema_and_by_prompt() -> None:
    assert agno(output_schema=Person).run(TOLD).content == ALICE
    by_prompt = agno(output_schema=Person, use_json_mode=True)
    assert by_prompt.run(TOLD).content == ALICE


def strands(**options: object) -> StrandsAgent:
    told = {"api_key": "any", "base_url": BASE}
    model = OpenAIModel(client_args=told, model_id=CHAT)
    return StrandsAgent(model=model, callback_handler=None, **options)


def test_strands_calls_a_tool() -> None:
    assert "sunny in Paris" in str(strands(tools=[tool(weather)])(ASKED))


def test_strands_asks_for_the_form_in_a_turn_of_its_own() -> None:
    answer = strands()(TOLD, structured_output_model=Person)
    assert answer.structured_output == ALICE


class Sky(BaseTool):
    about = "Tell the weather of a city."
    asked = Schema({Literal("city", description="the city"): str})

    @activity(config={"description": about, "schema": asked})
    def weather(self, params: dict) -> TextArtifact:
        return TextArtifact(weather(params["values"]["city"]))


def griptape(**options: object) -> OpenAiChatPromptDriver:
    return OpenAiChatPromptDriver(model=CHAT, base_url=BASE, api_key="any", **options)


def test_griptape_calls_a_tool_by_the_api_and_by_the_prompt() -> None:
    for native in (True, False):
        driver = griptape(use_native_tools=native)
        agent = GriptapeAgent(prompt_driver=driver, tools=[Sky()])
        assert "sunny in Paris" in agent.run(ASKED).output.value


def test_griptape_gets_an_object_by_schema_by_tool_and_by_prompt() -> None:
    for strategy in ("native", "tool", "rule"):
        driver = griptape(structured_output_strategy=strategy)
        task = PromptTask(TOLD, prompt_driver=driver, output_schema=Person)
        assert task.run().value == ALICE


class Plugin:
    @kernel_function(name="weather", description="Tell the weather of a city.")
    def weather(self, city: str) -> str:
        return weather(city)


def test_semantic_kernel() -> None:
    async def run() -> None:
        client = AsyncOpenAI()
        service = OpenAIChatCompletion(ai_model_id=CHAT, async_client=client)
        agent = ChatCompletionAgent(service=service, plugins=[Plugin()], name="a")
        assert "sunny in Paris" in str(await agent.get_response(ASKED))
        history = ChatHistory()
        history.add_user_message(TOLD)
        shaped = OpenAIChatPromptExecutionSettings(response_format=Person)
        answer = await service.get_chat_message_content(history, shaped)
        assert json.loads(str(answer)) == {"name": "Alice", "age": 34}
        vectors = OpenAITextEmbedding(ai_model_id="sds/bge-m3", async_client=client)
        assert (await vectors.generate_embeddings(["a", "b"])).shape == (2, 1024)

    asyncio.run(run())
