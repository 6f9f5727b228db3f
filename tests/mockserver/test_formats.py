"""Agents that prescribe a format in words get answers in it, and come to an end."""

import json

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


def test_actions_may_be_a_list_whose_schema_is_printed() -> None:
    about = {"description": "Tell the weather of a city.", "const": "weather"}
    city = {"type": "object", "properties": {"city": {"type": "string"}}}
    members = {
        "name": {"const": "Sky"},
        "path": about,
        "input": city | {"required": ["city"]},
        "tag": {"type": "string"},
    }
    item = {"type": "object", "properties": members, "required": [*members]}
    schema = {"type": "array", "items": item, "$id": "Actions Schema"}
    prompt = (
        "Actions: <JSON array of actions that MUST follow this schema: "
        f"{json.dumps(schema)}>\n<|Response|>: <outputs>\nAnswer: <final answer>"
    )
    asked = ("system", prompt), ("user", "What is the weather in Seoul?")
    acted = said(*asked)
    (action,) = json.loads(acted.partition("Actions: ")[2])
    assert action == {
        "name": "Sky",
        "path": "weather",
        "input": {"city": "Seoul"},
        "tag": "weather-1",
    }
    done = said(*asked, ("assistant", acted), ("user", "<|Response|>: It is sunny."))
    assert done.endswith("\nAnswer: It is sunny.")
    greeted = said(("system", prompt), ("user", "Hello!"))
    assert "Answer: " in greeted
    broken = ("system", prompt.replace("[", "{")), ("user", "What is the weather?")
    assert said(*broken)


def test_code_ends_with_the_final_answer() -> None:
    text = said(("system", CODE), ("user", "What is the weather in Seoul?"))
    code = text.partition("<code>\n")[2].partition("\n</code>")[0]
    assert code == "result_1 = get_weather(city='Seoul')\nfinal_answer(result_1)"
    assert "final_answer(" in said(("system", CODE), ("user", "Hello!"))


def test_fields_stand_under_their_headings() -> None:
    assert said(("user", FIELDS)) == (
        "[[ ## name ## ]]\nJason\n\n[[ ## age ## ]]\n25\n\n[[ ## completed ## ]]"
    )


ACTIONS = """You have access to the following tools:

search(query: str) -> str - Search the web.

Valid "action" values: "Final Answer" or search

```
{
  "action": $TOOL_NAME,
  "action_input": $INPUT
}
```"""


def test_actions_may_be_json_in_a_fence() -> None:
    question, reminder = "Search the capital of France", "\n (reminder to respond in"
    acted = said(("system", ACTIONS), ("user", f"{question}\n\n{reminder} JSON)"))
    fenced = acted.removeprefix("Action:\n```\n").removesuffix("\n```")
    assert json.loads(fenced) == {
        "action": "search",
        "action_input": {"query": question},
    }
    seen = (
        f"{question}\n\n{acted}\nObservation: It is Paris.\nThought: {reminder} JSON)"
    )
    ended = said(("system", ACTIONS), ("user", seen))
    assert '"action": "Final Answer"' in ended
    assert '"action_input": "It is Paris."' in ended


def test_a_field_may_share_definitions_that_it_prints() -> None:
    person = (
        '{"Person": {"type": "object", "properties": {"age": {"type": "integer"}}}}'
    )
    items = '{"type": "array", "$defs": DEFS, "items": {"$ref": "#/$defs/Person"}}'
    noted = f"{{people}}  # note: it must adhere to the JSON schema: {items}"
    system = f"[[ ## people ## ]]\n{noted.replace('DEFS', person)}"
    asked = "[[ ## text ## ]]\nJason is 25.\n\nRespond with fields, starting with "
    answer = said(
        ("system", system), ("user", f"{asked}the field `[[ ## people ## ]]`.")
    )
    heading, people, *_ = answer.splitlines()
    assert (heading, json.loads(people)) == ("[[ ## people ## ]]", [{"age": 25}])


def test_a_field_may_be_one_of_the_words_that_its_type_lists() -> None:
    asked = "Jason is 25.\n\nRespond with fields, starting with the field "
    typed = (
        "`[[ ## mood ## ]]` (must be formatted as a valid Python Literal['sad', 'gay'])"
    )
    answer = said(("user", f"{asked}{typed}."))
    assert answer.splitlines()[1] in {"sad", "gay"}


def test_a_tool_that_only_the_type_names_was_not_called() -> None:
    asked = (
        "[[ ## question ## ]]\nWhat is the weather in Paris?\n\n"
        "[[ ## trajectory ## ]]\n{}\n\nRespond with fields, starting with the field "
        "`[[ ## next_tool_name ## ]]` (must be formatted as a valid Python "
        "Literal['weather', 'finish']), then `[[ ## next_tool_args ## ]]`."
    )
    noted = "{next_tool_name}  # note: one of: weather; finish\n{next_tool_args}\n{x}"
    takes = "It takes arguments {'city': {'type': 'string'}}."
    tools = f"{noted}\n(1) weather, whose description is <desc>Tell.</desc>. {takes}"
    first = said(("system", tools), ("user", asked.format("")))
    assert first.splitlines()[1] == "weather"
    assert '{"city": "Paris"}' in first
    called = asked.format("[[ ## tool_name_0 ## ]]\nweather")
    assert said(("system", tools), ("user", called)).splitlines()[1] == "finish"


def test_a_printed_schema_that_is_none_refuses_nobody() -> None:
    noted = 'JSON schema: {"type": "array", "items": {"$ref": "#/$defs/Nowhere"}}'
    asked = "Respond, starting with the field `[[ ## people ## ]]`."
    system = f"[[ ## people ## ]]\n{{people}}  # note: {noted}"
    assert said(("system", system), ("user", asked)).startswith("[[ ## people ## ]]\n")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (
            (
                "<text>\nJason is 25.\n</text>\n\nRespond with the output fields "
                "wrapped in XML tags `<name>`, then `<age>`."
            ),
            "<name>\nJason\n</name>\n<age>\n25\n</age>",
        ),
        (
            "Who wrote 'Emma'? Put the answer between <answer> and </answer> tags.",
            "<answer>\nEmma\n</answer>",
        ),
        (
            (
                "Name 'Heat' with 'Pacino'.\nThe output should be formatted as a XML "
                "file.\nHere are the output tags:\n```\n['films', 'film', 'actor']\n```"
            ),
            ("<films>\n<film>\nHeat\n</film>\n<actor>\nPacino\n</actor>\n</films>"),
        ),
        (
            (
                "List 'red', 'green' and 'blue'.\nYour response should be a list of "
                "comma separated values, eg: `foo, bar, baz`"
            ),
            "red, green, blue",
        ),
    ],
)
def test_marks_are_written_as_prescribed(asked: str, answer: str) -> None:
    assert said(("user", asked)) == answer


def test_what_stands_in_tags_is_no_form_of_the_answer() -> None:
    asked = "Answer by the document in <document> tags.\n<document>It rains.</document>"
    assert "<" not in said(("user", asked))


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("What is the weather in Seoul?", [("get_weather", {"city": "Seoul"})]),
        ("Thank you", []),
    ],
)
def test_listed_tools_are_called_as_the_prompt_prescribes(
    query: str, calls: list[tuple[str, dict[str, str]]]
) -> None:
    city = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [
        {"name": "get_weather", "parameters": {**city, "required": ["city"]}},
        {"name": "send_mail", "parameters": {"type": "object", "maxProperties": -1}},
        "no tool",
    ]
    system = (
        f"Available Tools: {json.dumps(tools)}\n\nReturn only the JSON object. If no "
        'tools match, return {"tool_calls": []}. The format is strictly:\n'
        '{"tool_calls": [{"name": "toolName1", "parameters": {"key1": "value1"}}]}'
    )
    before = 'Query: History:\nUSER: """hi"""\nASSISTANT: """The weather?"""\nQuery: '
    answer = json.loads(said(("system", system), ("user", before + query)))
    made = [(one["name"], one["parameters"]) for one in answer["tool_calls"]]
    assert made == calls
