"""`/metrics`, read as Prometheus reads it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from asking import ASK, CHAT, served
from prometheus_client.parser import text_string_to_metric_families

from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.options import read_options
from aios_conformance.serving.meter import Histogram, Meter

Labels = Mapping[str, str]


def told(client: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    reply = client.get("/metrics", Accept="application/openmetrics-text, */*;q=0.1")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4;")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def value(found: Any, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels."""
    return sum(
        float(number)
        for (sample, its), number in found.items()
        if sample == name and labels.items() <= its
    )


def test_answers_are_counted_by_model_and_end(running: Any) -> None:
    with served(running) as client:
        body = {**ASK, "n": 2, "max_tokens": 3}
        usage = [client.post("/v1/chat/completions", body).json()["usage"]] * 3
        for _ in range(2):  # from memory as well
            client.post("/v1/chat/completions", body)
        options = {"stream": True, "stream_options": {"include_usage": True}}
        stream = client.post("/v1/chat/completions", {**ASK, **options})
        usage.append(stream.chunks()[-1]["usage"])
        client.post("/v1/embeddings", {"model": "sds/bge-m3", "input": "a"})
        client.post("/v1/chat/completions", {})
        client.get("/nowhere")
        found = told(client)
    for name, member in (
        ("vllm:prompt_tokens_total", "prompt_tokens"),
        ("vllm:generation_tokens_total", "completion_tokens"),
    ):
        expected = sum(one[member] for one in usage)
        assert value(found, name, model_name=CHAT) == expected
    ended = "vllm:request_success_total"
    assert value(found, ended, model_name=CHAT, finished_reason="length") == 6
    assert value(found, ended, model_name=CHAT, finished_reason="stop") == 1
    assert value(found, ended, model_name="sds/bge-m3") == 1
    for name in ("e2e_request_latency", "time_to_first_token"):
        count = f"vllm:{name}_seconds_count"
        assert value(found, count, model_name=CHAT) == 4
    assert value(found, "vllm:inter_token_latency_seconds_count") == 1
    paths = "http_requests_total"
    chat = {"handler": "/v1/chat/completions", "method": "POST"}
    assert value(found, paths, **chat, status="2xx") == 4
    assert value(found, paths, **chat, status="4xx") == 1
    assert value(found, paths, handler="none", status="4xx") == 1
    assert value(found, "vllm:num_requests_running") == 0


@pytest.mark.parametrize("stream", [False, True])
def test_what_runs_and_what_waits_is_told_while_it_does(
    running: Any, stream: bool
) -> None:
    with served(running, "--max-running", "1", "--itl-ms", "60000") as client:

        async def look() -> None:
            async with aiohttp.ClientSession(client.url) as session:
                body = {**ASK, "stream": stream}

                async def ask() -> None:
                    path = "/v1/chat/completions"
                    async with session.post(path, json=body) as answer:
                        await answer.read()

                asked = [asyncio.create_task(ask()) for _ in range(3)]
                seen = (0.0, 0.0)
                while seen != (1.0, 2.0):
                    found = await asyncio.to_thread(told, client)
                    seen = (
                        value(found, "vllm:num_requests_running", model_name=CHAT),
                        value(found, "vllm:num_requests_waiting", model_name=CHAT),
                    )
                assert value(found, "vllm:kv_cache_usage_perc", model_name=CHAT) == 1
                for one in asked:
                    one.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
            while value(found, "vllm:request_success_total") != 3:
                found = await asyncio.to_thread(told, client)
            assert value(found, "vllm:num_requests_running") == 0

        asyncio.run(asyncio.wait_for(look(), 20))


def test_a_reset_begins_anew_and_nothing_of_it_is_in_the_journal(running: Any) -> None:
    with served(running) as client:
        client.post("/v1/chat/completions", {**ASK, "max_tokens": 1})
        assert value(told(client), "vllm:generation_tokens_total") == 1
        entries = client.get("/_mock/requests").json()["requests"]
        assert [entry["path"] for entry in entries] == ["/v1/chat/completions"]
        client.post("/_mock/reset", {})
        assert value(told(client), "vllm:generation_tokens_total") == 0


def test_odd_answers_of_rules_do_no_harm(running: Any) -> None:
    odd: Any = ([], {"usage": 3}, {"usage": {"total_tokens": "x"}, "choices": [1, {}]})
    app = mock_application(read_options([], {}))
    with running(app) as client:
        for answer in odd:
            rule = {"respond": {"json": answer}}
            raw = json.dumps({"rules": [rule]}).encode()
            assert client.send("PUT", "/_mock/rules", raw).status == 200
            assert client.post("/v1/chat/completions", ASK).json() == answer
        found = told(client)
        assert value(found, "vllm:request_success_total", model_name=CHAT) == 3
        assert value(found, "vllm:generation_tokens_total") == 0


def test_a_histogram_counts_up_to_each_end() -> None:
    histogram = Histogram((1.0, 2.0))
    for number in (0.5, 1.0, 1.5, 7):
        histogram.observe(number)
    assert histogram.buckets() == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]
    assert histogram.sum == 10


def test_names_without_end_fill_no_memory() -> None:
    meter = Meter()
    for number in range(3_000):
        exchange = Exchange(number, 0.0, f"M{number}", f"/{number}", {})
        exchange.model = str(number)
        meter.note(exchange)
    assert len(meter.models) <= 1_001
    assert len(meter.answered) == 1
