"""A value that a target never takes is blamed for all the requests that have it."""

from dataclasses import replace
from typing import Any

from exchanges import exchange, findings, observation

from aios_conformance.conformance.checks.acceptance import each_step_ends_as_it_should
from aios_conformance.conformance.judging.always_refused import always_refused
from aios_conformance.conformance.probes.member_rows import rows_at_member
from aios_conformance.conformance.terms.exchange import Exchange, Facts

CHAT = "POST /v1/chat/completions"


def chat(status: int, *rows: str, **members: Any) -> Exchange:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **members}
    refusal: Any = {"error": {"message": "no"}}
    answer = refusal if status >= 400 else {"choices": []}
    return exchange("chat", body, answer, status=status, serves=rows)


def members(*exchanges: Exchange) -> set[tuple[str, str]]:
    found = always_refused(exchanges, "aios")
    assert all(operation == CHAT for operation, *_ in found)
    return {(name, value) for _, name, value in found}


def test_a_value_is_refused_alone_and_accepted_nowhere() -> None:
    plain, warm = chat(200, max_tokens=4), chat(200, temperature=1)
    cold = chat(422, "CHAT-REQ-041", temperature=0, max_tokens=9)
    scored = chat(422, temperature=0, logprobs=True)
    assert members(plain, warm, cold, scored) == {("temperature", "0")}
    # with company it may be the other one, and once it was taken
    assert not members(plain, warm, scored)
    assert not members(plain, warm, cold, chat(200, temperature=0, n=2))


def test_of_a_member_that_is_never_taken_every_value_is_blamed() -> None:
    one, other = chat(422, "CHAT-REQ-029", seed=1), chat(422, seed=2, n=2)
    unset = chat(200, seed=None)
    assert not members(one, other)  # as is all that was sent
    assert members(one, other, unset) == {("seed", "1"), ("seed", "2")}
    assert members(one, other, chat(200, seed=3)) == {("seed", "1")}


def test_a_list_where_one_text_would_do_is_company() -> None:
    def asked(status: int, prompt: object, **more: int) -> Exchange:
        rows = ("COMP-REQ-028",) if more else ("COMP-REQ-005",)
        body: Any = {"model": "m", "prompt": prompt, **more}
        return exchange("completions", body, {}, status=status, serves=rows)

    seeded, plain = asked(422, ["a"], seed=1), asked(200, "a")
    assert not always_refused([plain, seeded], "aios")
    found = always_refused([plain, seeded, asked(422, ["b"])], "aios")
    assert set(found.values()) == {("COMP-REQ-005",)}


def test_a_limit_is_no_company_where_one_is_taken() -> None:
    limited = chat(422, "CHAT-REQ-029", max_tokens=4, seed=1)
    assert not members(limited)
    assert members(limited, chat(200, max_tokens=9)) == {("seed", "1")}


def test_a_row_of_another_kind_may_speak_of_a_value() -> None:
    """A top_n above the count is refused in the name of what it is to give."""
    body = {"model": "m", "query": "q", "documents": ["d"], "top_n": 9}
    refused = exchange("rerank", body, {"error": {}}, status=422)
    of_top_n = replace(refused, serves=("RERANK-REQ-011",))
    assert not always_refused([replace(refused, serves=("RERANK-SEM-005",))], "aios")
    bare = exchange("rerank", {"model": "m"}, {"results": []})
    assert always_refused([bare, of_top_n], "aios")


def test_its_rows_are_blamed_in_place_of_those_of_its_company() -> None:
    scored = chat(422, "CHAT-REQ-018", temperature=0, logprobs=True)
    seen = observation("chat.logprobs", on=scored)
    (found,) = findings(each_step_ends_as_it_should, seen)
    assert found.ids == ("CHAT-REQ-018",)
    cold = chat(422, "CHAT-REQ-041", temperature=0)
    always = always_refused([chat(200), cold, scored], "aios")
    (found,) = findings(
        each_step_ends_as_it_should, replace(seen, always_refused=always)
    )
    assert found.ids == ("CHAT-REQ-041",)


def test_each_dialect_has_rows_of_its_own() -> None:
    """A member that the other documents do not have is blamed by its own rows."""

    def asked(status: int, *rows: str, **more: Any) -> Exchange:
        body = {"model": "m", "input": "x"} | more
        return exchange("embeddings", body, {}, status=status, serves=rows)

    plain, many = asked(200), asked(422, input=["x"])
    assert not always_refused([plain, many, asked(422, dimensions=2)], "infinity")
    row = next(iter(rows_at_member("embeddings", "dimensions", "infinity")))
    found = always_refused([plain, asked(422, row, dimensions=2)], "infinity")
    assert set(found.values()) == {(row,)}


def test_what_was_added_is_blamed_by_no_row_of_another_dialect() -> None:
    body = {"model": "m", "input": "x"}
    plain = exchange("embeddings", body, {"data": []})
    more = exchange("embeddings", body | {"dimensions": 2}, {}, status=422)
    facts = Facts(dialect="infinity")
    seen = observation("infinity.any", facts=facts, plain=plain, more=more)
    (found,) = findings(each_step_ends_as_it_should, seen)
    assert found.ids == ("COMMON-RES-001",)


def test_a_printed_body_that_is_refused_breaks_its_own_row_as_well() -> None:
    scored = chat(422, "CHAT-EX-001", temperature=0, logprobs=True)
    cold = chat(422, "CHAT-REQ-041", temperature=0)
    always = always_refused([chat(200), cold, scored], "aios")
    seen = replace(observation("chat.printed", on=scored), always_refused=always)
    (found,) = findings(each_step_ends_as_it_should, seen)
    assert found.ids == ("CHAT-REQ-041", "CHAT-EX-001")
