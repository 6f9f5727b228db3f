"""What the README says is what the code does."""

import re
from pathlib import Path

import pytest
import yaml
from plain_http import Client

from aios_conformance.mockserver.embedded import local_mock
from aios_conformance.mockserver.faults.kinds import KINDS
from aios_conformance.mockserver.options import read_options
from aios_conformance.mockserver.scripting.conditions import Match
from aios_conformance.mockserver.scripting.rule_reader import parse_rules
from aios_conformance.mockserver.scripting.rules import RuleResponse
from aios_conformance.mockserver.scripting.script import Script

README = (Path(__file__).parents[2] / "mockserver" / "README.md").read_text("utf-8")


def block(language: str, having: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(found for found in blocks if having in found)


def table(heading: str) -> set[str]:
    """The code names in the first column of the table under a heading."""
    after = README.partition(heading)[2]
    rows = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert rows is not None
    cells = [row.split("|")[1] for row in rows.group().splitlines()[2:]]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_example_rules_are_rules() -> None:
    parsed = parse_rules(yaml.safe_load(block("yaml", "rules:")))
    assert [rule.name for rule in parsed] == ["rate limit first", "weather", "rule 3"]


def test_the_tables_name_every_fault_condition_and_response() -> None:
    assert table("## A bad day") == {*KINDS, "400", "599"}
    assert table("last one stays") == {*Match.__slots__}
    responses = {*Script.__slots__, *RuleResponse.__slots__} - {"script"}
    assert table("each header has its value") == responses


@pytest.mark.parametrize(
    "line", re.findall(r"^aios-mock (--[^#\n]*)", README, re.MULTILINE)
)
def test_the_printed_commands_are_understood(line: str) -> None:
    read_options(line.split(), {})


def test_an_entry_of_the_journal_has_the_members_that_are_listed() -> None:
    listed = re.search(r"An entry has (.*)\.$", README, re.MULTILINE)
    assert listed is not None
    names = set(re.findall(r"`(\w+)`", listed.group(1)))
    with local_mock() as mock:
        Client(mock.url).get("/v1/models")
        assert mock.requests[0].keys() == names
