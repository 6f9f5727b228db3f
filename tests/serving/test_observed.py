"""What is told of requests: metrics, and lines without content."""

import json
from typing import Any

import pytest

from aios_conformance.serving.app import application
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.meter import Meter
from aios_conformance.serving.observed import metrics, observed, observer
from aios_conformance.serving.stages import Stages

ASKED = "the launch code"
CHAT = {"model": "chat", "messages": [{"role": "user", "content": ASKED}]}


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def client(
    running: Any, contract: Any, make_engine: Any, lines: list[str], end: Any
) -> Any:
    engine = make_engine(lambda *_: [b"a", b"b", end])
    meter = Meter()
    front = Front(engine, contract, by_name(engine))
    app = application(
        front, observed(Stages(), meter), middlewares=[observer(meter, lines.append)]
    )
    app.router.add_get("/metrics", metrics(meter, ["chat"], 8))
    with running(app) as client:
        yield client


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_a_line_without_its_content(
    client: Any, lines: list[str], stream: bool
) -> None:
    answer = client.post("/v1/chat/completions", CHAT | {"stream": stream})
    assert answer.status == 200
    (line,) = lines
    told = json.loads(line)
    assert told["id"].startswith("chatcmpl-")
    assert (told["model"], told["status"], told["stream"]) == ("chat", 200, stream)
    assert told["finish_reasons"] == ["stop"]
    assert told["completion_tokens"] == 3
    assert told["prompt_tokens"] >= len(ASKED)
    assert told["seconds"] >= (told["first_byte_seconds"] or 0) >= 0
    assert (told["first_byte_seconds"] is not None) == stream
    assert ASKED not in line


def test_a_refusal_is_a_line_too(client: Any, lines: list[str]) -> None:
    client.post("/v1/chat/completions", CHAT | {"model": "none"})
    assert json.loads(lines[0])["status"] == 404


def test_metrics_count_tokens_by_model(client: Any) -> None:
    before = client.get("/metrics").body.decode()
    assert 'vllm:generation_tokens_total{engine="0",model_name="chat"} 0.0' in before
    for stream in (False, True):
        client.post("/v1/chat/completions", CHAT | {"stream": stream})
    after = client.get("/metrics").body.decode()
    assert 'vllm:generation_tokens_total{engine="0",model_name="chat"} 6.0' in after
    assert 'finished_reason="stop",model_name="chat"} 2.0' in after
    assert 'vllm:num_requests_running{engine="0",model_name="chat"} 0.0' in after
