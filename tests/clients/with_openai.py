"""The OpenAI client of Python: each kind of answer, whole, streamed and refused."""

import asyncio
import math
import os

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
CITY = [{"role": "user", "content": "What is the weather in Paris?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
client = OpenAI(max_retries=0)
VLLM = os.environ.get("MOCK_PROFILE") == "vllm"
INVALID = openai.BadRequestError if VLLM else openai.UnprocessableEntityError


def test_models_are_listed() -> None:
    assert CHAT in [model.id for model in client.models.list()]


def test_a_chat_has_text_and_usage() -> None:
    answer = client.chat.completions.create(model=CHAT, messages=CITY, n=2, seed=1)
    assert all(choice.message.content for choice in answer.choices)
    assert answer.usage.total_tokens > answer.usage.prompt_tokens > 0


def test_a_stream_joins_to_the_whole() -> None:
    asked = {"model": CHAT, "messages": CITY, "seed": 1}
    whole = client.chat.completions.create(**asked)
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options=options)
    )
    texts = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(texts) == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_log_probabilities_are_those_of_the_tokens() -> None:
    answer = client.chat.completions.create(
        model=CHAT, messages=CITY, logprobs=True, top_logprobs=5, max_tokens=8
    )
    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == answer.usage.completion_tokens
    assert all(
        sum(math.exp(t.logprob) for t in tok.top_logprobs) <= 1 for tok in tokens
    )


def test_tools_are_called_and_their_results_taken() -> None:
    first = client.chat.completions.create(model=CHAT, messages=CITY, tools=[TOOL])
    (call,) = first.choices[0].message.tool_calls
    assert call.function.arguments == '{"city": "Paris"}'
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain, 12 degrees"}
    talk = [*CITY, first.choices[0].message, result]
    last = client.chat.completions.create(model=CHAT, messages=talk, tools=[TOOL])
    assert "rain" in last.choices[0].message.content


def test_a_streamed_tool_call_is_joined_by_the_client() -> None:
    with client.chat.completions.stream(
        model=CHAT, messages=CITY, tools=[TOOL], tool_choice="required"
    ) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert final.choices[0].finish_reason == "tool_calls"


def test_an_answer_is_parsed_into_a_model() -> None:
    class Place(BaseModel):
        city: str
        population: int

    answer = client.chat.completions.parse(
        model=CHAT, messages=CITY, response_format=Place
    )
    assert isinstance(answer.choices[0].message.parsed, Place)


@pytest.mark.parametrize("prompt", ["One day", ["a", "b"], [9906, 1917]])
def test_completions_take_texts_and_token_ids(prompt: object) -> None:
    answer = client.completions.create(model=CHAT, prompt=prompt, max_tokens=5)
    assert all(choice.text for choice in answer.choices)


def test_a_token_of_the_real_vocabulary_can_be_biased() -> None:
    answer = client.chat.completions.create(
        model=CHAT, messages=CITY, logit_bias={"50256": -100}
    )
    assert answer.choices[0].message.content


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_come_as_numbers_and_as_bytes(encoding: str) -> None:
    plain = client.embeddings.create(model="sds/bge-m3", input=["a", "b"])
    answer = client.embeddings.create(
        model="sds/bge-m3", input=["a", "b"], encoding_format=encoding
    )
    assert len(plain.data[1].embedding) == 1024
    assert len(answer.data) == 2


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"model": "none"}, openai.NotFoundError),
        ({"top_p": 9}, INVALID),
        ({"extra_headers": {"X-Mock-Status": "429"}}, openai.RateLimitError),
        ({"extra_headers": {"X-Mock-Status": "500"}}, openai.InternalServerError),
        ({"extra_headers": {"X-Mock-Fault": "drop"}}, openai.APIConnectionError),
    ],
)
def test_refusals_become_the_clients_own_errors(wrong: dict, error: type) -> None:
    with pytest.raises(error):
        client.chat.completions.create(**{"model": CHAT, "messages": CITY} | wrong)


def test_the_asynchronous_client_streams() -> None:
    async def ask() -> str:
        async with AsyncOpenAI(max_retries=0) as other:
            stream = await other.chat.completions.create(
                model=CHAT, messages=CITY, stream=True
            )
            return "".join([c.choices[0].delta.content or "" async for c in stream])

    assert asyncio.run(ask())
