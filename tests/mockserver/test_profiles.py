"""`--profile`: what other servers of the family do, and only where it is wanted."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from asking import ASK, CHAT, PATH, WEATHER, served, text_of

from aios_conformance import spec
from aios_conformance.mockserver.options import read_options
from aios_conformance.mockserver.profile.profiles import PROFILES, explained
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.profile import merged

TEXTS = {"model": "sds/bge-m3", "input": "a"}
PROMPT = {"model": CHAT, "prompt": "a", "max_tokens": 2}
RERANK = {"model": "sds/bge-m3", "query": "a", "documents": ["b", "c"]}
USER = {"role": "user", "content": "Hi."}
TOOL: Any = {"type": "function", "function": {"name": "f"}}
PATHS = {
    "messages": PATH,
    "prompt": "/v1/completions",
    "input": "/v1/embeddings",
    "documents": "/v1/rerank",
}


@pytest.fixture(scope="module")
def plain(running: Any) -> Iterator[Any]:
    with served(running) as client:
        yield client


@pytest.fixture(scope="module")
def vllm(running: Any) -> Iterator[Any]:
    thinker = ("--model", "thinker=reasoning", "--model", "short=matryoshka")
    with served(running, "--profile", "vllm", *thinker) as client:
        yield client


def sent(client: Any, body: Any, **headers: str) -> Any:
    path = next(path for member, path in PATHS.items() if member in body)
    return client.post(path, body, **headers)


def test_a_patch_is_laid_over_and_changes_nothing() -> None:
    document = {"a": {"b": 1, "c": 2}, "d": [1]}
    patched = merged(document, {"a": {"b": None, "e": {"f": 3}}, "d": [2]})
    assert patched == {"a": {"c": 2, "e": {"f": 3}}, "d": [2]}
    assert document == {"a": {"b": 1, "c": 2}, "d": [1]}


def test_each_deviation_says_what_it_does_and_where_it_departs() -> None:
    head, *lines = explained(PROFILES["vllm"])
    assert head.startswith(f"vllm deviates in {len(lines)} ways (000 is the AIOS API")
    assert len(lines) > 20
    for line in lines:
        name, _, rest = line.strip().partition(": ")
        assert name == name.lower()
        assert rest.rpartition("(00")[2].endswith(")")
    assert list(explained(PROFILES["documents"])) == ["documents: no deviation"]


def test_every_edit_meets_the_document() -> None:
    """An edit that misses its member would make another one, which nobody notices."""
    schemas = spec.openapi()["components"]["schemas"]
    for deviation in PROFILES["vllm"].deviations:
        edited = deviation.edits.get("components", {}).get("schemas", {})
        for name, schema in edited.items():
            for member, edit in schema["properties"].items():
                added = edit is not None and ("type" in edit or "enum" in edit)
                assert (member in schemas[name]["properties"]) != added, member


@pytest.mark.parametrize(
    ("body", "documents", "vllm_status"),
    [
        ({**ASK, "temperature": -1}, 422, 400),
        ({**ASK, "temperature": 1.7}, 422, 200),
        ({**PROMPT, "temperature": 1.7}, 422, 200),
        ({**ASK, "temperature": None}, 422, 200),
        ({**ASK, "temperature": "0.5"}, 422, 200),
        ({**ASK, "temperature": "hot"}, 422, 400),
        ({**ASK, "temperature": "nan"}, 422, 400),
        ({**ASK, "n": "2"}, 422, 200),
        ({**ASK, "n": 1.5}, 422, 400),
        ({**ASK, "logprobs": "yes"}, 422, 200),
        ({**ASK, "logprobs": 1}, 422, 200),
        ({**ASK, "top_p": 0}, 200, 400),
        ({**ASK, "n": 2, "temperature": 0}, 200, 400),
        ({**ASK, "max_tokens": 0}, 200, 400),
        ({**PROMPT, "max_tokens": 0}, 200, 200),
        ({**PROMPT, "logprobs": 20}, 422, 200),
        ({**PROMPT, "logprobs": 21}, 422, 400),
        ({**PROMPT, "logit_bias": {"5": 1e6}}, 422, 200),
        ({**ASK, "tools": [TOOL] * 129, "tool_choice": "none"}, 422, 200),
        ({**ASK, "messages": [{"role": "robot", "content": "a"}]}, 422, 200),
        ({**ASK, "messages": [{**USER, "tool_call_id": None}]}, 422, 200),
        ({**ASK, "tools": [merged(TOOL, {"function": {"description": {}}})]}, 422, 400),
        ({**ASK, "stream_options": {"include_usage": None}}, 422, 200),
        ({**ASK, "model": ""}, 404, 200),
        ({"messages": ASK["messages"]}, 422, 200),
        ({**ASK, "model": None}, 422, 200),
        ({**ASK, "model": "nobody"}, 404, 404),
        ({**ASK, "top_k": -2}, 200, 400),
        ({**ASK, "stream_options": {"include_usage": True}}, 200, 400),
        ({**ASK, "stream_options": {}}, 200, 200),
        ({**ASK, "min_tokens": "none"}, 200, 400),
        ({**TEXTS, "dimensions": 3}, 200, 400),
        ({**TEXTS, "model": "short", "dimensions": 3}, 404, 200),
        ({**TEXTS, "truncate_prompt_tokens": -1}, 422, 200),
        ({**TEXTS, "truncate_prompt_tokens": 0}, 422, 400),
        ({**RERANK, "top_n": -1}, 422, 200),
    ],
)
def test_what_is_refused(
    plain: Any, vllm: Any, body: Any, documents: int, vllm_status: int
) -> None:
    assert sent(plain, body).status == documents
    reply = sent(vllm, body)
    assert reply.status == vllm_status
    if vllm_status >= 400:
        error = reply.json()["error"]
        assert error["code"] == vllm_status
        named = {400: "BadRequestError", 404: "NotFoundError"}
        assert error["type"] == named[vllm_status]


def test_completions_know_one_limit(plain: Any, vllm: Any) -> None:
    body = {**PROMPT, "max_completion_tokens": 1}
    assert sent(plain, body).json()["usage"]["completion_tokens"] == 1
    assert sent(vllm, body).json()["usage"]["completion_tokens"] == 2


def test_answers_have_the_members_of_the_other_server(plain: Any, vllm: Any) -> None:
    def members(client: Any, body: Any) -> set[str]:
        answer = sent(client, body).json()
        choice = answer.get("choices", [{}])[0]
        parts = (answer, answer["usage"], choice, choice.get("message", {}))
        return {name for part in parts for name in part}

    more = {"token_ids", "service_tier", "system_fingerprint", "kv_transfer_params"}
    of_message = {"refusal", "annotations", "audio", "function_call", "reasoning"}
    for body, expected in (
        (ASK, more | of_message | {"prompt_token_ids"}),
        (PROMPT, more | {"prompt_token_ids"}),
        (RERANK, {"prompt_tokens"}),
        (TEXTS, set()),
    ):
        assert members(vllm, body) - members(plain, body) == expected


def test_chunks_leave_out_what_is_not_known_yet(vllm: Any) -> None:
    body = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, last = sent(vllm, body).chunks()
    assert last["usage"]["completion_tokens"]
    assert all("usage" not in chunk for chunk in chunks)
    for (choice,) in (chunk["choices"] for chunk in chunks):
        assert ("stop_reason" in choice) == (choice["finish_reason"] is not None)


def test_reasoning_has_two_names_and_can_be_switched_off(vllm: Any) -> None:
    body = {**ASK, "model": "thinker"}
    message = sent(vllm, body).json()["choices"][0]["message"]
    assert message["reasoning"] == message["reasoning_content"]
    assert message["reasoning"]
    chunks = sent(vllm, {**body, "stream": True}).chunks()
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(d.get("reasoning", "") for d in deltas) == message["reasoning"]
    assert text_of(chunks) == message["content"]
    for switch in (
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"reasoning_effort": "none"},
        {"include_reasoning": False},
    ):
        message = sent(vllm, {**body, **switch}).json()["choices"][0]["message"]
        assert message["reasoning"] is None
        assert message["content"]
        assert "think" not in message["content"]


@pytest.mark.parametrize("body", [ASK, {**PROMPT, "max_tokens": 50}])
@pytest.mark.parametrize(
    ("constraint", "pattern"),
    [
        ({"structured_outputs": {"choice": ["yes", "no"]}}, "yes|no"),
        ({"guided_choice": ['"quoted"']}, '"quoted"'),
        (
            {"structured_outputs": {"regex": "[a-c]{2}[0-9]", "json": None}},
            "[a-c]{2}\\d",
        ),
        ({"guided_regex": "x|yy"}, "x|yy"),
        ({"guided_json": {"type": "integer", "minimum": 5}}, "\\d+"),
        ({"guided_json": '{"enum": ["a"]}'}, '"a"'),
        ({"structured_outputs": {"json_object": True}}, r"\{.*\}"),
    ],
)
def test_text_can_be_constrained(
    plain: Any, vllm: Any, body: Any, constraint: Any, pattern: str
) -> None:
    answer = sent(vllm, {**body, **constraint}).json()["choices"][0]
    text = answer["message"]["content"] if "message" in answer else answer["text"]
    assert re.fullmatch(pattern, text, re.DOTALL), text
    assert answer["finish_reason"] == "stop"
    stream = sent(vllm, {**body, **constraint, "stream": True}).chunks()
    assert text_of(stream) == text
    assert sent(plain, {**body, **constraint}).json()["choices"][0] != answer


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ({"guided_regex": "a", "guided_choice": ["a"]}, "choice, regex"),
        ({"guided_grammar": "root ::= a"}, "does not write text by grammar"),
        ({"structured_outputs": {"json": 3}}, "json is of a wrong type"),
        ({"structured_outputs": {"choice": [1]}}, "choice is of a wrong type"),
        ({"guided_json": "{"}, "json is no JSON"),
        ({"guided_choice": []}, "must hold at least 1 items"),
        ({"guided_regex": "("}, "schema"),
    ],
)
def test_a_constraint_that_cannot_be_kept_is_refused(
    vllm: Any, constraint: Any, words: str
) -> None:
    reply = sent(vllm, {**ASK, **constraint})
    assert reply.status == 400
    assert words in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ("required", "tool_calls"),
        ({"type": "function", "function": {"name": "get_weather"}}, "stop"),
    ],
)
def test_calls_are_told_as_there(
    plain: Any, vllm: Any, choice: Any, finish: str
) -> None:
    body = {**ASK, "tools": [WEATHER], "tool_choice": choice}
    whole = sent(vllm, body).json()["choices"][0]
    assert whole["finish_reason"] == finish
    assert whole["message"]["tool_calls"][0]["id"].startswith("chatcmpl-tool-")
    chunks = sent(vllm, {**body, "stream": True}).chunks()
    assert chunks[-1]["choices"][0]["finish_reason"] == finish
    calls = [c["choices"][0]["delta"].get("tool_calls") or [{}] for c in chunks]
    ids = [call["id"] for (call,) in calls if "id" in call]
    assert [one[:14] for one in ids] == ["chatcmpl-tool-"]
    whole = sent(plain, body).json()["choices"][0]
    assert whole["finish_reason"] == "tool_calls"


def test_a_request_has_one_id_in_the_header_and_in_the_answer(vllm: Any) -> None:
    for number in range(3):  # the last one comes from memory
        reply = sent(vllm, PROMPT, **{"X-Request-Id": f"mine-{number}"})
        assert reply.headers["x-request-id"] == f"mine-{number}"
        assert reply.json()["id"] == f"cmpl-mine-{number}"
    for reply in (sent(vllm, TEXTS), vllm.get("/nowhere"), vllm.get("/v1/models")):
        assert len(reply.headers["x-request-id"]) == 32


def test_a_browser_may_call_it_from_anywhere(plain: Any, vllm: Any) -> None:
    header = "access-control-allow-origin"
    assert header not in sent(plain, ASK, Origin="http://page").headers
    assert sent(vllm, ASK, Origin="http://page").headers[header] == "http://page"


def test_a_model_is_found_by_its_name(plain: Any, vllm: Any) -> None:
    for client, owner in ((plain, "aios"), (vllm, "vllm")):
        cards = client.get("/v1/models").json()["data"]
        for card in cards:
            found = client.get(f"/v1/models/{card['id']}").json()
            assert (found["id"], found["owned_by"]) == (card["id"], owner)
            assert found["max_model_len"] in (8192, 131072)
        assert client.get("/v1/models/nobody").status == 404
    assert cards[0]["root"] == CHAT
    assert cards[0]["permission"][0]["allow_sampling"] is True


def test_text_becomes_tokens_and_text_again(plain: Any, vllm: Any) -> None:
    text = "Grüße, 世界!"
    body = {"model": CHAT, "prompt": text, "return_token_strs": True}
    made = vllm.post("/tokenize", body).json()
    assert made["count"] == len(made["tokens"]) == len(made["token_strs"])
    assert made["max_model_len"] == 131072
    again = vllm.post("/detokenize", {"model": CHAT, "tokens": made["tokens"]})
    assert again.json() == {"prompt": text}
    bare = vllm.post("/tokenize", {**body, "add_special_tokens": False}).json()
    assert bare["tokens"] == made["tokens"][1:]
    usage = sent(vllm, ASK).json()["usage"]
    chat = vllm.post("/tokenize", {"messages": ASK["messages"]}).json()
    assert chat["count"] == usage["prompt_tokens"]
    assert plain.post("/tokenize", body).status == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/tokenize", {}, 400),
        ("/tokenize", {"prompt": 1}, 400),
        ("/tokenize", {"prompt": "a", "model": "nobody"}, 404),
        ("/tokenize", [], 400),
        ("/detokenize", {"tokens": [-1]}, 400),
        ("/detokenize", {"tokens": [2**40]}, 400),
    ],
)
def test_side_routes_refuse_as_all_do(
    vllm: Any, path: str, body: Any, status: int
) -> None:
    reply = vllm.post(path, body)
    assert (reply.status, reply.json()["error"]["code"]) == (status, status)


def test_its_health_is_told(vllm: Any) -> None:
    assert vllm.get("/version").json()["version"]
    assert vllm.get("/load").json() == {"server_load": 0}
    replies = (vllm.get("/health"), vllm.get("/ping"), vllm.post("/ping", {}))
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"")] * 3


def test_the_document_in_force_is_served(vllm: Any) -> None:
    schemas = vllm.get("/openapi.json").json()["components"]["schemas"]
    chat, completion = schemas["ChatCompletionRequest"], schemas["CompletionRequest"]
    assert "min_tokens" in chat["properties"]
    assert "max_completion_tokens" not in completion["properties"]


def test_an_unknown_profile_is_told_those_that_are() -> None:
    with pytest.raises(OptionError, match="must be documents or vllm, got 'vlm'"):
        read_options(["--profile", "vlm"], {})
    with pytest.raises(OptionError, match="concerns the dialect aios only"):
        read_options(["--profile", "vllm", "--dialect", "infinity"], {})


def test_other_dialects_keep_to_their_documents(running: Any) -> None:
    dialects = ("--dialect", "aios", "--dialect", "infinity")
    with served(running, "--profile", "vllm", *dialects) as client:
        body = {"input": "a", "dimensions": None, "model": "text-embedding-3-large"}
        for path, status in (("", 404), ("/infinity", 422)):
            assert client.post(f"{path}/v1/embeddings", body).status == status
