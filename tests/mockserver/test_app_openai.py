"""The OpenAI client reads every answer of the mock, whole and streamed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asking import ASK, CHAT, served, tool
from openai import AsyncOpenAI, NotFoundError, UnprocessableEntityError

from aios_conformance.mockserver.announcement import said
from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.options import read_options

MESSAGES: Any = ASK["messages"]
TOOLS: Any = [tool("get_weather", city={"type": "string"})]


@pytest.fixture(scope="module")
def url(running: Any) -> Iterator[str]:
    with served(running) as client:
        yield client.url + "/v1"


def ask(url: str, question: Any) -> Any:
    async def run() -> Any:
        async with AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as client:
            return await question(client)

    return asyncio.run(run())


def test_chat_whole(url: str) -> None:
    answer = ask(
        url,
        lambda client: client.chat.completions.create(
            model=CHAT, messages=MESSAGES, n=2, logprobs=True, top_logprobs=2
        ),
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].message.content
    assert len(answer.choices[0].logprobs.content[0].top_logprobs) == 2
    assert answer.usage.total_tokens > answer.usage.prompt_tokens


def test_chat_streamed(url: str) -> None:
    async def read(client: AsyncOpenAI) -> Any:
        stream = await client.chat.completions.create(
            model=CHAT,
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk async for chunk in stream]

    *chunks, last = ask(url, read)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    whole = ask(
        url,
        lambda client: client.chat.completions.create(model=CHAT, messages=MESSAGES),
    )
    assert text == whole.choices[0].message.content
    assert last.usage == whole.usage
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_tool_calls_streamed(url: str) -> None:
    async def read(client: AsyncOpenAI) -> Any:
        async with client.chat.completions.stream(
            model=CHAT, messages=MESSAGES, tools=TOOLS, tool_choice="required"
        ) as stream:
            return await stream.get_final_completion()

    (choice,) = ask(url, read).choices
    (call,) = choice.message.tool_calls
    assert call.function.name == "get_weather"
    assert call.function.arguments.startswith("{")
    assert choice.finish_reason == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_completions(url: str, stream: bool) -> None:
    async def read(client: AsyncOpenAI) -> Any:
        answer: Any = await client.completions.create(
            model=CHAT, prompt="One day", echo=True, logprobs=2, stream=stream
        )
        chunks = [chunk async for chunk in answer] if stream else [answer]
        return "".join(chunk.choices[0].text for chunk in chunks)

    assert ask(url, read).startswith("One day")


def test_embeddings_in_the_clients_default_form(url: str) -> None:
    answer = ask(
        url,
        lambda client: client.embeddings.create(model="sds/bge-m3", input=["a", "b"]),
    )
    assert [len(one.embedding) for one in answer.data] == [1024, 1024]
    assert answer.data[0].embedding != answer.data[1].embedding


def test_models(url: str) -> None:
    async def read(client: AsyncOpenAI) -> Any:
        return [model.id async for model in client.models.list()]

    assert CHAT in ask(url, read)


def test_errors_are_typed(url: str) -> None:
    with pytest.raises(NotFoundError) as unknown:
        ask(
            url,
            lambda client: client.chat.completions.create(
                model="none", messages=MESSAGES
            ),
        )
    assert unknown.value.code == "model_not_found"
    with pytest.raises(UnprocessableEntityError) as invalid:
        ask(
            url,
            lambda client: client.chat.completions.create(
                model=CHAT, messages=MESSAGES, temperature=1.5
            ),
        )
    assert invalid.value.param == "temperature"
    assert "at most 1" in str(invalid.value)


@pytest.mark.parametrize("key", [None, "secret"])
def test_the_program_that_is_printed_at_the_start_runs(
    running: Any, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    options = read_options(["--api-key", key] if key else [], {})
    monkeypatch.setenv("AIOS_API_KEY", key or "")
    with running(mock_application(options)) as client:
        lines = said(options, client.url).splitlines()
        program = "\n".join(line.strip() for line in lines if line.startswith(" "))
        shown: list[str] = []
        exec(program, {"print": lambda answer: shown.append(answer.choices)})  # noqa: S102 - our own
        assert shown
