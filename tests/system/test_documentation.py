"""The pages of the documentation, as far as no builder of sites has to run for it."""

import re

import documentation_defects
import pages
import pytest
from installed import ROOT

from aios_conformance import spec

DOCS = ROOT / "docs"


def test_every_requirement_stands_on_one_page() -> None:
    calls = [
        re.findall(r"<!-- fill: requirements (.*) -->", page.read_text())
        for page in DOCS.glob("requirements/*.md")
    ]
    filled = "".join(
        pages.FILLS["requirements"](*words.split()) for call in calls for words in call
    )
    rows = {row.id for each in spec.DIALECTS for row in spec.requirements(each)}
    told = re.findall(r"^\(([A-Z\d-]+)\)=$", filled, re.MULTILINE)
    assert sorted(told) == sorted(rows)


def test_options_are_code_wherever_a_help_text_names_them() -> None:
    """A typesetter makes one dash of two, and nobody can paste that."""
    told = re.sub(r"```.*?```", "", pages.FILLS["options"](), flags=re.DOTALL)
    assert "`--report-dir`" in told
    assert not re.search(r"(?<![\w-])--?[a-z]", re.sub(r"`[^`]*`", "", told))


def test_the_defects_of_the_documents_are_those_of_today() -> None:
    seen = documentation_defects.followed(ROOT / "reports")
    page = documentation_defects.PAGE.read_text("utf-8")
    assert page == documentation_defects.page(seen), "run the tool of that name"
    assert all(f"\n### {ruling} " in page for ruling in spec.rulings())


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("[the mock](mockserver/README.md#options)", "[the mock](../mock.md#options)"),
        ("[reports](reports/)", "[reports](../reports.md)"),
        ("[code](tools/row.py)", "[code](tree/tools/row.py)"),
        (
            "META-001, `META-001`, A-036, UTF-008",
            "[META-001](#META-001), `META-001`, [A-036](#A-036), UTF-008",
        ),
        ("[lost](no/such.md)", "[lost](no/such.md)"),  # which the builder refuses
        (
            "`[as](README.md)`, [out](https://x.y)",
            "`[as](README.md)`, [out](https://x.y)",
        ),
    ],
)
def test_links_of_a_readme_lead_to_pages(text: str, linked: str) -> None:
    assert pages.linked(text, ROOT / "README.md", "requirements/x", "tree/") == linked
