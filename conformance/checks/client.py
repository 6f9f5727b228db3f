"""The OpenAI Python client reads what was recorded (000:12, 000:13, 000:348).

Recorded bytes are replayed through the official client by an in-memory transport,
so these requirements cost no request. The client is imported when first needed.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from conformance.check import Check, Finding, Note, Witness, check
from conformance.exchange import Api, Exchange
from conformance.views import AnyAnswer

_ROWS: dict[Api, tuple[str, ...]] = {
    "chat": ("COMMON-SEM-002", "CHAT-SEM-001"),
    "completions": ("COMMON-SEM-002", "COMP-SEM-001"),
}


class _Unreadable(Exception):  # noqa: N818  a fact about the answer, not our error
    """The client returned something that its own types do not describe."""


@check("COMMON-SEM-002", "CHAT-SEM-001", "COMP-SEM-001", witness=True)
def the_openai_client_reads_it(answer: AnyAnswer) -> Iterator[Note]:
    """The official client parses whole and streamed answers without an error."""
    exchange = answer.exchange
    rows = _ROWS.get(exchange.api)
    if rows is None or exchange.expect != "accept" or not exchange.is_success:
        return
    if not isinstance(exchange.request.json, dict):
        return
    yield Witness(rows)
    problem = _problem(exchange)
    if problem:
        yield Finding(
            expected="the OpenAI client reads the answer", actual=problem, ids=rows
        )


def _problem(exchange: Exchange) -> str | None:
    """What the client says to the recorded answer; None when it reads it."""
    import openai  # noqa: PLC0415  0.9 s that only these requirements are worth

    body: dict[str, Any] = dict(exchange.request.json)
    is_stream = body.pop("stream", None) is True
    try:
        with _client(exchange) as client:
            if exchange.api == "chat":
                messages = body.pop("messages")
                answer = client.chat.completions.create(
                    model=body.pop("model"),
                    messages=messages,
                    stream=is_stream,
                    extra_body=body,
                )
            else:
                answer = client.completions.create(
                    model=body.pop("model"),
                    prompt=body.pop("prompt"),
                    stream=is_stream,
                    extra_body=body,
                )
            _read(answer, is_stream=is_stream, is_chat=exchange.api == "chat")
    except (
        openai.OpenAIError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
    ) as e:
        return f"{type(e).__name__}: {e}"[:200]
    except _Unreadable as e:
        return str(e)
    return None


def _read(answer: Any, *, is_stream: bool, is_chat: bool) -> None:
    """Touch what every program touches: choices, texts, finish reasons, usage."""
    count = 0
    for part in answer if is_stream else [answer]:
        if not isinstance(part.choices, list):
            raise _Unreadable(f"choices is {type(part.choices).__name__}, not a list")
        for choice in part.choices:
            count += 1
            said = choice
            if is_chat:
                said = choice.delta if is_stream else choice.message
            text = said.content if is_chat else said.text
            if not isinstance(text, str | None):
                raise _Unreadable(f"the text is {type(text).__name__}, not a string")
            if is_chat and not is_stream:
                for call in said.tool_calls or ():
                    _ = call.function.name + call.function.arguments
            _ = choice.finish_reason
        if part.usage is not None:
            _ = part.usage.total_tokens + 0
    if not count:
        raise _Unreadable("no choice in the whole answer")


@cache
def _http() -> Any:
    """The HTTP library that the installed client stands on."""
    import openai  # noqa: PLC0415  see above

    name = openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]
    return __import__(name)


def _client(exchange: Exchange) -> Any:
    """A client whose every request gets the recorded answer."""
    import openai  # noqa: PLC0415  see above

    http = _http()
    response = exchange.response
    assert response is not None  # noqa: S101 - only successes come here
    media = response.header("content-type")
    headers = {} if media is None else {"content-type": media}

    def recorded(_: Any) -> Any:
        return http.Response(response.status, headers=headers, content=response.body)

    return openai.OpenAI(
        api_key="recorded",
        base_url="http://recorded/v1",
        max_retries=0,
        http_client=http.Client(transport=http.MockTransport(recorded)),
    )


CHECKS: tuple[Check, ...] = (the_openai_client_reads_it,)
