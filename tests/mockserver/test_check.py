"""`aios-mock check`: what is wrong with files, before they are used."""

import json
from pathlib import Path

import pytest
from takes import TAKE

from aios_conformance.mockserver.__main__ import main
from aios_conformance.mockserver.scripting.rule_reader import parse_rules
from aios_conformance.mockserver.scripting.suspicions import covers


def checked(
    capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[int, list[str]]:
    code = main(["check", *map(str, words)])
    return code, capsys.readouterr().out.splitlines()


def test_every_mistake_of_every_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, tape, options = (
        tmp_path / name for name in ("rules.yaml", "tape.jsonl", "mock.yaml")
    )
    rules.write_text("rules:\n- match: {api: chatt}\n  respond: {fault: kut}\n")
    tape.write_text(json.dumps(TAKE) + "\n{\n" + json.dumps({**TAKE, "status": "x"}))
    options.write_text("port: x\nttft: 3\nfault: [429=0.1, boom]\nrules: none\n")
    code, said = checked(capsys, rules, tape, options)
    assert code == 2
    assert [line.partition(": error: ")[0] for line in said] == [
        f"{rules}:2:16",
        f"{rules}:3:20",
        f"{tape}:2:2",
        f"{tape}:3:1",
        f"{options}:1:7",
        f"{options}:2:1",
        f"{options}:3:8",
        f"{options}:4:8",
    ]
    assert "the nearest is 'cut'" in said[1]
    assert checked(capsys, tmp_path / "none.yaml")[0] == 2
    assert checked(capsys, tmp_path / "none.jsonl")[0] == 2
    code, said = checked(capsys, rules, "--json")
    assert json.loads(said[0])["place"] == f"{rules}:2:16"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("rules:\n\t- respond: {text: a}\n", "2:1", "lines are indented with spaces"),
        ('rules:\n- match: {regex: "\\d"}\n', "2:19", "in single quotes it stands"),
        ("- respond: {text: a}\n", "1:1", "needs a list under `rules`"),
        ("rules:\n- respond: {text: '{{ text | upper }}'}\n", "2:19", "text is plain"),
        ("rules:\n- respond: {text: '{{ tool_result.name.x }}'}\n", "", ""),
        ("rules:\n- respond: {text: '{{ tool_result.txt }}'}\n", "2:19", "is 'text'"),
        ("rules:\n- {name: a, respond: {}, times: 1}\n- {name: a, respond: {}}\n",
         "3:3", "rule 1 is named 'a' too"),
    ],
)  # fmt: skip
def test_what_was_meant_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, place: str, says: str
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(text)
    _, (said,) = checked(capsys, rules)
    assert said.startswith(f"{rules}:{place}")
    assert says in said


def test_what_can_be_used_is_ok_and_what_never_acts_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, tape = tmp_path / "rules.yaml", tmp_path / "tape.jsonl"
    tape.write_text(json.dumps(TAKE))
    rules.write_text(
        "rules:\n"
        "- match: {text: rain}\n"
        "  respond: {text: wet}\n"
        "- match: {text: the rain, api: chat}\n"
        "  respond: {text: never}\n"
        "- match: {api: score, turn: 2, path: /v1/scores}\n"
        "  respond: {status: 500, text: unsaid}\n"
        "- match: {path: /rerank, api: chat}\n"
        "  respond: {message: unsaid}\n"
        "- match: {body: {/temprature: 0, /mine: 1}, jmespath: mesages}\n"
        "  respond: {}\n"
    )
    code, said = checked(capsys, rules, tape)
    assert code == 0
    assert [line.partition(": warning: ")[0] for line in said[:-1]] == [
        f"{rules}:4:3",
        f"{rules}:6:29",
        f"{rules}:6:38",
        f"{rules}:7:12",
        f"{rules}:8:10",
        f"{rules}:9:22",
        f"{rules}:10:31",
        f"{rules}:10:55",
    ]
    assert "has 'mesages', the nearest is 'messages'" in said[-2]
    assert "'rule 1' (rule 1) takes all" in said[0]
    assert said[-1] == f"{tape}: ok"


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ({}, {"text": "a"}, True),
        ({"text": "A"}, {"text": "bab"}, True),
        ({"text": "bab"}, {"text": "a"}, False),
        ({"regex": "a"}, {"regex": "a", "turn": 1}, True),
        ({"regex": "a"}, {"text": "a"}, False),
        ({"body": {"/n": 1}}, {"body": {"/n": 1, "/seed": 2}}, True),
        ({"body": {"/n": 1}}, {"body": {"/n": 2}}, False),
        ({"jmespath": "a"}, {"jmespath": "a"}, True),
        ({"tool_result": True}, {"tool_result": {"name": "x"}}, True),
        ({"stream": False}, {}, False),
    ],
)
def test_a_match_covers_what_is_narrower(
    wide: dict[str, object], narrow: dict[str, object], covered: bool
) -> None:
    content = [{"match": match, "respond": {}} for match in (wide, narrow)]
    first, second = parse_rules({"rules": content})
    assert covers(first.match, second.match) == covered
