"""Libraries that write the prompt: DSPy, Haystack, Magentic, Outlines."""

import json
import os
from typing import Literal

import dspy
import openai
import outlines
import pytest
from haystack.components.agents import Agent
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import tool
from magentic import FunctionCall, OpenaiChatModel, StreamedStr, prompt, prompt_chain
from pydantic import BaseModel

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


class Signature(dspy.Signature):
    """Tell of whom the text speaks, and how."""

    text: str = dspy.InputField()
    mood: Literal["sad", "happy"] = dspy.OutputField()
    people: list[Person] = dspy.OutputField()


@pytest.fixture
def lm() -> dspy.LM:
    return dspy.LM(f"openai/{CHAT}", api_base=BASE, api_key="any", cache=False)


@pytest.mark.parametrize(
    "adapter", [dspy.ChatAdapter, dspy.JSONAdapter, dspy.XMLAdapter]
)
def test_dspy_predicts(lm: dspy.LM, adapter: type[dspy.Adapter]) -> None:
    with dspy.context(lm=lm, adapter=adapter()):
        found = dspy.Predict("text -> name: str, age: int")(text=TOLD)
    assert (found.name, found.age) == ("Alice", 34)


def test_dspy_predicts_types_of_ones_own(lm: dspy.LM) -> None:
    with dspy.context(lm=lm):
        found = dspy.Predict(Signature)(text=TOLD)
    assert found.mood in {"sad", "happy"}
    assert found.people == [ALICE]


def test_dspy_acts(lm: dspy.LM) -> None:
    with dspy.context(lm=lm):
        agent = dspy.ReAct("question -> answer", tools=[weather], max_iters=5)
        found = agent(question=ASKED)
    assert "sunny in Paris" in str(found.trajectory)


def test_haystack() -> None:
    chat = OpenAIChatGenerator(model=CHAT, api_base_url=BASE)
    agent = Agent(chat_generator=chat, tools=[tool(weather)], max_agent_steps=5)
    ended = agent.run(messages=[ChatMessage.from_user(ASKED)])
    assert "sunny in Paris" in ended["messages"][-1].text
    shaped = {"response_format": Person}
    chat = OpenAIChatGenerator(model=CHAT, api_base_url=BASE, generation_kwargs=shaped)
    (reply,) = chat.run([ChatMessage.from_user(TOLD)])["replies"]
    assert json.loads(reply.text) == {"name": "Alice", "age": 34}
    vectors = OpenAITextEmbedder(model="sds/bge-m3", api_base_url=BASE)
    assert len(vectors.run("a")["embedding"]) == 1024


MODEL = OpenaiChatModel(CHAT, base_url=BASE, api_key="any")


@prompt("Extract: {text}", model=MODEL)
def person(text: str) -> Person: ...


@prompt("Tell of {thing}", model=MODEL)
def tell(thing: str) -> StreamedStr: ...


@prompt("What is the weather in {city}?", functions=[weather], model=MODEL)
def call(city: str) -> FunctionCall[str]: ...


@prompt_chain("What is the weather in {city}?", functions=[weather], model=MODEL)
def chain(city: str) -> str: ...


def test_magentic() -> None:
    assert person(TOLD) == ALICE
    assert "".join(tell("rivers"))
    assert call("Paris")() == "It is sunny in Paris."
    assert "sunny in Paris" in chain("Paris")


def test_outlines() -> None:
    model = outlines.from_openai(openai.OpenAI(), CHAT)
    assert Person.model_validate_json(model(TOLD, Person)) == ALICE
    assert "".join(model.stream("Name a colour."))
