"""A folder of a dialect is checked: what is wrong, where, and what would be right."""

import json
import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from aios_conformance import spec
from aios_conformance.spec import _dialects
from aios_conformance.spec.lint import problems
from aios_conformance.spec.new_dialect import write_dialect


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("written") / "own"
    write_dialect(home, "aihubmix")
    return home


@pytest.fixture
def folder(tmp_path: Path, written: Path) -> Path:
    return shutil.copytree(written, tmp_path / "own")


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


@pytest.mark.parametrize("origin", spec.DIALECTS)
def test_a_written_folder_is_right(tmp_path: Path, origin: str) -> None:
    name = write_dialect(tmp_path / f"from-{origin}", origin)
    assert name == f"from-{origin}"
    assert problems(tmp_path / name) == ()


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("requirements.yaml", "statement:", "statment:", "did you mean statement?"),
        ("requirements.yaml", "level: MUST", "level: MSUT", "did you mean MUST?"),
        ("requirements.yaml", "OWN-REQ-002", "OWN-REQ-001", "stated twice"),
        ("requirements.yaml", "OWN-REQ-002", "EMB-REQ-002", "a row of ours"),
        ("requirements.yaml", "OWN-REQ-002", "second", "must look like"),
        ("requirements.yaml", "- 004:", "- 009:", "no document 009"),
        ("requirements.yaml", "- POST /v1", "- POST /v2", "none of the operations"),
        ("openapi.yaml", "x-requirements:", "x-requirments:", "mean x-requirements?"),
        ("openapi.yaml", "- OWN-REQ-", "- OWN-REQS-", "which is no row"),
        ("openapi.yaml", "minItems:", "minItem:", "did you mean minItems?"),
        ("openapi.yaml", "- embeddings", "- embedding", "did you mean embeddings?"),
        ("models.yaml", "kind: matryoshka", "kind: matroshka", "mean matryoshka?"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    folder: Path, file: str, before: str, after: str, said: str
) -> None:
    path = folder / file
    change(path, before, after)
    found = problems(folder)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert any(
        each.path == path and said in each.text and 1 <= each.line <= len(lines)
        for each in found
    ), found


def test_a_manifest_that_cannot_be_followed_is_an_error(folder: Path) -> None:
    change(folder / "dialect.yaml", "openapi:", "openap:")
    with pytest.raises(spec.SpecError, match=r"did you mean openapi\?"):
        problems(folder)


def test_nothing_is_written_over(folder: Path) -> None:
    with pytest.raises(spec.SpecError, match="not empty"):
        write_dialect(folder, "aios")


def test_a_package_offers_a_dialect_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(folder.parent)
    offered = EntryPoint("own", "own", _dialects.GROUP)
    monkeypatch.setattr(_dialects, "_brought", {})
    monkeypatch.setattr(_dialects, "_offered", lambda: [offered])
    assert spec.find_dialect("own") == "own"
    assert spec.dialect("own").home == folder.resolve()
    assert len(spec.requirements("own")) == len(spec.requirements("aihubmix"))
    with pytest.raises(spec.SpecError, match=r"did you mean own\?"):
        spec.find_dialect("onw")


def test_the_name_of_another_dialect_is_refused(folder: Path) -> None:
    change(folder / "dialect.yaml", "name: own", "name: infinity")
    with pytest.raises(spec.SpecError, match="is taken by another"):
        spec.find_dialect(str(folder))


@pytest.mark.parametrize(
    ("reference", "said"), [("Nothing", "leads nowhere"), ("Loop", "leads to itself")]
)
def test_a_reference_that_leads_nowhere_is_told_before_anything_is_judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reference: str, said: str
) -> None:
    path = folder / "openapi.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    lost = {"$ref": f"#/components/schemas/{reference}"}
    document["components"]["schemas"]["Loop"] = lost
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    monkeypatch.setattr(_dialects, "_brought", {})
    with pytest.raises(spec.SpecError, match=rf"openapi\.yaml:\d+: .*{said}"):
        spec.sound_dialect(str(folder))


@pytest.mark.parametrize(
    ("file", "member"),
    [
        ("requirements.yaml", "requirements"),
        ("sources.yaml", "sources"),
        ("rulings.yaml", "rulings"),
        ("models.yaml", "models"),
    ],
)
@pytest.mark.parametrize("value", [None, 7, "word", [1], {"a": 1}])
def test_values_of_other_types_are_told_and_never_raise(
    folder: Path, file: str, member: str, value: object
) -> None:
    path = folder / file
    original = yaml.safe_load(path.read_text(encoding="utf-8"))
    row = original[member][0]
    wrong = [value, {member: value}, {member: [value]}]
    wrong += [{member: [{**row, name: value}]} for name in row]
    for changed in wrong:
        path.write_text(json.dumps(changed), encoding="utf-8")  # YAML, written fast
        assert isinstance(problems(folder), tuple)
