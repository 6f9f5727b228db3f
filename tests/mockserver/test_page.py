"""What the page at `/_mock/` is made of: its policy, its events, one exchange."""

import json
import re
import subprocess
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from plain_http import Client

from aios_conformance.mockserver.embedded import LocalMock, local_mock

EMBED = {"model": "sds/bge-m3", "input": 'it\'s "new" $HOME `id` <b>\nline'}
CHAT = {
    "model": "meta-llama/Llama-3.3-70B-Instruct",
    "messages": [{"role": "user", "content": "Say something."}],
    "stream": True,
}


def watching(mock: LocalMock) -> tuple[HTTPConnection, HTTPResponse]:
    line = HTTPConnection(mock.url.removeprefix("http://"), timeout=30)
    line.request("GET", "/_mock/events")
    return line, line.getresponse()


def told(answer: HTTPResponse) -> tuple[str, Any]:
    """The next event that is no comment."""
    name = ""
    while line := answer.readline().decode().rstrip("\n"):
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            answer.readline()
            return name, json.loads(value)
        elif not field:
            answer.readline()
    raise AssertionError("the events have ended")


def test_the_page_is_one_file_that_nothing_else_can_act_in(mock: LocalMock) -> None:
    reply = Client(mock.url).get("/_mock/")
    assert reply.status == 200
    head = Client(mock.url).send("HEAD", "/_mock/")
    assert (head.status, head.body) == (200, b"")
    without = Client(mock.url).get("/_mock")
    assert (without.status, without.headers["location"]) == (308, "/_mock/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    page = reply.body.decode()
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|@import", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write", page)


def test_the_page_is_for_this_machine_and_its_data_for_the_key() -> None:
    with local_mock("--api-key", "right") as mock:
        client = Client(mock.url)
        assert client.get("/_mock/").status == 200
        for path in ("events", "requests/1", "faults"):
            assert client.get(f"/_mock/{path}").status == 401
        assert client.get("/_mock/", Host="evil.test").status == 403
        crossing = {"Sec-Fetch-Site": "cross-site"}
        assert client.get("/_mock/", **crossing).status == 403
    with local_mock("--no-control") as mock:
        assert Client(mock.url).get("/_mock/").status == 404


def test_events_tell_what_was_and_what_is(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.post("/v1/embeddings", EMBED)
    line, answer = watching(mock)
    assert answer.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    assert answer.readline() == b": watching\n"
    answer.readline()
    name, (first,) = told(answer)
    assert (name, first["number"], first["status"]) == ("entries", 1, 200)
    assert (first["model"], first["over"]) == ("sds/bge-m3", True)
    assert "body" not in first
    client.post("/v1/embeddings", {**EMBED, "model": "nobody"})
    name, entries = told(answer)
    assert name == "entries"
    if not entries[-1]["over"]:
        _, entries = told(answer)
    assert (entries[-1]["number"], entries[-1]["status"]) == (2, 404)
    mock.reset()
    assert told(answer) == ("reset", {})
    line.close()


def test_an_exchange_is_told_as_it_begins_and_as_it_ends(mock: LocalMock) -> None:
    mock.rule({"fault": "stall@1"})
    stalled = HTTPConnection(mock.url.removeprefix("http://"), timeout=30)
    headers = {"Content-Type": "application/json"}
    stalled.request("POST", "/v1/chat/completions", json.dumps(CHAT), headers)
    stalled.getresponse()
    line, answer = watching(mock)
    answer.readline()
    answer.readline()
    _, (entry,) = told(answer)
    assert (entry["over"], entry["status"]) == (False, 200)
    stalled.close()
    _, (entry,) = told(answer)
    assert (entry["over"], entry["finished"]) == (True, False)
    line.close()


def test_watching_ends_with_the_mock() -> None:
    with local_mock() as mock:
        line, answer = watching(mock)
        assert answer.readline() == b": watching\n"
    answer.read()  # to a proper end
    line.close()


def test_one_exchange_comes_with_a_curl_line_that_works(mock: LocalMock) -> None:
    client = Client(mock.url)
    sent = {"Authorization": "Bearer sk-secret", "X-Mine": "it's"}
    first = client.post("/v1/embeddings", EMBED, **sent)
    entry = client.get("/_mock/requests/1").json()
    assert entry["body"] == EMBED
    assert "secret" not in entry["curl"]
    output = subprocess.run(
        ["bash", "-c", entry["curl"].replace("curl", "curl -s", 1)],
        capture_output=True,
        check=True,
    ).stdout
    assert json.loads(output)["data"] == first.json()["data"]
    repeated = client.get("/_mock/requests/2").json()
    assert repeated["body"] == EMBED
    assert repeated["headers"]["X-Mine"] == "it's"
    missing = client.get("/_mock/requests/77")
    assert missing.status == 404
    assert "'77'" in missing.json()["error"]["message"]


def test_times_of_events_are_kept_where_events_are_paced(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.post("/v1/chat/completions", CHAT)
    assert mock.requests[0]["event_ms"] == []
    with local_mock("--ttft-ms", "20", "--itl-ms", "1") as paced:
        Client(paced.url).post("/v1/chat/completions", CHAT)
        (entry,) = paced.requests
    times = entry["event_ms"]
    assert len(times) == entry["events"]
    assert times == sorted(times)
    assert times[1] >= 19


def test_exchanges_are_found_by_their_text(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.post("/v1/embeddings", {**EMBED, "input": "a Needle"})
    client.post("/v1/embeddings", EMBED)
    found = client.get("/_mock/requests?text=neeDLE&brief=true").json()["requests"]
    assert [entry["number"] for entry in found] == [1]
    assert "body" not in found[0]


def test_rules_can_be_switched_off_and_read_back(mock: LocalMock) -> None:
    client = Client(mock.url)
    rule = {"name": "no", "match": {"api": "embeddings"}, "respond": {"status": 503}}
    client.send("PUT", "/_mock/rules", {"rules": [rule]})
    assert client.post("/v1/embeddings", EMBED).status == 503
    (known,) = client.get("/_mock/rules").json()["rules"]
    assert (known["rule"], known["off"], known["used"]) == (rule, False, 1)
    client.send("PUT", "/_mock/rules", {"rules": [{**rule, "off": True}]})
    assert client.post("/v1/embeddings", EMBED).status == 200
    (known,) = client.get("/_mock/rules").json()["rules"]
    assert (known["off"], known["used"]) == (True, 0)


def test_faults_can_be_read_back(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.send("PUT", "/_mock/faults", {"faults": ["429=0.25", "cut@3"]})
    told = client.get("/_mock/faults").json()
    assert told["faults"] == ["429=0.25", "cut@3=1"]
    assert "stall" in told["kinds"]
