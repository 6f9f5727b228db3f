"""Streams under a limit of one token, beside whole answers under it."""

from typing import Any

import pytest
from exchanges import exchange, findings
from generations import choice, request, said

from aios_conformance.conformance.checks.one_token import (
    a_stream_says_its_only_token as check,
)
from aios_conformance.conformance.terms.exchange import Api, Exchange


def whole(api: Api, text: str, **more: Any) -> Exchange:
    sent = request(api, max_tokens=1, **more)
    return said(api, choice(api, text, finish_reason="length"), sent=sent)


def streamed(api: Api, text: str, limit: int = 1) -> Exchange:
    told = {"delta": {"content": text}} if api == "chat" else {"text": text}
    chunk = {"id": "a", "choices": [{"index": 0, "finish_reason": "length"} | told]}
    sent = request(api, stream=True, max_completion_tokens=limit)
    return exchange(api, sent, stream=[chunk], id="ex-9")


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_stream_of_one_token_has_a_text_if_whole_answers_have(api: Api) -> None:
    told, silent = [whole(api, "a"), whole(api, "b")], streamed(api, "")
    (found,) = findings(check, *told, silent, silent)
    assert (found.exchange, found.ids) == ("ex-9", ("META-059",))
    assert not findings(check, *told, silent, streamed(api, "a"))
    # a first token may be one that is not shown
    assert not findings(check, *told, silent)
    assert not findings(check, told[0], whole(api, ""), silent, silent)
    assert not findings(check, *told, *[streamed(api, "", limit=2)] * 2)
    echoed = [whole("completions", "a", echo=True)] * 2
    assert not findings(check, *echoed, *[streamed("completions", "")] * 2)
