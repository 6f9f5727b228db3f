"""Requests that say the same count the same tokens, wherever in a run they stand."""

import pytest
from exchanges import exchange, findings
from generations import request, said

from aios_conformance.conformance.checks.one_count import (
    choices_share_the_count_of_their_prompt,
)
from aios_conformance.conformance.checks.one_count import (
    what_says_the_same_counts_the_same as check,
)
from aios_conformance.conformance.terms.exchange import Api, Exchange


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_one_prompt_has_one_count(api: Api) -> None:
    one = said(api, "x")
    # neither the length of the answer nor how it is drawn is any of the prompt
    drawn = said(api, "y", completion=9, sent=request(api, temperature=1, seed=2))
    longer = said(api, "x", prompt=9, sent=request(api, "another text"))
    tooled = said(api, "x", prompt=9, sent=request(api, tools=[{}]))
    assert not findings(check, one, drawn, longer, tooled)
    (found,) = findings(check, one, said(api, "x", prompt=9, id="ex-2"), drawn)
    assert found.exchange == "ex-2"
    assert found.ids == ("META-038",)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_prompt_is_counted_once_for_all_its_choices(api: Api) -> None:
    check = choices_share_the_count_of_their_prompt
    one = said(api, "x")
    sent = request(api, n=3, stream=True)

    def several(count: int) -> Exchange:
        usage = {"prompt_tokens": count, "completion_tokens": 3, "total_tokens": 9}
        return exchange(api, sent, stream=[{"choices": [], "usage": usage}], id="ex-3")

    assert not findings(check, one, several(5))
    (found,) = findings(check, one, several(15))
    assert (found.exchange, found.ids) == ("ex-3", ("META-037",))
    assert not findings(check, several(15))  # nothing tells what one costs
    other = said(api, "x", sent=request(api, "another text"))
    assert not findings(check, other, several(15))


def read(api: Api, sent: dict[str, object], count: int) -> Exchange:
    counts = {"prompt_tokens": count, "total_tokens": count}
    return exchange(api, {"model": "m"} | sent, {"usage": counts})


@pytest.mark.parametrize(
    ("api", "sent", "seldom"),
    [
        ("rerank", {"query": "a", "documents": ["b"]}, {"top_n": 1}),
        ("score", {"text_1": "a", "text_2": ["b"]}, {"normalize": True}),
        ("embeddings", {"input": "a"}, {"encoding_format": "base64"}),
    ],
)
def test_what_is_asked_of_texts_costs_no_tokens(
    api: Api, sent: dict[str, object], seldom: dict[str, object]
) -> None:
    asked = [sent, sent, sent | seldom]
    assert not findings(check, *(read(api, each, 4) for each in asked))
    counts = zip(asked, (4, 4, 5), strict=True)
    assert findings(check, *(read(api, *each) for each in counts))
    cut = sent | {"truncate_prompt_tokens": 2}
    assert not findings(check, read(api, sent, 4), read(api, cut, 2))
