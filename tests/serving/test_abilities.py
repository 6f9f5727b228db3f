"""What an engine cannot do, and what is said when it can do nothing any more."""

import asyncio
from typing import Any

import pytest

from aios_conformance.serving import run
from aios_conformance.serving.engine import Model, Unwell
from aios_conformance.serving.models import capabilities

CHAT = {"model": "plain", "messages": [{"role": "user", "content": "a"}]}
CALLED = {"type": "function", "function": {"name": "f", "parameters": {}}}
COMPLETION = {"model": "plain", "prompt": "a"}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("chat/completions", {**CHAT, "logit_bias": {"1": 2}}, "logit_bias"),
        (
            "chat/completions",
            {**CHAT, "response_format": {"type": "json_object"}},
            "response_format",
        ),
        (
            "chat/completions",
            {**CHAT, "tools": [CALLED], "tool_choice": "required"},
            "tool_choice",
        ),
        ("completions", {**COMPLETION, "logit_bias": {"1": 2}}, "logit_bias"),
        ("completions", {**COMPLETION, "echo": True, "logprobs": 1}, "logprobs"),
    ],
)
def test_what_an_engine_lacks_is_refused_by_name(
    scripted: Any, path: str, body: dict[str, Any], param: str
) -> None:
    client = scripted(b"a")
    answer = client.post(f"/v1/{path}", body)
    error = answer.json()["error"]
    assert answer.status == 400
    assert (error["code"], error["param"]) == ("feature_unsupported", param)
    assert client.post(f"/v1/{path}", {**body, "model": "chat"}).status == 200


def test_capabilities_leave_out_what_is_lacking() -> None:
    apis = frozenset[Any](("chat",))
    able = Model("a", apis, 9)
    unable = Model("b", apis, 9, lacks=frozenset({"structured_output"}))
    assert capabilities(able) == [
        "chat",
        "logit_bias",
        "prompt_logprobs",
        "structured_output",
    ]
    assert set(capabilities(able)) - {*capabilities(unable)} == {"structured_output"}
    assert capabilities(Model("c", frozenset({"score"}), 9)) == ["score"]


def test_an_engine_that_is_gone_is_told_as_503_with_the_reason(
    scripted: Any, make_engine: Any
) -> None:
    class Ill(make_engine):  # type: ignore[misc]
        def illness(self) -> str | None:
            return "the upstream refuses connections"

        async def death(self) -> str:
            return "never"

    client = scripted(engine=Ill(lambda *_: [], failure=Unwell("it died of x")))
    health = client.get("/health")
    assert health.status == 503
    assert health.json()["reason"] == "the upstream refuses connections"
    answer = client.post("/v1/chat/completions", {**CHAT, "model": "chat"})
    assert answer.status == 503
    assert answer.json()["error"]["code"] == "engine_unavailable"
    assert "died of x" in answer.json()["error"]["message"]


def test_a_process_ends_with_its_engine() -> None:
    async def death() -> str:
        return "out of memory"

    async def main() -> None:
        await run.ended(asyncio.Event(), death)

    with pytest.raises(run.Died, match="out of memory"):
        asyncio.run(main())
