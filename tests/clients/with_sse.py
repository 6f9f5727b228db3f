"""Parsers of server-sent events, on streams that are cut in odd ways."""

import json
import os
from collections.abc import Iterable

import httpx
import pytest
import requests
import sseclient
from httpx_sse import connect_sse

URL = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
BODY = {
    "model": "meta-llama/Llama-3.3-70B-Instruct",
    "messages": [{"role": "user", "content": "Name a colour."}],
}
STREAM = {**BODY, "stream": True}
ODD = ["", "crlf", "ping", "split", "merge", "dribble", "no-space"]


def whole() -> str:
    answer = httpx.post(URL, json=BODY).json()
    return str(answer["choices"][0]["message"]["content"])


def joined(events: Iterable[str]) -> str:
    *chunks, last = events
    assert last == "[DONE]"
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.parametrize("fault", ODD)
def test_httpx_sse(fault: str) -> None:
    headers = {"X-Mock-Fault": fault} if fault else {}
    with (
        httpx.Client() as client,
        connect_sse(client, "POST", URL, json=STREAM, headers=headers) as source,
    ):
        assert joined(event.data for event in source.iter_sse()) == whole()


@pytest.mark.parametrize("fault", ODD)
def test_sseclient(fault: str) -> None:
    headers = {"X-Mock-Fault": fault} if fault else {}
    with requests.post(
        URL, json=STREAM, headers=headers, stream=True, timeout=60
    ) as answer:
        events = sseclient.SSEClient(answer).events()
        assert joined(event.data for event in events) == whole()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_client_that_takes_compressed_answers(coding: str) -> None:
    answer = requests.post(
        URL, json=BODY, headers={"Accept-Encoding": coding}, timeout=60
    )
    assert answer.json()["choices"][0]["message"]["content"] == whole()
