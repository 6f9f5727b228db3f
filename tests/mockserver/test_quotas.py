"""Quotas, queues and speeds: what a loaded service does to its clients."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from asking import PATH, saying, stalled
from plain_http import Client, Reply

from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.mockserver.faults.pacing import SPEEDS, Pacing
from aios_conformance.mockserver.faults.quotas import OverQuota, Quota, Quotas
from aios_conformance.mockserver.options import read_options
from aios_conformance.serving.options import OptionError


def chat(mock: LocalMock, key: str = "a", **members: Any) -> Reply:
    headers = {"Authorization": f"Bearer {key}"}
    return Client(mock.url).post(PATH, saying("hello", **members), **headers)


def test_a_key_that_asks_too_often_is_told_when_to_come_again() -> None:
    with local_mock("--rpm", "2") as mock:
        first, second, third = (chat(mock) for _ in range(3))
        assert (first.status, second.status, third.status) == (200, 200, 429)
        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert third.headers["x-ratelimit-remaining-requests"] == "0"
        assert third.json()["error"]["type"] == "rate_limit_error"
        assert third.json()["error"]["code"] == "rate_limit_exceeded"
        assert "2 requests a minute" in third.json()["error"]["message"]
        wait = int(third.headers["retry-after-ms"])
        assert 29_000 < wait <= 30_000
        assert int(third.headers["retry-after"]) == 30
        assert chat(mock, "b").status == 200
        assert Client(mock.url).get("/v1/models").status == 200
        mock.reset()
        assert chat(mock, stream=True).headers["x-ratelimit-remaining-requests"] == "1"


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_count_as_the_answer_says(stream: bool) -> None:
    with local_mock("--tpm", "100000") as mock:
        body: dict[str, Any] = {"stream": stream, "max_tokens": 50_000}
        if stream:
            body["stream_options"] = {"include_usage": True}
        answer = chat(mock, **body)
        used = (answer.chunks()[-1] if stream else answer.json())["usage"]
        after = chat(mock, max_tokens=1)
        left = 100_000 - used["total_tokens"] - after.json()["usage"]["total_tokens"]
        remaining = int(after.headers["x-ratelimit-remaining-tokens"])
        assert left <= remaining < left + 5_000  # what a second or two fills again
        large = chat(mock, max_tokens=100_001)
        assert large.status == 429
        assert "retry-after" not in large.headers
        assert "waiting is no help" in large.json()["error"]["message"]
        assert chat(mock, max_tokens=-1).status == 422


class Asking:
    """As much of a request as quotas look at."""

    def __init__(self, size: int = 40, **body: Any) -> None:
        self.headers = {"api-key": "x"}
        self.raw = bytes(size)
        self.body = body


def test_the_time_to_wait_is_exact() -> None:
    time = 100.0
    quotas = Quotas(Quota(3, 300, 60.0), lambda: time)
    asking: Any = Asking(max_tokens=90)

    def waits() -> float:
        with pytest.raises(OverQuota) as refused:
            quotas.take(asking)
        return int(refused.value.headers["retry-after-ms"]) / 1000

    taken = [quotas.take(asking) for _ in range(3)]
    assert waits() == 20.0  # a request each 20 seconds, a hundred tokens too
    taken[0].settle(10)
    time += 19.9
    assert waits() == pytest.approx(0.1)
    time += 0.1
    taken.append(quotas.take(asking))
    assert taken[-1].headers()["x-ratelimit-reset-requests"] == "1m0s"
    assert taken[-1].headers()["x-ratelimit-remaining-tokens"] == "90"
    time += 20
    quotas.take(asking).settle(700)
    time += 20
    assert waits() == 102.0  # 510 tokens are owed by now, but 100 a request
    time += 102.0
    quotas.take(asking)


def test_a_quota_can_be_set_and_lifted_while_it_runs() -> None:
    with local_mock() as mock:
        client = Client(mock.url)
        set_ = client.send("PUT", "/_mock/quota", {"requests": 1, "seconds": 30})
        assert set_.json() == {"requests": 1, "tokens": None, "seconds": 30}
        assert [chat(mock).status for _ in range(2)] == [200, 429]
        assert client.send("PUT", "/_mock/quota", {}).status == 200
        assert chat(mock).status == 200
        wrong: Any
        for wrong in (
            {"request": 1},
            {"tokens": 0},
            {"requests": 1.5},
            {"seconds": -1},
            [],
        ):
            assert client.send("PUT", "/_mock/quota", wrong).status == 400
        reply = client.send("PUT", "/_mock/quota", {"seconds": "x", "token": 1})
        told = reply.json()["error"]["message"]
        assert "/token: a quota knows no 'token', the nearest is 'tokens'" in told
        assert "/seconds: must be a number above 0, got 'x'" in told


@contextmanager
def place_held(mock: LocalMock) -> Iterator[None]:
    """Hold a place by a stream that never ends."""
    with stalled(mock, stream=True) as connection:
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
        yield


@pytest.mark.parametrize("status", [503, 429])
def test_who_finds_no_place_to_wait_is_refused(status: int) -> None:
    options = ["--max-running", "1", "--max-waiting", "0", "--overflow", str(status)]
    with local_mock(*options) as mock:
        with place_held(mock):
            refused = chat(mock)
            assert refused.status == status
            assert refused.json()["error"]["code"] == "queue_full"
            assert "1 requests run and 0 wait" in refused.json()["error"]["message"]
            assert refused.headers["retry-after"] == "1"
            streamed = chat(mock, stream=True)
            assert streamed.status == status
        assert answered(mock).status == 200


def answered(mock: LocalMock) -> Reply:
    """The first answer after the mock noticed that a client left."""
    while (reply := chat(mock)).status != 200:
        pass
    return reply


def test_who_waits_is_served_when_a_place_is_free() -> None:
    with local_mock("--max-running", "1") as mock, ThreadPoolExecutor() as pool:
        with place_held(mock):
            waiting = [pool.submit(chat, mock, stream=bool(n % 2)) for n in range(4)]
            while len(mock.requests) < 5:
                pass
            assert not any(one.done() for one in waiting)
        assert {one.result(10).status for one in waiting} == {200}


def test_a_speed_has_a_name() -> None:
    assert read_options(["--speed", "cpu"], {}).pacing == SPEEDS["cpu"]
    mixed = read_options(["--speed", "cpu", "--itl-ms", "0"], {"AIOS_MOCK_SEED": "7"})
    assert mixed.pacing == Pacing(SPEEDS["cpu"].ttft_ms, 0, SPEEDS["cpu"].jitter, 7)
    with pytest.raises(OptionError, match=r"knows no 'gpu', .*cpu"):
        read_options([], {"AIOS_MOCK_SPEED": "gpu"})
    with pytest.raises(OptionError, match="needs --max-running"):
        read_options(["--max-waiting", "1"], {})
