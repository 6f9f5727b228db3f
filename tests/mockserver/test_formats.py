"""Agents that prescribe a format in words get answers in it, and come to an end."""

import pytest

from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.engine import Sampling

ENGINE = MockEngine()
MODEL = ENGINE.models[0].name
REACT = """Answer as best you can. You have access to these tools:

get_weather(city: str) -> str - Current weather of a city.
add(a: int, b: int) -> int - Add two numbers.

Question: the input question you must answer
Thought: you should always think about what to do
Action: the action to take, should be one of [get_weather, add]
Action Input: the input to the action
Observation: the result of the action
Thought: I now know the final answer
Final Answer: the final answer to the original input question

Begin!

Question: {}
Thought:"""
CODE = """Write code between <code> and </code>; return with final_answer(result).

```python
def get_weather(city: str) -> str:
    \"\"\"Current weather.\"\"\"

def final_answer(answer: any) -> any:
    \"\"\"The final answer.\"\"\"
```"""
FIELDS = """[[ ## question ## ]]
How old is Jason, who is 25?

Respond with the corresponding output fields, starting with the field
`[[ ## name ## ]]`, then `[[ ## age ## ]]` (must be formatted as a valid Python int),
and then ending with the marker for `[[ ## completed ## ]]`."""


def said(*turns: tuple[str, str]) -> str:
    messages = [{"role": role, "content": text} for role, text in turns]
    prompt = ENGINE.render_chat(MODEL, messages, [])
    tokens = ENGINE.decode(MODEL, prompt, Sampling(500))
    return b"".join(token.data for token in tokens).decode()


@pytest.mark.parametrize(
    ("question", "action"),
    [
        ("What is the weather in Seoul?", "get_weather\nAction Input: Seoul"),
        ("add 2 and 3", 'add\nAction Input: {"a": 2, "b": 3}'),
    ],
)
def test_react_acts_and_then_answers(question: str, action: str) -> None:
    prompt = REACT.format(question)
    acted = said(("user", prompt))
    assert acted.endswith(f"\nAction: {action}")
    done = said(("user", f"{prompt} {acted}\nObservation: It is 21.\nThought:"))
    assert done.endswith("\nFinal Answer: It is 21.")


def test_an_observation_may_be_a_turn_of_its_own() -> None:
    prompt = REACT.partition("Begin!")[0]
    question = "What is the weather in Seoul?"
    acted = said(("system", prompt), ("user", question))
    assert acted.startswith("Thought: ")
    turns = ("assistant", acted), ("user", "Observation: Sunny")
    done = said(("system", prompt), ("user", question), *turns)
    assert done.endswith("\nFinal Answer: Sunny")


def test_code_ends_with_the_final_answer() -> None:
    text = said(("system", CODE), ("user", "What is the weather in Seoul?"))
    code = text.partition("<code>\n")[2].partition("\n</code>")[0]
    assert code == "result_1 = get_weather(city='Seoul')\nfinal_answer(result_1)"
    assert "final_answer(" in said(("system", CODE), ("user", "Hello!"))


def test_fields_stand_under_their_headings() -> None:
    assert said(("user", FIELDS)) == (
        "[[ ## name ## ]]\nJason\n\n[[ ## age ## ]]\n25\n\n[[ ## completed ## ]]"
    )
