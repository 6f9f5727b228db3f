"""The museum: every exhibit does what it says, and declares what exists."""

import gzip
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from http.client import HTTPConnection, IncompleteRead
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from chat_exhibits import CASES as CHAT
from completions_exhibits import CASES as COMPLETIONS
from dialects_exhibits import CASES as OF_DIALECTS
from dialects_exhibits import ask, hub
from encoders_exhibits import CASES as ENCODERS
from exhibit_case import Case
from exhibit_requests import Request, comp, streamed
from generation_exhibits import CASES as GENERATION
from kept_exhibits import CASES as KEPT
from plain_http import Client, Reply
from replies_exhibits import CASES as REPLIES
from said_exhibits import CASES as SAID
from sundry_exhibits import CASES as SUNDRY
from told_exhibits import CASES as TOLD
from twins_exhibits import CASES as TWINS
from wire_exhibits import CASES as WIRE

from aios_conformance import spec
from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.defects.museum import museum
from aios_conformance.mockserver.options import MockOptions
from aios_conformance.serving.run import Address

ALL = museum()
OURS = {name for name, one in ALL.items() if one.dialect == "aios"}
BUGS = [each for each in ALL.values() if not each.freedom]
FREE = [each for each in ALL.values() if each.freedom]


CASES = CHAT | COMPLETIONS | GENERATION | ENCODERS | WIRE | TOLD | SUNDRY | TWINS | SAID
CASES |= KEPT | REPLIES
UNREADABLE, CHARSET, ACCEPTED, CODED, *LEFT = (
    "sse-no-last-chunk",
    "http-charset-refused",
    "http-accepted-types-crash",
    "http-gzip-unsaid",
    "gen-after-an-abort-crashes",
    "gen-after-an-abort-is-garbled",
    "gen-after-an-abort-counts-one",
)
"""What no answer to a body shows."""

LISTED = "infinity-later-lists-are-empty"
KEYLESS = {"aigne-empty-key-is-taken": hub("a"), "aihubmix-empty-key-is-taken": ask()}
BEARER = {"Authorization": "Bearer any"}


def served(
    running: Callable[[web.Application], AbstractContextManager[Client]],
    *names: str,
    self_check: bool = False,
    dialect: str = "aios",
) -> AbstractContextManager[Client]:
    options = MockOptions(
        Address("127.0.0.1", 0),
        defects=names,
        self_check=self_check,
        dialects=(dialect,),
    )
    return running(mock_application(options))


def plant(client: Client, name: str) -> None:
    """Begin the mock anew with this exhibit; its tests say that is as a fresh one."""
    body = json.dumps({"defects": [name]}).encode()
    assert client.send("PUT", "/_mock/defects", body).status == 200


def answers(client: Client, case: Case) -> list[Reply]:
    def send(request: Request) -> Reply:
        return client.post(*request, **BEARER)

    if not case.at_once:
        return [send(request) for request in case.requests]
    with ThreadPoolExecutor(len(case.requests)) as pool:
        return list(pool.map(send, case.requests))


def test_every_exhibit_does_what_it_says(
    running: Callable[[web.Application], AbstractContextManager[Client]],
) -> None:
    assert CASES.keys() == OURS - {UNREADABLE, CHARSET, ACCEPTED, CODED, *LEFT}
    assert wrong(running, CASES) == []


@pytest.mark.parametrize("dialect", ["infinity", "aigne-hub", "aihubmix"])
def test_every_exhibit_of_a_dialect_does_what_it_says(
    running: Callable[[web.Application], AbstractContextManager[Client]], dialect: str
) -> None:
    mine = {name for name, one in ALL.items() if one.dialect == dialect}
    cases = {name: case for name, case in OF_DIALECTS.items() if name in mine}
    assert cases
    assert mine - cases.keys() - KEYLESS.keys() - {LISTED} == set()
    assert wrong(running, cases, dialect) == []


def wrong(
    running: Callable[[web.Application], AbstractContextManager[Client]],
    cases: Mapping[str, Case],
    dialect: str = "aios",
) -> list[str]:
    """Exhibits that do not show, or show where nothing is planted."""
    found = []
    with (
        served(running, dialect=dialect) as faithful,
        served(running, dialect=dialect) as broken,
    ):
        for name, case in cases.items():
            true = answers(faithful, case)
            plant(broken, name)
            tries = 20 if case.at_once else 1  # they may miss one another
            shown = any(case.seen(answers(broken, case), true) for _ in range(tries))
            acts = broken.get("/_mock/defects").json()["acts"][name]
            if not (acts and shown and not case.seen(true, true)):
                found.append(f"{name}: {acts} acts")
    return found


def test_only_the_first_list_of_models_holds_any(
    running: Callable[[web.Application], AbstractContextManager[Client]],
) -> None:
    with served(running, LISTED, dialect="infinity") as broken:
        lists = [broken.get("/v1/models").json()["data"] for _ in range(3)]
    assert [bool(each) for each in lists] == [True, False, False]


@pytest.mark.parametrize("name", KEYLESS)
def test_a_key_that_is_empty_is_taken_and_none_is_not(
    running: Callable[[web.Application], AbstractContextManager[Client]], name: str
) -> None:
    with served(running, name, dialect=ALL[name].dialect) as broken:
        path, body = KEYLESS[name]
        body = {**body, "model": "text-embedding-3-small"}
        assert broken.post(path, body, Authorization="Bearer").status == 200
        assert broken.post(path, body).status == 401


def test_a_stream_without_its_last_chunk_is_cut_for_a_client_of_http(
    running: Callable[[web.Application], AbstractContextManager[Client]],
) -> None:
    with served(running, UNREADABLE) as broken:
        with pytest.raises(IncompleteRead) as cut:
            broken.post(*streamed(comp()))
        assert cut.value.partial.endswith(b"data: [DONE]\n\n")
        acts = broken.get("/_mock/defects").json()["acts"]
    assert acts == {UNREADABLE: 1}


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        (CHARSET, {"Content-Type": "application/json; charset=utf-8"}, 400),
        (ACCEPTED, {"Accept": "application/json, */*"}, 500),
    ],
)
def test_a_header_is_not_taken(
    running: Callable[[web.Application], AbstractContextManager[Client]],
    name: str,
    headers: dict[str, str],
    status: int,
) -> None:
    with served(running, name) as broken:
        assert broken.post(*comp()).status == 200
        assert broken.post(*comp(), **headers).status == status


def test_what_is_compressed_does_not_say_so(
    running: Callable[[web.Application], AbstractContextManager[Client]],
) -> None:
    with served(running, CODED) as broken:
        assert broken.post(*comp()).json()
        coded = broken.post(*comp(), **{"Accept-Encoding": "gzip"})
        assert "content-encoding" not in coded.headers
        assert json.loads(gzip.decompress(coded.body))


@pytest.mark.parametrize("name", LEFT)
def test_the_request_after_a_stream_that_was_left_is_answered_otherwise(
    running: Callable[[web.Application], AbstractContextManager[Client]], name: str
) -> None:
    def said(reply: Reply) -> object:
        choices, usage = map(reply.json().get, ("choices", "usage"))
        return reply.status, [choice["text"] for choice in choices or ()], usage

    with served(running, name) as broken:
        before = said(broken.post(*comp()))
        path, body = streamed(comp(max_tokens=2_000))
        leave(broken, path, json.dumps(body).encode())
        # the server learns of it when it writes the next piece
        found = [said(broken.post(*comp())) for _ in range(200)]
        assert len([one for one in found if one != before]) == 1


def leave(client: Client, path: str, body: bytes) -> None:
    """Read the beginning of a stream, and go."""
    where = urlsplit(client.url)
    connection = HTTPConnection(where.hostname or "", where.port)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    connection.getresponse().read(10)
    connection.close()


def test_a_freedom_keeps_the_schema(
    running: Callable[[web.Application], AbstractContextManager[Client]],
) -> None:
    """The mock judges its own answers, and would answer 500 or break a stream off."""
    with served(running, self_check=True) as client:
        for free in FREE:
            plant(client, free.name)
            for reply in answers(client, CASES[free.name]):
                is_refused = "refus" in free.name
                assert (400 <= reply.status < 500) is is_refused, free.name
                assert reply.status < 500, free.name
                if is_refused:
                    continue
                assert b'"error"' not in reply.body, free.name


def test_what_an_exhibit_declares_exists() -> None:
    rows = {
        name: {row.id: row for row in spec.requirements(name)}
        for name in {one.dialect for one in ALL.values()}
    }
    documents = spec.sources()
    for one in ALL.values():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", one.origin), one.name
        document, _, line = one.source.partition(":")
        assert int(line) in documents[document].line_hashes, one.name
        assert len(one.description) > 10
    for bug in BUGS:
        known = rows[bug.dialect]
        assert known[bug.primary].level != "MAY"
        assert {bug.primary, *bug.also} <= known.keys(), bug.name
        assert all(known[row].excluded is None for row in bug.also), bug.name
        assert all(bug.also.values())
        assert bug.primary not in bug.also, bug.name
    for free in FREE:
        assert not free.primary
        assert not free.also


def test_the_museum_is_large_and_beside_the_registry() -> None:
    """80 real bugs were promised."""
    assert len(BUGS) >= 80
    assert not ALL.keys() & registry().keys()
    assert all(one.describe()["museum"] for one in ALL.values())
    assert not any("museum" in one.describe() for one in registry().values())
    assert json.dumps([one.describe() for one in ALL.values()])
