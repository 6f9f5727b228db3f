"""JSON that a prompt asks for in words, as the frameworks print it."""

import json
from typing import Any

import pytest

from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.engine import Sampling

ENGINE = MockEngine()
MODEL = ENGINE.models[0].name
PERSON = """{
  "properties": {
    "name": {"title": "Name", "type": "string"},
    "age": {"title": "Age", "type": "integer"}
  },
  "required": ["name", "age"], "title": "Person", "type": "object"
}"""
UNTYPED = PERSON.replace(', "type": "object"', "")
ASKED = "Jason is 25 years old"
JASON = {"name": "Jason", "age": 25}


def said(user: str, system: str = "", schema: Any = None) -> str:
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": user})
    prompt = ENGINE.render_chat(MODEL, messages, [])
    tokens = ENGINE.decode(MODEL, prompt, Sampling(500, schema=schema))
    return b"".join(token.data for token in tokens).decode()


PROMPTS = {
    "pairs that show what schemas are": (
        "",
        (
            f"{ASKED}.\nGiven below is a JSON Schema that describes the information to "
            f"extract.\n\n{PERSON}\n\nONLY return a valid JSON object.\n\nExamples:\n"
            '- `{"type":"object","properties":{"foo":{"type":"string"}}}` => '
            "`{'foo': 'one'}`\n"
            '- `{"properties":{"bar":{"type":"array"}}}` => `{"bar": [\'TWO\']}`\n'
        ),
    ),
    "a question among headings": (
        f"Return JSON of this schema: {PERSON}",
        f"# Task\n## Former Memories\n## New Messages\nuser: {ASKED}\n# Output",
    ),
    "the schema in the system's words": (
        (
            "Provide the parsed objects in json that match the following json_schema:"
            f"\n\n{PERSON}\n\nReturn an instance of the JSON, not the schema itself"
        ),
        f"Extract: {ASKED}",
    ),
    "the schema between instructions and question": (
        "",
        (
            "Answer the user query.\nThe output should be formatted as a JSON instance "
            "that conforms to the JSON schema below.\n\nAs an example, for the schema "
            '{"properties": {"foo": {"type": "array", "items": {"type": "string"}}}, '
            '"required": ["foo"]} the object {"foo": ["bar", "baz"]} is well formatted.'
            f"\n\nHere is the output schema:\n{PERSON}\n{ASKED}\n"
        ),
    ),
    "the schema after the question": (
        "",
        (
            f"{ASKED}\n\nHere's a JSON schema to follow:\n{PERSON}\n\n"
            "Output a valid JSON object but do not repeat the schema."
        ),
    ),
    "the schema after the question, and an example of another": (
        "",
        (
            f"{ASKED}\nThe output should be formatted as a JSON instance that conforms "
            'to the JSON schema below. As an example, for the schema {"properties": '
            '{"foo": {"type": "array"}}} the object {"foo": []} is well-formatted. The '
            'object {"properties": {"foo": []}} is not well-formatted.\n\nHere is the '
            f"output schema:\n```\n{UNTYPED}\n```"
        ),
    ),
    "the schemas of the members alone": (
        (
            'Provide your output as a JSON containing: ["name", "age"]\nHere are the '
            'properties of each field:\n{"name": {"type": "string"}, "age": {"$ref": '
            '"#/$defs/Age"}, "$defs": {"Age": {"type": "integer"}}}'
        ),
        ASKED,
    ),
    "the schema with its braces doubled": (
        "",
        (
            f"{ASKED}\nHere's a JSON schema to follow:\n"
            f"{PERSON.replace('{', '{{').replace('}', '}}')}\nOutput a valid object."
        ),
    ),
    "an example in the system's words, beside the user's data": (
        'Return ONLY valid JSON: {"name": "Ann", "age": 1}',
        f'Known already: [{{"id": "0", "text": "Ann is 7"}}]\n\n{ASKED}',
    ),
    "quoted names before the word": (
        "",
        (
            f"{ASKED}. Return the result as a JSON with 'name' and 'age' keys. "
            "Return nothing other than JSON."
        ),
    ),
    "an example": (
        "",
        f'{ASKED}. Respond with JSON like {{"name": "Ann", "age": 1}}',
    ),
    "words for types": (
        'Return a JSON object: {"name": "string", "age": "int"}',
        ASKED,
    ),
    "lines with types": (
        'Return JSON:\n{\n\t"name": string  // of the person\n\t"age": integer\n}',
        ASKED,
    ),
    "types within a line": (
        "",
        f'Give me JSON like {{"name": string, "age": number}}: {ASKED}',
    ),
    "a type of TypeScript": (
        "interface Person { name: string; age?: number }\nReply with a JSON object.",
        ASKED,
    ),
    "names of members": ("", f"{ASKED}. Return JSON with the keys name and age."),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_json_object_fills_what_the_prompt_prints(name: str) -> None:
    system, user = PROMPTS[name]
    assert json.loads(said(user, system, {"type": "object"})) == JASON


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_alone_gets_its_json(name: str) -> None:
    system, user = PROMPTS[name]
    assert json.loads(said(user, system)) == JASON


def test_several_of_a_type_are_an_array() -> None:
    user = "Return JSON {tags: string[], name: string}. The tags are 'tea' and 'milk'."
    assert isinstance(json.loads(said(user))["tags"], list)


def test_a_tag_on_the_next_line_is_no_part_of_the_shape() -> None:
    task = '### Output:\nJSON format: { "follow_ups": ["Question 1?", "Question 2?"] }'
    chat = "### Chat History:\n<chat_history>\nUSER: Who knows Busan?\n</chat_history>"
    assert json.loads(said(f"{task}\n{chat}"))["follow_ups"][0] == "Busan"


def test_a_fence_is_written_where_it_is_asked_for() -> None:
    user = f"{ASKED}\nReturn the JSON within a ```json codeblock."
    text = said(user, f"Match this json_schema:\n{PERSON}")
    assert text.startswith("```json\n")
    assert json.loads(text.removeprefix("```json\n").removesuffix("\n```")) == JASON
    json.loads(said(user, f"Match this json_schema:\n{PERSON}", {"type": "object"}))


@pytest.mark.parametrize(
    "user", ["What is JSON?", "Tell me of the JSON format.", "Hello", "{{{{ json {"]
)
def test_a_prompt_that_prints_no_shape_is_answered_in_text(user: str) -> None:
    assert not said(user).startswith(("{", "```"))


def test_json_object_without_a_shape_is_some_object() -> None:
    assert json.loads(said("Say something in JSON.", schema={"type": "object"}))


def test_a_printed_schema_that_nothing_satisfies_is_left_aside() -> None:
    broken = '{"properties": {"a": {"type": "string", "minLength": 3, "maxLength": 1}}'
    user = f'Return JSON of this schema: {broken}, "required": ["a"]}}'
    assert isinstance(json.loads(said(user, schema={"type": "object"})), dict)


def test_names_of_members_are_no_values() -> None:
    found = json.loads(said("Return JSON with keys 'city', 'population' and 'rivers'."))
    assert list(found) == ["city", "population", "rivers"]
    assert isinstance(found["rivers"], list)
    assert "and" not in str(found)
    assert not {"city", "population", "rivers"} & {found["city"], found["population"]}


VERDICTS = """The JSON will have 2 fields: 'verdict' and 'reason'.
The 'verdict' key should STRICTLY be either 'yes', 'no', or 'borderline', which states
whether the claim holds. Return JSON with the 'verdicts' key as a list of JSON objects.
{
  "verdicts": [
    {
      "verdict": "yes"
    },
    {
      "reason": EXAMPLE,
      "verdict": "no"
    }
  ]
}

Claims:
['Paris is a city.']
"""


@pytest.mark.parametrize(
    "example", ["<why>", '"The claim "all is well" is wrong."', '"It is \\"off\\"."']
)
def test_a_judge_gets_the_verdicts_that_its_prompt_allows(example: str) -> None:
    found = json.loads(said(VERDICTS.replace("EXAMPLE", example)))
    assert list(found) == ["verdicts"]
    assert found["verdicts"]
    for one in found["verdicts"]:
        assert set(one) == {"verdict", "reason"}
        assert one["verdict"] in {"yes", "no", "borderline"}


def test_no_sign_and_no_key_of_an_example_is_told() -> None:
    """As prompts print them that ask for key words (LightRAG)."""
    asked = (
        'Where does "Marie Curie" work? Begin with "{" and end with "}", as in '
        '"high_level_keywords": ["trade"], "low_level_keywords" : ["coins"].'
    )
    items = {"type": "array", "items": {"type": "string"}, "maxItems": 9}
    schema = {"type": "object", "properties": {"a": items}, "required": ["a"]}
    told = json.loads(said(asked, "", schema))["a"]
    assert told == ["Marie Curie", "trade", "coins"]
