"""`aios-mock --workers N`: several processes that are one mock for who uses them."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from select import poll
from typing import Any

import pytest
from asking import COMMAND, started
from plain_http import Client, Reply

from aios_conformance.spec import models

JSON = {"Content-Type": "application/json"}
CHAT = "/v1/chat/completions"
MODEL = next(model.name for model in models("aios") if "lama" in model.name)
WORKERS = 3


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": text}],
        "max_completion_tokens": 5,
        **more,
    }


class Mock(Client):
    def journal(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/_mock/requests").json()["requests"]
        return found

    def put(self, name: str, value: Any) -> Reply:
        reply = self.send("PUT", f"/_mock/{name}", value)
        assert reply.status == 200, reply.body
        return reply

    def chat(self, text: str, **headers: str) -> Reply:
        return self.post(CHAT, asked(text), **headers)


@contextmanager
def working(*argv: str) -> Iterator[tuple["subprocess.Popen[str]", Mock]]:
    with started("--workers", str(WORKERS), *argv) as (process, url):
        yield process, Mock(url)


@pytest.fixture(scope="module")
def server() -> Iterator[Mock]:
    with working() as (_, mock):
        yield mock


@pytest.fixture
def mock(server: Mock) -> Mock:
    assert server.post("/_mock/reset", {}).status == 204
    return server


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text("utf-8")
    return [int(one) for one in listed.split()]


def alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def test_the_journal_is_complete_and_in_order_over_all_connections(mock: Mock) -> None:
    texts = [f"question {number}" for number in range(40)]
    for text in texts:
        assert mock.chat(text).status == 200
    journal = mock.journal()
    assert [one["body"]["messages"][0]["content"] for one in journal] == texts
    assert [one["number"] for one in journal] == [*range(1, 41)]
    assert {one["connection"] for one in journal} == {*range(1, 41)}
    assert all(one["over"] and one["finished"] for one in journal)
    assert {len(one["headers"]) for one in journal} == {4}, journal[0]["headers"]
    with ThreadPoolExecutor(8) as pool:
        replies = [*pool.map(mock.chat, texts * 8)]
    assert {reply.status for reply in replies} == {200}
    assert len({reply.json()["id"] for reply in replies}) == 320
    journal = mock.journal()
    assert [one["number"] for one in journal] == [*range(1, 361)]
    assert [one["started"] for one in journal] == sorted(
        one["started"] for one in journal
    )
    assert mock.get("/_mock/requests/360").json() == journal[-1] | {
        "curl": mock.get("/_mock/requests/360").json()["curl"]
    }
    told = mock.get("/metrics").body.decode()
    assert f'handler="{CHAT}",method="POST",status="2xx"}} 360' in told
    assert f'num_requests_running{{engine="0",model_name="{MODEL}"}} 0' in told


def test_equal_requests_have_equal_answers_from_all(mock: Mock) -> None:
    said = {mock.chat("Who are you?").json()["choices"][0]["message"]["content"]}
    for _ in range(20):
        said.add(mock.chat("Who are you?").json()["choices"][0]["message"]["content"])
    assert len(said) == 1


def test_a_head_tells_the_length_of_what_it_leaves_out(mock: Mock) -> None:
    for path in ("/v1/models", "/health"):
        head, whole = mock.send("HEAD", path), mock.get(path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.body))


def test_rules_act_on_all_at_once_and_count_exactly(mock: Mock) -> None:
    with ThreadPoolExecutor(8) as pool:
        for times in (1, 7, 15):
            rule = {"times": times, "respond": {"status": 429}}
            mock.put("rules", {"rules": [rule, {"respond": {"text": "Planted."}}]})
            statuses = [each.status for each in pool.map(mock.chat, ["hello"] * 40)]
            assert (statuses.count(429), statuses.count(200)) == (times, 40 - times)
            assert b"Planted." in mock.chat("hello").body
            (first, second) = mock.get("/_mock/rules").json()["rules"]
            assert (first["used"], second["used"]) == (times, 41 - times)
    turns = [{"text": f"turn {number}"} for number in range(12)]
    mock.put("rules", {"rules": [{"respond": turns}]})
    said = [
        mock.chat("hello").json()["choices"][0]["message"]["content"]
        for _ in range(len(turns))
    ]
    assert said == [turn["text"] for turn in turns]
    mock.put("rules", {"rules": []})
    assert b"turn" not in mock.chat("hello").body


def test_a_quota_is_exact_over_all(mock: Mock) -> None:
    mock.put("quota", {"requests": 11, "seconds": 3600})
    with ThreadPoolExecutor(8) as pool:
        replies = [*pool.map(mock.chat, ["hello"] * 40)]
    statuses = [reply.status for reply in replies]
    assert (statuses.count(200), statuses.count(429)) == (11, 29)
    left = {reply.headers["x-ratelimit-remaining-requests"] for reply in replies}
    assert left == {str(number) for number in range(11)}
    mock.put("quota", {})
    assert mock.chat("hello").status == 200


def test_faults_and_defects_and_what_a_request_asks_for(mock: Mock) -> None:
    mock.put("faults", {"faults": ["503=0.5"]})
    first = [mock.chat("hello").status for _ in range(20)]
    assert set(first) == {200, 503}
    mock.post("/_mock/reset", {})
    assert mock.journal() == []
    mock.put("faults", {"faults": ["503=0.5"]})
    assert [mock.chat("hello").status for _ in range(20)] == first
    mock.put("faults", {"faults": []})
    mock.put("defects", {"defects": ["rerank_unsorted_beyond_three"]})
    assert mock.journal() == []
    body = {"model": "sds/bge-m3", "query": "a b", "documents": [*"cadbe"]}
    for _ in range(6):
        assert mock.post("/v1/rerank", body).status == 200
    assert mock.get("/_mock/defects").json()["acts"] == {
        "rerank_unsorted_beyond_three": 6
    }
    mock.post("/_mock/reset", {})
    statuses = [mock.chat("hello", **{"X-Mock-Status": "418"}).status for _ in range(9)]
    assert statuses == [418] * 9
    assert [one["fault"] for one in mock.journal()] == ["418"] * 9


@pytest.mark.parametrize("planted", [False, True])
def test_streams_are_whole_or_broken_as_by_one_process(
    mock: Mock, *, planted: bool
) -> None:
    whole = mock.post(CHAT, asked("Tell me", stream=True))
    assert whole.chunks()
    if planted:  # so that the parent answers
        mock.put("faults", {"faults": ["cut@2"]})
    headers = {} if planted else {"X-Mock-Fault": "cut@2"}
    for stream in (True, False):
        with pytest.raises((ConnectionError, ValueError, HTTPException)):
            mock.post(CHAT, asked("Tell me", stream=stream), **headers).json()
    if planted:
        mock.put("faults", {"faults": ["drop"]})
        with pytest.raises(ConnectionError):
            mock.get("/v1/models")
    journal = [one for one in mock.journal() if one["path"] == CHAT]
    assert [one["finished"] for one in journal] == [True, False, False]
    assert [one["fault"] for one in journal] == [None, "cut@2", "cut@2"]
    assert journal[0]["response"] == whole.body.decode()
    assert journal[0]["events"] == whole.body.count(b"data: ")


def test_a_stream_under_way_is_told_of_and_then_told_as_left(mock: Mock) -> None:
    where = mock.url.removeprefix("http://").split(":")
    body = json.dumps(asked("Tell me", stream=True))
    lines = [HTTPConnection(where[0], int(where[1]), timeout=30) for _ in range(4)]
    for line in lines:
        line.request("POST", CHAT, body, {"X-Mock-Fault": "stall"} | JSON)
        assert line.getresponse().fp.readline()
    journal = mock.journal()
    assert [(one["number"], one["over"]) for one in journal] == [
        (number, False) for number in (1, 2, 3, 4)
    ]
    running = f'num_requests_running{{engine="0",model_name="{MODEL}"}} '
    assert f"{running}4" in mock.get("/metrics").body.decode()
    for line in lines:
        line.sock.shutdown(socket.SHUT_RDWR)
        line.close()
    journal = mock.journal()
    while not all(one["over"] for one in journal):
        journal = mock.journal()
    assert [one["finished"] for one in journal] == [False] * 4
    assert f"{running}0" in mock.get("/metrics").body.decode()


def test_who_watches_sees_what_happens_anywhere(mock: Mock) -> None:
    where = mock.url.removeprefix("http://").split(":")
    line = HTTPConnection(where[0], int(where[1]), timeout=30)
    line.request("GET", "/_mock/events")
    events = line.getresponse()
    for number in range(9):
        mock.chat(f"question {number}")
    seen: set[int] = set()
    while seen != {*range(1, 10)}:
        told = events.readline()
        if told.startswith(b"data: ["):
            seen.update(one["number"] for one in json.loads(told[6:]) if one["over"])
    line.close()


def test_the_verdict_is_one(mock: Mock) -> None:
    for _ in range(12):
        mock.post(CHAT, {"model": MODEL})
    rules = {one["name"]: one for one in mock.get("/_mock/verdict").json()["rules"]}
    assert rules["refusals-are-final"]["verdict"] == "fail"
    assert rules["connections-are-reused"]["verdict"] == "warn"
    assert rules["connections-do-not-pile-up"]["verdict"] != "fail"


def test_strangers_are_refused_by_all(mock: Mock) -> None:
    for _ in range(6):
        assert mock.get("/_mock/requests", Host="evil.example").status == 403


def test_one_tape(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    texts = [f"question {number}" for number in range(12)]
    with (
        working() as (_, real),
        working("--replay", str(tape), "--record", real.url) as (_, mock),
    ):
        with ThreadPoolExecutor(6) as pool:
            replies = {text: mock.chat(text) for text in texts}
            again = [*pool.map(mock.chat, texts)]
        assert [one.body for one in again] == [one.body for one in replies.values()]
        assert len(real.journal()) == len(texts)
        assert len(tape.read_text("utf-8").splitlines()) == len(texts)
        assert all(one["replayed"] for one in mock.journal())


def test_places_are_those_of_all() -> None:
    with working("--max-running", "1", "--max-waiting", "0", "--ttft-ms", "2000") as (
        _,
        mock,
    ):
        with ThreadPoolExecutor(6) as pool:
            statuses = [one.status for one in pool.map(mock.chat, ["hello"] * 6)]
        assert sorted(statuses) == [200, 503, 503, 503, 503, 503]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_together_when_told_to(number: signal.Signals) -> None:
    with working() as (process, mock):
        workers = children(process.pid)
        assert len(workers) == WORKERS
        mock.chat("hello")
        process.send_signal(number)
        errors = process.communicate(timeout=120)[1]
        assert (process.returncode, errors) == (0, "")
        assert not any(map(alive, workers))


def test_a_dead_worker_ends_all_and_is_told_of() -> None:
    with working() as (process, _):
        workers = children(process.pid)
        os.kill(workers[1], signal.SIGKILL)
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 1
        assert errors == (
            f"aios-mock: worker 2 (process {workers[1]}) ended by signal 9\n"
        )
        assert not any(map(alive, workers))


def test_workers_do_not_outlive_a_parent_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with working() as (process, _):
        assert len([*tmp_path.iterdir()]) == 1
        pipes = [os.pidfd_open(one) for one in children(process.pid)]
        process.kill()
        for one in pipes:
            waiting = poll()
            waiting.register(one)
            assert waiting.poll(120_000)
            os.close(one)
    assert [*tmp_path.iterdir()] == []


def test_a_port_that_is_taken_is_not_shared() -> None:
    with working() as (_, mock):
        port = mock.url.rpartition(":")[2]
        done = subprocess.run(
            [*COMMAND, "--workers", "2", "--port", port],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 4
        assert "Address already in use" in done.stderr


@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5"])
def test_nonsense_is_refused(command: Any, number: str) -> None:
    done = command("--workers", number)
    assert done.returncode == 4
    assert "argument --workers: must be" in done.stderr
