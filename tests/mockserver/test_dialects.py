"""The three embedding dialects over HTTP, every answer held against its document."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

import pytest

from aios_conformance import spec
from aios_conformance.mockserver.announcement import said
from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.catalogue import documented
from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.mockserver.options import read_options
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.in_flight import counted
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.stages import Stages

DIALECTS = ("infinity", "aigne-hub", "aihubmix")
PATH = {
    "infinity": "/v1/embeddings",
    "aigne-hub": "/api/embeddings",
    "aihubmix": "/v1/embeddings",
}
KEY = "sk-gateway-of-this-test"
BEARER = {"Authorization": f"Bearer {KEY}"}
SMALL, OLD = "text-embedding-3-small", "text-embedding-ada-002"
SIZED = {"model": SMALL, "dimensions": 4}


@pytest.fixture(scope="module")
def served(running: Any) -> Iterator[Mapping[str, Any]]:
    """A client of each dialect; all with a key, all self-checked."""
    with ExitStack() as stack:
        yield {
            dialect: stack.enter_context(
                running(
                    mock_application(
                        read_options(
                            ["--dialect", dialect, "--self-check", "--api-key", KEY], {}
                        )
                    )
                )
            )
            for dialect in DIALECTS
        }


@pytest.fixture(scope="module")
def ask(served: Mapping[str, Any]) -> Callable[..., Any]:
    def ask(dialect: str, **body: Any) -> Any:
        model = {"model": documented(dialect)[0].name}
        return served[dialect].post(PATH[dialect], model | body, **BEARER)

    return ask


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_has_the_members_of_its_document_and_no_others(
    ask: Any, dialect: str
) -> None:
    body = ask(dialect, input=["one", "two"]).json()
    assert body.keys() == {"object", "data", "model", "usage"}
    assert body["usage"].keys() == {"prompt_tokens", "total_tokens"}
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 0
    assert [item["index"] for item in body["data"]] == [0, 1]


def test_infinity_lists_its_models_with_their_load(served: Mapping[str, Any]) -> None:
    reply = served["infinity"].get("/v1/models", **BEARER)
    assert reply.status == 200
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert reply.headers["date"].endswith("GMT")
    first, second = reply.json()["data"]
    assert first == {
        "id": "text-embedding-3-large",
        "stats": {
            "queue_fraction": 0.0,
            "queue_absolute": 0,
            "results_pending": 0,
            "batch_size": 32,
        },
        "object": "model",
        "owned_by": "infinity",
        "created": 1_748_574_112,
        "backend": "torch",
        "capabilities": ["embed"],
    }
    assert second["id"] == "Qwen2-Embedding-48"
    assert served["infinity"].send("HEAD", "/v1/models", **BEARER).status == 200


def test_infinity_lists_only_what_can_be_called(running: Any) -> None:
    argv = ["--dialect", "infinity", "--model", "talker=chat", "--model", "b=reranker"]
    with running(mock_application(read_options(argv, {}))) as client:
        names = [model["id"] for model in client.get("/v1/models").json()["data"]]
        assert names == ["text-embedding-3-large", "Qwen2-Embedding-48"]


def test_the_load_is_live() -> None:
    pending: Counter[str] = Counter()
    engine = MockEngine(documented("infinity"), pending=pending)
    model = engine.models[0]

    async def answer(context: RequestContext) -> dict[str, Any]:
        return dict(engine.stats(context.served.name))

    stages = counted(Stages(answer=answer), pending, ContextVar("none"))
    front = Front(engine, Contract(spec.openapi("infinity")), engine.find)
    context = RequestContext(front, 1, "POST", "/v1/embeddings", {}, model=model)

    async def asked() -> dict[str, Any]:
        return await stages.answer(context)

    assert asyncio.run(asked())["results_pending"] == 1
    assert engine.stats(model.name)["results_pending"] == 0
    pending[model.name] = 96
    busy = engine.stats(model.name)
    assert (busy["queue_absolute"], busy["queue_fraction"]) == (64, 0.125)


def test_dimensions_are_for_models_that_can_choose(ask: Any) -> None:
    for wanted in (1, 7, 3_072):
        reply = ask("infinity", input="a", dimensions=wanted)
        assert len(reply.json()["data"][0]["embedding"]) == wanted
    assert ask("infinity", input="a", dimensions=3_073).status == 400
    for dialect, model in (("infinity", "Qwen2-Embedding-48"), ("aihubmix", OLD)):
        reply = ask(dialect, model=model, input="a", dimensions=1_536)
        assert (reply.status, reply.json()["error"]["param"]) == (400, "dimensions")
        assert ask(dialect, model=model, input="a").status == 200
    reply = ask("aigne-hub", input="a", dimensions=4)  # not listed: no effect
    assert len(reply.json()["data"][0]["embedding"]) == 1_536


@pytest.mark.parametrize("dialect", DIALECTS)
def test_ids_are_one_input_and_lists_of_ids_many(ask: Any, dialect: str) -> None:
    flat = ask(dialect, input=[65, 66, 67]).json()
    nested = ask(dialect, input=[[65, 66, 67]]).json()
    assert len(flat["data"]) == 1
    assert flat["data"] == nested["data"]
    assert flat["usage"]["prompt_tokens"] == 3
    assert len(ask(dialect, input=[[65], [66, 67]]).json()["data"]) == 2


@pytest.mark.parametrize("dialect", ["aigne-hub", "aihubmix"])
@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", KEY, f"Basic {KEY}", "Bearer \xff"],
)
def test_a_missing_or_wrong_key_is_refused(
    served: Mapping[str, Any], dialect: str, given: str | None
) -> None:
    headers = {} if given is None else {"Authorization": given}
    body = {"model": SMALL, "input": "a"}
    reply = served[dialect].post(PATH[dialect], body, **headers)
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert KEY.encode() not in reply.body


@pytest.mark.parametrize("dialect", ["aigne-hub", "aihubmix"])
def test_without_a_key_of_its_own_it_takes_any_but_none(
    running: Any, dialect: str
) -> None:
    for environ in ({}, {"AIOS_API_KEY": ""}):
        options = read_options(["--dialect", dialect], environ)
        with running(mock_application(options)) as client:
            body = {"model": SMALL, "input": "a"}
            any_key = {"Authorization": "bearer any"}
            assert client.post(PATH[dialect], body, **any_key).status == 200
            assert client.post(PATH[dialect], body).status == 401


def test_a_chat_model_does_not_embed(ask: Any) -> None:
    assert ask("aigne-hub", model="gpt-4o-mini", input="a").status == 400
    assert ask("aigne-hub", model="no-such-model", input="a").status == 404


@pytest.mark.parametrize(
    ("status", "members"),
    [
        (200, {"input": "a", "user": "user-1234"}),
        (200, {"input": "a", **SIZED, "dimensions": 1}),
        (200, {"input": ["word"] * 2_048, **SIZED, "encoding_format": "base64"}),
        (422, {"input": ["word"] * 2_049, **SIZED}),
        (422, {"input": [[65]] * 2_049, **SIZED}),
        (422, {"input": [65] * 2_049}),
        (422, {"input": [[65] * 2_049]}),
        (200, {"input": [65] * 2_048}),
        (422, {"input": ""}),
        (422, {"input": ["a", ""]}),
        (422, {"input": []}),
        (422, {"input": [[]]}),
        (422, {"input": ["a", [65]]}),
        (422, {"input": {"a": 1}}),
        (422, {}),
        (422, {"input": "a", "model": {"a": 1}}),
        (404, {"input": "a", "model": "no-such-model"}),
        (422, {"input": "a", "dimensions": 0}),
        (422, {"input": "a", "dimensions": -1}),
        (422, {"input": "a", "dimensions": 2.5}),
        (422, {"input": "a", "dimensions": "many"}),
        (422, {"input": "a", "encoding_format": "hex"}),
        (422, {"input": "a", "user": {"a": 1}}),
        (200, {"input": "word " * 4_000, **SIZED}),
        (400, {"input": "word " * 9_000, **SIZED}),
        (200, {"input": ["word " * 4_000] * 30, **SIZED}),
        (422, {"input": ["word " * 4_000] * 80, **SIZED}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_limits_of_aihubmix(ask: Any, status: int, members: Any) -> None:
    reply = ask("aihubmix", **members)
    assert reply.status == status, reply.body[:300]
    if status != 200:
        assert reply.json()["error"]["message"]


def test_the_limit_of_a_request_is_the_sum_of_its_inputs(ask: Any) -> None:
    ids = [65] * 2_000
    most = [ids] * 150  # 300,000 tokens
    assert ask("aihubmix", input=most, **SIZED).status == 200
    reply = ask("aihubmix", input=[*most, [65]], **SIZED)
    assert reply.status == 422
    assert "300000 tokens, got 300001" in reply.json()["error"]["message"]


def several(running: Any, *names: str, argv: tuple[str, ...] = ()) -> Any:
    chosen = [word for name in names for word in ("--dialect", name)]
    return running(mock_application(read_options([*chosen, "--self-check", *argv], {})))


def test_several_dialects_share_a_port(running: Any) -> None:
    with several(running, "infinity", "aigne-hub", "aihubmix", "aios") as client:
        any_key = {"Authorization": "Bearer any"}
        body = {"model": SMALL, "input": "a"}
        for path in ("/api/embeddings", "/aigne-hub/api/embeddings"):
            assert client.post(path, body, **any_key).status == 200
            assert client.post(path, body).status == 401
        assert client.post("/aihubmix/v1/embeddings", body, **any_key).status == 200
        assert client.post("/aihubmix/v1/embeddings", body).status == 401
        large = body | {"model": "text-embedding-3-large"}
        for prefix in ("", "/infinity"):
            reply = client.post(f"{prefix}/v1/embeddings", large)
            assert "id" not in reply.json()
            first = client.get(f"{prefix}/v1/models").json()["data"][0]
            assert first["owned_by"] == "infinity"
        aios = body | {"model": "sds/bge-m3"}
        assert client.post("/v1/embeddings", aios).status == 404
        assert "id" in client.post("/aios/v1/embeddings", aios).json()
        for prefix, name in (
            ("", "infinity"),
            ("/infinity", "infinity"),
            ("/aigne-hub", "aigne-hub"),
            ("/aihubmix", "aihubmix"),
            ("/aios", "aios"),
        ):
            assert client.get(f"{prefix}/openapi.json").json() == spec.openapi(name)
        assert client.get("/infinity/nothing").status == 404
        assert client.get("/aihubmix/v1/embeddings").status == 405
        assert client.get("/health").status == 200


def test_one_dialect_has_no_prefix(served: Mapping[str, Any]) -> None:
    assert served["infinity"].get("/infinity/v1/models").status == 404
    document = served["infinity"].get("/openapi.json").json()
    assert document == spec.openapi("infinity")


def test_the_start_says_where_each_is_and_which_keys_are_taken() -> None:
    def told(*argv: str) -> tuple[str, str, list[str]]:
        lines = said(read_options(argv, {}), "http://here").splitlines()
        curl = next(n for n, line in enumerate(lines) if line.startswith("try: "))
        lines.remove("requests as they come: http://here/_mock/")
        return lines[0], lines[curl], lines[curl + 1 :]

    base, hint, notes = told("--dialect", "infinity")
    assert base == "base URL for clients: http://here/v1"
    assert hint.startswith("try: curl http://here/v1/embeddings ")
    assert notes == []
    base, hint, notes = told("--dialect", "aigne-hub")
    assert base == "base URL for clients: http://here/api"
    assert "-H 'Authorization: Bearer any'" in hint
    assert notes == ["aigne-hub: no --api-key is set, so any bearer key is accepted"]
    _, hint, _ = told("--dialect", "aihubmix", "--api-key", KEY)
    assert '"Authorization: Bearer $AIOS_API_KEY"' in hint
    assert KEY not in said(read_options(["--api-key", KEY], {}), "http://here")
    _, _, places = told("--dialect", "aios", "--dialect", "infinity")
    assert places == [
        "aios: http://here and http://here/aios",
        "infinity: http://here/infinity",
    ]


def test_dialects_have_one_name_in_three_places(tmp_path: Any) -> None:
    file = tmp_path / "mock.yaml"
    file.write_text("dialect: [aios, infinity]\n")
    assert read_options(["--config", str(file)], {}).dialects == ("aios", "infinity")
    environ = {"AIOS_MOCK_DIALECT": "aihubmix,aigne-hub,aihubmix"}
    assert read_options([], environ).dialects == ("aihubmix", "aigne-hub")
    assert read_options([], {}).dialects == ("aios",)
    with pytest.raises(OptionError, match=r"valid are aios, infinity"):
        read_options([], {"AIOS_MOCK_DIALECT": "openai"})


def test_a_defect_needs_its_dialect(running: Any) -> None:
    options = read_options(["--defect", "infinity_list_is_201"], {})
    with pytest.raises(OptionError, match="add --dialect infinity"):
        mock_application(options)
    argv = ("--defect", "infinity_list_is_201")
    with several(running, "aios", "infinity", argv=argv) as client:
        assert client.get("/infinity/v1/models").status == 201
        assert client.get("/v1/models").status == 200


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_row_that_a_wire_can_break_is_the_primary_of_a_defect(
    dialect: str,
) -> None:
    found = {d.primary for d in registry().values() if d.dialect == dialect}
    wanted = {
        row.id
        for row in spec.requirements(dialect)
        if row.level in ("MUST", "SHOULD") and not row.excluded
    }
    assert wanted - found == set()
    known = {row.id for row in spec.requirements(dialect)}
    for defect in registry().values():
        if defect.dialect == dialect:
            assert {defect.primary, *defect.also} - {""} <= known, defect.name
            assert bool(defect.primary) is not bool(defect.freedom), defect.name


def test_the_documents_differ_where_the_mock_does() -> None:
    contracts = {name: Contract(spec.openapi(name)) for name in DIALECTS}
    secured = {
        name: any(operation.secured for operation in contract.operations.values())
        for name, contract in contracts.items()
    }
    assert secured == {"infinity": False, "aigne-hub": True, "aihubmix": True}
    limited = contracts["aihubmix"].operations["POST /v1/embeddings"]
    assert (limited.input_tokens, limited.request_tokens) == (8_192, 300_000)
    assert limited.counted == {"prompt_tokens", "total_tokens"}
