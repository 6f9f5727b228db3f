"""Rules are read strictly: every mistake is told with its place."""

from pathlib import Path
from typing import Any

import pytest
from asking import chat
from plain_http import Client

from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.mockserver.scripting.conditions import look_up
from aios_conformance.mockserver.scripting.rule_reader import (
    RuleError,
    load_rules,
    parse_rules,
)


def hit(**match: Any) -> dict[str, Any]:
    return {"match": match, "respond": {"text": "hit"}}


def said(mock: LocalMock) -> object:
    return chat(mock).json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({}, "/rules: rules must be a list"),
        (["x"], "/rules/0: a rule must be a mapping"),
        ([{"respond": {}}, {"match": {}}], "/rules/1: rule 2: respond is required"),
        ([{"answer": {}}], "/rules/0/answer: a rule knows no 'answer'; valid are name"),
        ([hit(txt="")], "/0/match/txt: match knows no 'txt', the nearest is 'text'"),
        ([hit(api="chatt")], "api knows no 'chatt', the nearest is 'chat'"),
        ([hit(text=5)], r"text must be text \(in quotes\), got 5"),
        ([hit(stream="yes")], "stream must be true or false"),
        ([hit(path="v1/rerank")], "a path begins with /"),
        ([hit(regex="(")], "/match/regex: regex:"),
        ([hit(regex="a" * 10_001)], "longer than 10000"),
        ([hit(jmespath="a[?b")], "/match/jmespath: jmespath: .* at character 5"),
        ([hit(jmespath="lenght(a)")], "no 'lenght', the nearest is 'length'"),
        ([hit(jmespath="|".join(["[@,@]"] * 20))], "more than 16 times"),
        ([hit(jmespath="!" * 900 + "a")], "nested too deeply"),
        ([hit(jmespath="a" * 1001)], "longer than 1000"),
        ([hit(jmespath="join(a, b)")], "must be written out"),
        ([hit(turn=0)], "turn counts from 1"),
        ([hit(tool_result={"nam": "x"})], "the nearest is 'name'"),
        ([hit(header={"x": 1})], "/header/x: x must be text"),
        ([hit(body={"seed": 1})], "JSON pointers"),
        ([hit(model=None)], "model says nothing"),
        ([{"times": 0, "respond": {}}], "times must be"),
        ([{"times": True, "respond": {}}], "times must be a whole number, got True"),
        ([{"respond": {"status": 200}}], "status must be from 400"),
        ([{"respond": {"status": "429"}}], "status must be a whole number, got '429'"),
        ([{"respond": {"fault": "trunkate"}}], "the nearest is 'truncate'"),
        ([{"respond": {"scores": [2]}}], "/scores/0: scores go from 0 to 1"),
        ([{"respond": {"tool_calls": [{}]}}], "needs a name"),
        ([{"respond": {"delay_ms": -1}}], "delay_ms must be"),
        ([{"respond": [{}, {"text": "{{ a[ }}"}]}], "/respond/1/text: {{ a.*itself"),
        ([{"name": "n", "respond": []}], "n: respond is required"),
        ([{"respond": {"text": "{{ boddy.model }}"}}], "the nearest is 'body'"),
        ([{"respond": {"text": "{{ length(txt || text) }}"}}], "knows no 'txt'"),
        ([{"respond": {"headers": {"a b": "c"}}}], "/headers/a b: no rule can set"),
        ([{"respond": {"headers": {"Content-Length": 1}}}], "no rule can set"),
        ([{"respond": {"headers": {"x": "a\r\nb"}}}], "x must be a line of text"),
    ],
)
def test_a_mistake_in_the_rules_is_named(rules: Any, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        parse_rules({"rules": rules})


def test_all_mistakes_are_told_each_with_its_place(
    mock: LocalMock, tmp_path: Path
) -> None:
    wrong = [{"match": {"api": "chatt"}, "respond": {"txt": "x"}}, {"respond": 5}]
    reply = Client(mock.url).send("PUT", "/_mock/rules", {"rules": wrong, "rule": 1})
    assert reply.status == 400
    told = reply.json()["error"]["message"].splitlines()
    assert [line.partition(":")[0] for line in told] == [
        "/rule",
        "/rules/0/match/api",
        "/rules/0/respond/txt",
        "/rules/1/respond",
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(
        "rules:\n"
        "  - match:\n"
        "      api: chatt\n"
        "    respond: {text: a, text: b}\n"
        "  - respond: {status: soon}\n"
    )
    with pytest.raises(RuleError) as raised:
        load_rules(file)
    places = [line.split(": ")[0] for line in str(raised.value).splitlines()]
    assert places == [f"{file}:3:12", f"{file}:4:24", f"{file}:5:23"]


def test_rules_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - match: {text: hello}\n    respond: {text: there}\n")
    (rule,) = load_rules(file)
    assert (rule.name, rule.times) == ("rule 1", None)
    with local_mock("--rules", str(file)) as mock:
        assert said(mock) == "there"
        mock.reset()
        assert said(mock) == "there"
    for text, reason in (
        ("- 1", "needs a list under `rules`, got the list alone"),
        ("5", "rules file must be a mapping"),
        ("{}", "needs a list under `rules`"),
        ("rules: [", r"rules\.yaml:2:1: is no YAML"),
        ("rules: 5", "must be a list"),
    ):
        file.write_text(text)
        with pytest.raises(RuleError, match=reason):
            load_rules(file)
    with pytest.raises(RuleError, match="cannot be read"):
        load_rules(tmp_path / "none.yaml")


def test_json_pointers() -> None:
    body = {"a": [{"b/c": 1, "d~e": 2}], "": 3}
    assert look_up(body, "/a/0/b~1c") == 1
    assert look_up(body, "/a/0/d~0e") == 2
    assert look_up(body, "/") == 3
    assert look_up(body, "") == body
    for nowhere in ("/a/1", "/a/x", "/b", "/a/0/b~1c/z"):
        assert look_up(body, nowhere) is None
