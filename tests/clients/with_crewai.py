"""CrewAI: an agent with a tool does its task."""

import os

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool


def test_a_crew_does_its_task() -> None:
    asked = []

    @tool("weather")
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "It is sunny, 21 degrees."

    model = LLM(
        model="openai/meta-llama/Llama-3.3-70B-Instruct",
        base_url=os.environ["OPENAI_BASE_URL"],
        api_key="any",
    )
    agent = Agent(
        role="reporter",
        goal="tell the weather",
        backstory="",
        llm=model,
        tools=[weather],
    )
    task = Task(
        description="What is the weather in Paris?",
        expected_output="one sentence",
        agent=agent,
    )
    said = Crew(agents=[agent], tasks=[task]).kickoff().raw
    assert asked == ["Paris"]
    assert "sunny" in said
