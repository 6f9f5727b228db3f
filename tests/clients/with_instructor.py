"""Instructor: a model of pydantic filled by each of its modes."""

from collections.abc import Iterable

import instructor
import pytest
from openai import OpenAI
from pydantic import BaseModel, Field

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
TALK = [{"role": "user", "content": 'Anna is 31 years old and lives in "Paris".'}]


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0, le=150)


MODES = [
    instructor.Mode.TOOLS,
    instructor.Mode.JSON,
    instructor.Mode.JSON_SCHEMA,
    instructor.Mode.MD_JSON,
]


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_model_is_filled(mode: instructor.Mode) -> None:
    client = instructor.from_openai(OpenAI(), mode=mode)
    person = client.chat.completions.create(
        model=CHAT, messages=TALK, response_model=Person, max_retries=0
    )
    assert person.age == 31


def test_a_model_is_filled_while_it_streams() -> None:
    client = instructor.from_openai(OpenAI(), mode=instructor.Mode.TOOLS)
    parts = list(
        client.create_partial(model=CHAT, messages=TALK, response_model=Person)
    )
    assert parts[-1].age == 31


def test_several_are_filled() -> None:
    client = instructor.from_openai(OpenAI(), mode=instructor.Mode.TOOLS)
    found = list(
        client.create_iterable(model=CHAT, messages=TALK, response_model=Person)
    )
    assert all(isinstance(each, Person) for each in found)


class Weather(BaseModel):
    """The weather of a place."""

    location: str


class Search(BaseModel):
    """A search in the web."""

    query: str


def test_tools_are_called_side_by_side() -> None:
    client = instructor.from_openai(OpenAI(), mode=instructor.Mode.PARALLEL_TOOLS)
    asked = "What is the weather in Toronto? And search who won the super bowl."
    found = client.chat.completions.create(
        model=CHAT,
        messages=[{"role": "user", "content": asked}],
        response_model=Iterable[Weather | Search],
    )
    weather, search = found
    assert weather.location == "Toronto"
    assert "super bowl" in search.query
