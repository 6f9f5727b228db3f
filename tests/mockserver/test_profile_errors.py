"""Every error has the layout of the profile, whoever refuses."""

import json
from typing import Any

import pytest
from asking import ASK, CHAT, PATH
from plain_http import Client

from aios_conformance.mockserver.embedded import local_mock
from aios_conformance.mockserver.profile.profiles import PROFILES

FAULT = "X-Mock-Fault"
DIALECTS = ("--dialect", "aios", "--dialect", "aigne-hub")
REFUSED: Any = {
    "body": (400, "BadRequestError", {"body": {"model": CHAT}}),
    "model": (404, "NotFoundError", {"body": {**ASK, "model": "none"}}),
    "near path": (404, "NotFoundError", {"path": "/v1/chat/completion"}),
    "method": (405, "MethodNotAllowedError", {"path": "/v1/models"}),
    "key": (401, "AuthenticationError", {"Authorization": "Bearer wrong"}),
    "model card": (404, "NotFoundError", {"path": "/v1/models/none", "get": True}),
    "X-Mock-Status": (422, "Unprocessable Entity", {"X-Mock-Status": "422"}),
    "X-Mock-Fault": (500, "InternalServerError", {"X-Mock-Fault": "error"}),
    "nonsense": (400, "BadRequestError", {"X-Mock-Fault": "nonsense"}),
    "unknown status": (499, "APIError", {"X-Mock-Status": "499"}),
    "rule": (429, "Too Many Requests", {"rule": {"status": 429, "message": "Slow."}}),
    "rule's fault": (503, "ServiceUnavailableError", {"rule": {"fault": "503"}}),
    "rate": (529, "APIError", {"faults": ["529=1"]}),
    "quota": (429, "Too Many Requests", {"quota": {"requests": 1, "seconds": 3600}}),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_error_is_told_in_the_layout_of_the_profile(
    profile: str, kind: str
) -> None:
    status, name, asked = REFUSED[kind]
    with local_mock("--profile", profile, "--api-key", "right") as mock:
        if "rule" in asked:
            mock.rules({"respond": asked["rule"]})
        mock.faults(*asked.get("faults", ()))
        key = asked.get("Authorization", "Bearer right")
        headers = {n: v for n, v in asked.items() if n.startswith("X-")}
        client = Client(mock.url)
        path = asked.get("path", PATH)
        if "quota" in asked:
            mock.rate_limit(**asked["quota"])
            client.post(path, ASK, Authorization=key)
        method, body = ("GET", None) if "get" in asked else ("POST", ASK)
        body = asked.get("body", body)
        answer = client.send(method, path, body, Authorization=key, **headers)
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    if profile == "vllm":
        assert (answer.status, error["type"], error["code"]) == (status, name, status)
    else:
        assert answer.status == (422 if kind == "body" else status)
        assert isinstance(error["code"], str)
        assert error["type"] == error["type"].lower()


@pytest.mark.parametrize("profile", PROFILES)
def test_an_error_in_a_stream_is_told_in_the_layout_of_the_profile(
    profile: str,
) -> None:
    with local_mock("--profile", profile) as mock:
        body = {**ASK, "stream": True}
        answer = Client(mock.url).post(PATH, body, **{FAULT: "error"})
    told = json.loads(answer.body.split(b"data: ")[-1])["error"]
    expected = ("InternalServerError", 500) if profile == "vllm" else ()
    assert (told["type"], told["code"]) == (expected or ("server_error", "mock_fault"))


def test_other_dialects_keep_their_layout_beside_a_profile() -> None:
    with local_mock("--profile", "vllm", *DIALECTS) as mock:
        client = Client(mock.url)
        for path, code in (
            (PATH, 503),
            ("/api/embeddings", "overloaded"),
            ("/aigne-hub/nothing", "overloaded"),
            ("/nothing", 503),
        ):
            answer = client.post(path, ASK, **{"X-Mock-Status": "503"})
            assert answer.json()["error"]["code"] == code, path
