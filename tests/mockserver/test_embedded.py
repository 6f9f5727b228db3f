"""The mock in the loop of a test."""

import asyncio

import pytest
from openai import AsyncOpenAI, RateLimitError

from aios_conformance.mockserver.embedded import MockServer

CHAT = "meta-llama/Llama-3.3-70B-Instruct"


async def ask(mock: MockServer, text: str, **options: int) -> str | None:
    async with AsyncOpenAI(base_url=mock.base_url, api_key="any", **options) as client:  # type: ignore[arg-type]
        answer = await client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": text}]
        )
    return answer.choices[0].message.content


def test_it_serves_in_the_running_loop() -> None:
    async def run() -> None:
        async with MockServer() as mock, MockServer("--rpm", "1") as limited:
            mock.say("It rains.", text="weather")
            assert await ask(mock, "The weather?") == "It rains."
            answers = await asyncio.gather(*(ask(mock, str(n)) for n in range(5)))
            assert None not in answers
            await mock.settle()
            assert len(mock.requests) == 6
            assert {entry["status"] for entry in mock.requests} == {200}
            mock.assert_resilient()
            assert await ask(limited, "hello")
            with pytest.raises(RateLimitError):
                await ask(limited, "hello", max_retries=0)
            mock.reset()
            assert mock.requests == []

    asyncio.run(run())
