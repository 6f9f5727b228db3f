"""What is served, what is absent, and what to say when nothing is."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import miniatures
import pytest
from miniatures import Asked, Said, listening, refuse, say
from raw import answer, cut, saying
from test_transport import Pauses

from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.recorder import Recorder
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import RunOptions, TargetError
from aios_conformance.conformance.running.discovery import (
    MOST_TRIES,
    Discovery,
    discover,
)
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.spec import apis, sources

CHAT = "/v1/chat/completions"
ALL = {"rerank", "score", "embeddings", "chat", "completions"}


def discovered(
    behaviour: Callable[[Asked], Said], **options: Any
) -> tuple[Discovery, list[Exchange]]:
    """What discovery finds at a server, and what it sent."""

    async def story(url: str) -> tuple[Discovery, list[Exchange]]:
        given = RunOptions(url, **options)
        async with Transport(given, url, pause=Pauses()) as wire:
            recorder = Recorder(wire, Budget(given.max_requests), lambda _: None)
            return await discover(recorder, given), recorder.exchanges

    with listening(behaviour) as url:
        return asyncio.run(story(url))


def serving(**apis: str) -> Callable[[Asked], Said]:
    """A server of these models by API; what it does not serve it refuses."""

    def behave(asked: Asked) -> Said:
        if asked.path == "/v1/models":
            return say(
                {"data": [{"id": name} for name in dict.fromkeys(apis.values())]}
            )
        api = asked.path.removeprefix("/v1/").removeprefix("/v2/").strip("/")
        api = "chat" if api == "chat/completions" else api
        name = asked.json["model"]
        if apis.get(api) == name:
            return say({"id": "x"})
        return refuse(400, f"{name} does not do {api}")

    return behave


EACH = {
    "chat": "talker",
    "completions": "talker",
    "embeddings": "vectors",
    "rerank": "judge",
    "score": "judge",
}


def test_listed_names_are_tried_in_order() -> None:
    found, sent = discovered(serving(**EACH))
    assert found.facts.models == EACH
    assert found.absent == {}
    chats = [e.request.json["model"] for e in sent if e.api == "chat"]
    assert chats == ["talker"]


def test_what_one_api_answers_spares_the_others_tries() -> None:
    def behave(asked: Asked) -> Said:
        if asked.path == "/v1/models":
            listed = ["talker", "second talker", "third talker", "judge", "vectors"]
            listed.insert(0, "x" * 1_001)  # is no name
            return say({"data": [{"id": name} for name in listed]})
        return serving(**EACH)(asked)

    found, sent = discovered(behave)
    assert found.facts.models == EACH
    tried = [(e.api, e.request.json["model"]) for e in sent if e.request.body]
    assert tried == [
        ("chat", "talker"),
        ("completions", "talker"),
        ("rerank", "second talker"),
        ("score", "third talker"),
        ("embeddings", "judge"),  # and the judge is known to be a cross-encoder
        ("rerank", "judge"),
        ("score", "judge"),
        ("embeddings", "vectors"),
    ]


def test_limits_that_the_list_states_are_kept() -> None:
    def behave(asked: Asked) -> Said:
        if asked.path == "/v1/models":
            stated: list[Any] = [512, "many", True, 0, None]
            listed = ["judge", "talker", "vectors", "x", "y"]
            models = [
                {"id": name, "max_model_len": limit}
                for name, limit in zip(listed, stated, strict=True)
            ]
            return say({"data": [*models, {"id": "judge2"}]})
        return serving(**EACH)(asked)

    found, _ = discovered(behave)
    assert found.facts.limits == {"rerank": 512, "score": 512}


def test_a_name_that_another_kind_of_api_took_is_still_tried() -> None:
    one = dict.fromkeys(ALL, "one")
    found, sent = discovered(serving(**one))
    assert found.facts.models == one
    assert len([e for e in sent if e.request.body]) == len(ALL)


def test_a_name_that_does_not_embed_is_a_cross_encoder() -> None:
    found, _ = discovered(serving(**EACH))
    assert found.facts.kinds == {"rerank": "cross_encoder", "score": "cross_encoder"}


def test_a_name_that_embeds_is_an_embedding_model() -> None:
    names = EACH | {"rerank": "vectors"}
    found, sent = discovered(serving(**names))
    assert found.facts.kinds == {"rerank": "embedding", "score": "cross_encoder"}
    # what was already tried is not asked again
    bodies = [e.request.body for e in sent if e.api == "embeddings"]
    assert len(bodies) == len(set(bodies))


def test_given_names_are_tried_alone() -> None:
    found, sent = discovered(serving(**EACH), models=EACH)
    assert found.facts.models == EACH
    posted = [e for e in sent if e.request.body]
    assert len(posted) == 6  # five APIs, and once whether the judge embeds


def test_one_name_for_all() -> None:
    names = dict.fromkeys(ALL, "one")
    found, _ = discovered(serving(**names), models={"*": "one"})
    assert set(found.facts.models.values()) == {"one"}


def test_without_a_list_the_documents_names_are_tried() -> None:
    documented = {name: next(iter(api.models)) for name, api in apis().items()}

    def behave(asked: Asked) -> Said:
        if asked.path == "/v1/models":
            return refuse(404, "no list here")
        return serving(**documented)(asked)

    found, _ = discovered(behave)
    assert found.facts.models == documented


def test_the_documents_print_the_names_that_we_know() -> None:
    for api in apis().values():
        for line in api.models.values():
            document, _, number = line.partition(":")
            assert int(number) in sources()[document].line_hashes


@pytest.mark.parametrize("listing", [b"[]", b"oops", b'{"data": [7, {"id": ""}, {}]}'])
def test_a_list_that_cannot_be_read_is_passed_over(listing: bytes) -> None:
    def behave(asked: Asked) -> Said:
        if asked.path == "/v1/models":
            return Said(200, listing)
        return say({"id": "x"})

    found, _ = discovered(behave)
    assert found.facts.models["chat"] == next(iter(apis()["chat"].models))


def test_there_is_an_end_to_trying() -> None:
    def behave(asked: Asked) -> Said:
        if asked.path == "/v1/models":
            return say({"data": [{"id": f"m{i}"} for i in range(100)]})
        return refuse(400, "no")

    with pytest.raises(TargetError, match="no usable model"):
        discovered(behave)
    sent: list[str] = []

    def counting(asked: Asked) -> Said:
        sent.append(asked.path)
        return behave(asked)

    with pytest.raises(TargetError):
        discovered(counting)
    tries = [path for path in sent if path != "/v1/models"]
    assert len(tries) <= MOST_TRIES + 2  # and once more without a limit on the answer


def test_a_target_that_refuses_limits_is_still_judged() -> None:
    def behave(asked: Asked) -> Said:
        if asked.method == "POST" and "max_tokens" in asked.json:
            return refuse(422, "max_tokens is unknown")
        return serving(**EACH)(asked)

    assert discovered(behave)[0].facts.models == EACH


# --- absent or broken --------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_api_is_absent_if_all_its_paths_are(status: int) -> None:
    def behave(asked: Asked) -> Said:
        if asked.path.endswith("/rerank"):
            return refuse(status, "nothing here")
        return serving(**EACH)(asked)

    found, _ = discovered(behave)
    assert found.absent == {"rerank": "the rerank API is absent"}
    assert "rerank" not in found.facts.models


@pytest.mark.parametrize("left", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_an_api_with_one_path_left_is_there(left: str) -> None:
    def behave(asked: Asked) -> Said:
        if asked.path.endswith("/rerank") and asked.path != left:
            return refuse(404, "nothing here")
        return serving(**EACH)(asked)

    found, _ = discovered(behave)
    assert found.absent == {}
    assert found.facts.models["rerank"] == "judge"


def test_an_unknown_model_is_no_missing_path() -> None:
    def behave(asked: Asked) -> Said:
        said = serving(**EACH)(asked)
        if said.status == 400:
            return refuse(404, f"the model {asked.json['model']} does not exist")
        return said

    assert discovered(behave)[0].facts.models == EACH
    with pytest.raises(TargetError, match="no usable model for chat"):
        discovered(behave, models={"chat": "nonesuch"})


def test_an_api_of_the_declared_scope_is_never_absent() -> None:
    def behave(asked: Asked) -> Said:
        if asked.path == CHAT:
            return refuse(404, "nothing here")
        return serving(**EACH)(asked)

    found, sent = discovered(behave, apis=("chat", "rerank"))
    assert found.absent == {}
    assert found.facts.models == {"chat": "talker", "rerank": "judge"}
    assert not any(e.api == "completions" for e in sent)


def test_an_api_that_crashes_is_there_and_broken() -> None:
    def behave(asked: Asked) -> Said:
        if asked.path == CHAT:
            return refuse(500, "division by zero")
        return serving(**EACH)(asked)

    assert discovered(behave)[0].facts.models["chat"] == "talker"


# --- nothing to judge --------------------------------------------------------------


def redirects_everything(_: Asked) -> Said:
    return Said(308, b"", headers={"Location": "/there"})


@pytest.mark.parametrize(
    ("behaviour", "code", "said"),
    [
        (miniatures.not_found_everywhere, "no-api", "404, 405 or 501"),
        (miniatures.unauthorized_everywhere, "unauthorised", "answered with 401"),
        (miniatures.rate_limits_everything, "unreachable", "HTTP 429"),
        (redirects_everything, "redirected", "redirected, with 308 to /there"),
    ],
)
def test_what_is_no_target_is_told(
    behaviour: Callable[[Asked], Said], code: str, said: str
) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        discovered(behaviour)
    assert caught.value.code == code
    assert caught.value.hint


def test_nobody_there_is_told() -> None:
    async def story() -> None:
        url = "http://127.0.0.1:1"
        options = RunOptions(url)
        async with Transport(options, url, pause=Pauses()) as wire:
            await discover(Recorder(wire, Budget(), lambda _: None), options)

    with pytest.raises(TargetError, match="does not answer") as caught:
        asyncio.run(story())
    assert caught.value.code == "unreachable"


def test_what_speaks_another_protocol_is_told() -> None:
    async def story() -> None:
        async with saying(cut(b"SSH-2.0-OpenSSH\r\n\r\n")) as target:
            options = RunOptions(target.url)
            async with Transport(options, target.url) as wire:
                await discover(Recorder(wire, Budget(), lambda _: None), options)

    with pytest.raises(TargetError, match="the answer is not HTTP") as caught:
        asyncio.run(story())
    assert caught.value.code == "no-http"


async def hinted(url: str, proxy: str | None = None) -> str:
    """What a run is told that gets no answer."""
    options = RunOptions(url, proxy=proxy)
    async with Transport(options, url, pause=Pauses()) as wire:
        with pytest.raises(TargetError) as caught:
            await discover(Recorder(wire, Budget(), lambda _: None), options)
    return caught.value.hint


def test_who_ends_the_connection_or_refuses_on_the_way_gets_a_hint() -> None:
    async def story() -> tuple[str, str]:
        server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, saying(answer(status=407)) as proxy:
            at_once = await hinted(f"https://127.0.0.1:{port}")
            return at_once, await hinted("http://there", proxy.url)

    at_once, refused = asyncio.run(story())
    assert "TLS 1.2 or later" in at_once
    assert "--proxy http://USER:PASSWORD" in refused


def test_no_usable_model_names_the_option() -> None:
    models = {"embeddings": "unheard-of"}
    with pytest.raises(TargetError, match="no usable model for embeddings") as caught:
        discovered(serving(**EACH), models=models)
    assert "--model embeddings=NAME" in caught.value.hint
    with pytest.raises(TargetError, match="no usable model for") as caught:
        discovered(serving())
    assert caught.value.code == "no-model"


@pytest.mark.parametrize("api", sorted(EACH))
def test_an_api_without_a_model_does_not_stop_the_others(api: str) -> None:
    """Its refusals are found on its own rows."""
    others = {name: model for name, model in EACH.items() if name != api}
    found, _ = discovered(serving(**others))
    assert found.absent == {}
    assert found.facts.models.keys() == EACH.keys()
    assert others.items() <= found.facts.models.items()


def test_a_limit_that_leaves_no_room_is_told() -> None:
    with pytest.raises(TargetError, match="--max-requests 3") as caught:
        discovered(serving(**EACH), max_requests=3)
    assert caught.value.code == "limit"


def test_html_is_taken_for_a_target_to_be_judged() -> None:
    found, _ = discovered(miniatures.html_everywhere)
    assert set(found.facts.models) == ALL


def test_bodies_are_valid_by_the_documents() -> None:
    from aios_conformance.conformance.observing.selfcheck import breach  # noqa: PLC0415

    _, sent = discovered(serving(**EACH))
    posted = [e for e in sent if e.request.body]
    assert posted
    for exchange in posted:
        operation, body = exchange.request.operation, exchange.request.body
        assert breach("aios", operation, body) is None
        assert json.loads(body)["model"]


def _is_one(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1


def _is_many(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


@pytest.mark.parametrize("refused", [_is_text, _is_one, _is_many])
@pytest.mark.parametrize(
    ("api", "fields"),
    [
        ("score", ("text_1",)),
        ("score", ("text_2",)),
        ("score", ("text_1", "text_2")),
        ("embeddings", ("input",)),
        ("completions", ("prompt",)),
        ("rerank", ("documents",)),
    ],
)
def test_a_form_that_is_refused_decides_nothing(
    api: str, fields: tuple[str, ...], refused: Callable[[Any], bool]
) -> None:
    def behave(asked: Asked) -> Said:
        is_it = asked.path in (f"/{api}", f"/v1/{api}", f"/v2/{api}")
        if is_it and any(refused(asked.json[field]) for field in fields):
            return refuse(422, "not so")
        return serving(**EACH)(asked)

    found, _ = discovered(behave)
    assert found.facts.models == EACH
