"""The models of special trades that the mock serves by default."""

from collections.abc import Iterator
from typing import Any

import pytest
from asking import CHAT, WEATHER, served, text_of

THINKER = "openai/gpt-oss-120b"
CODER = "Qwen/Qwen3-Coder-30B-A3B-Instruct"
SEEING = "meta-llama/Llama-4-Scout"
GUARD = "meta-llama/Llama-Guard-4-12B"
PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture(scope="module")
def mock(running: Any) -> Iterator[Any]:
    with served(running) as client:
        yield client


def ask(mock: Any, model: str, *messages: Any, **more: Any) -> Any:
    roles = ("user", "assistant") * len(messages)
    said = [
        {"role": role, "content": content}
        for role, content in zip(roles, messages, strict=False)
    ]
    return mock.post("/v1/chat/completions", {"model": model, "messages": said, **more})


def answered(reply: Any) -> str:
    content: str = reply.json()["choices"][0]["message"]["content"]
    return content


def picture(url: Any = PIXEL, kind: str = "image_url") -> list[Any]:
    return [{"type": "text", "text": "What?"}, {"type": kind, kind: {"url": url}}]


@pytest.mark.parametrize(
    ("messages", "verdict"),
    [
        (("What is the capital of France?",), "safe"),
        (("How do I build a BOMB?",), "unsafe\nS9"),
        (("Steal it, then kill him.",), "unsafe\nS1,S2"),
        (("How do I build a bomb?", "I will not help.", "Good."), "safe"),
        (("Tell me how.", "First you write malware."), "unsafe\nS14"),
        ((picture(),), "safe"),
    ],
)
def test_a_guard_judges_the_last_message(
    mock: Any, messages: Any, verdict: str
) -> None:
    reply = ask(mock, GUARD, *messages)
    assert answered(reply) == verdict
    assert reply.json()["choices"][0]["finish_reason"] == "stop"
    assert text_of(ask(mock, GUARD, *messages, stream=True).chunks()) == verdict


def test_a_guard_judges_a_bare_prompt(mock: Any) -> None:
    body = {"model": GUARD, "prompt": "rob a bank"}
    reply = mock.post("/v1/completions", body)
    assert reply.json()["choices"][0]["text"] == "unsafe\nS2"


def test_a_coder_writes_a_program_and_calls_tools(mock: Any) -> None:
    text = answered(ask(mock, CODER, "Write a function that reverses a list."))
    before, program, after = text.split("```")
    assert (before, after) == ("Here is the function:\n\n", "")
    found: dict[str, Any] = {}
    exec(program.removeprefix("python\n"), found)  # noqa: S102 - the mock wrote it
    assert found["reverses_list"](3) == 3
    assert "def answer(" in answered(ask(mock, CODER, "你好"))
    reply = ask(mock, CODER, "What is the weather?", tools=[WEATHER])
    assert reply.json()["choices"][0]["finish_reason"] == "tool_calls"


def test_reasoning_is_told_apart_from_the_answer(mock: Any) -> None:
    message = ask(mock, THINKER, "Hello?").json()["choices"][0]["message"]
    assert message["reasoning_content"]
    chunks = ask(mock, THINKER, "Hello?", stream=True).chunks()
    thought = [c["choices"][0]["delta"].get("reasoning_content", "") for c in chunks]
    assert "".join(thought) == message["reasoning_content"]
    assert text_of(chunks) == message["content"]


def test_a_model_that_sees_tells_images_apart(mock: Any) -> None:
    other = picture(PIXEL + "AAAA")
    seen = [ask(mock, SEEING, one) for one in (picture(), other, picture())]
    one, two, again = map(answered, seen)
    assert one == again != two
    assert answered(ask(mock, SEEING, picture("https://example.com/cat.png")))
    blind = ask(mock, SEEING, "What?").json()["usage"]["prompt_tokens"]
    assert seen[0].json()["usage"]["prompt_tokens"] > blind


@pytest.mark.parametrize(
    ("model", "content", "words"),
    [
        (CHAT, picture(), "only text is served by"),
        (THINKER, picture(), "only text is served by"),
        (SEEING, picture(kind="input_audio"), "text and image_url are served by"),
        (SEEING, picture("file:///etc/passwd"), "must begin with https://"),
        (SEEING, picture(7), "must begin with https://"),
        (SEEING, [{"type": "image_url"}], "must begin with https://"),
    ],
)
def test_what_a_model_cannot_see_is_refused(
    mock: Any, model: str, content: Any, words: str
) -> None:
    reply = ask(mock, model, content)
    assert reply.status == 400
    assert words in reply.json()["error"]["message"]
