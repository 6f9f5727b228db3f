"""Write a folder to start a dialect from: a copy of another, with ids of its own."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import yaml

from aios_conformance.spec._catalogue import Requirement, requirements, rulings
from aios_conformance.spec._dialects import MANIFEST, models
from aios_conformance.spec._documents import Example, examples, openapi
from aios_conformance.spec._files import DIALECTS, SpecError
from aios_conformance.spec._references import parse_reference
from aios_conformance.spec._sources import sources

_FOLLOWED = "x-source"
_HOW_TO_ANNOTATE = """\
x-requirements of a request: the rows that its refusal proves where it breaks the node;
# x-requirements of an answer: the rows that its shape proves;
# x-promises: the rows that acceptance of such a value proves;
# x-api: what an operation is."""


def write_dialect(folder: Path, origin: str) -> str:
    """Write the folder; the dialect's name, which is the folder's.

    Raises:
        SpecError: no such dialect, something is in the folder already, or it cannot
            be written.

    """
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    if not name:
        raise SpecError(f"{folder}: a dialect takes its name from its folder")
    if name in (*DIALECTS, "all"):
        raise SpecError(f"{folder}: {name} is taken: choose another name")
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder} is no folder")
    if folder.exists() and any(folder.iterdir()):
        raise SpecError(f"{folder} is not empty")
    try:
        (folder / "examples").mkdir(parents=True)
        _write(folder, name, origin)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SpecError(f"{folder}: cannot be written ({error.strerror})") from None
    return name


def _write(folder: Path, name: str, origin: str) -> None:
    rows = requirements(origin)
    ids = _renamed((row.id for row in rows), name)
    cited = sorted({parse_reference(each)[0] for row in rows for each in row.sources})
    stated = sorted({each for row in rows for each in row.rulings})
    parts: dict[str, tuple[str, Any]] = {
        MANIFEST: (
            f"A dialect that began as a copy of {origin}.",
            {
                "name": name,
                "title": name,
                "openapi": "openapi.yaml",
                "requirements": ["requirements.yaml"],
                "rulings": "rulings.yaml",
                "sources": "sources.yaml",
                "examples": "examples/index.yaml",
                "models": "models.yaml",
            },
        ),
        "openapi.yaml": (
            _HOW_TO_ANNOTATE,
            _with_ids(openapi(origin), ids),
        ),
        "requirements.yaml": (
            "One row for each promise; an id is never reused.",
            {"requirements": [_row(row, ids) for row in rows]},
        ),
        "rulings.yaml": (
            "Contradictions and gaps of the documents, and how they are read.",
            {"rulings": [_told(rulings()[each], ("requirements",)) for each in stated]},
        ),
        "sources.yaml": (
            "The documents that rows cite, as 900:12 is line 12 of document 900.",
            {"sources": [_told(sources()[each], ("line_hashes",)) for each in cited]},
        ),
        "models.yaml": (
            "What the mock serves; the first one of an API is the one to try.",
            {"models": [_told(each) for each in models(origin)]},
        ),
        "examples/index.yaml": (
            "What the documents print.",
            {"examples": [_example(folder, e, ids) for e in examples(origin).values()]},
        ),
    }
    for file, (comment, value) in parts.items():
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=88)
        (folder / file).write_text(f"# {comment}\n{text}", encoding="utf-8")


def _renamed(ids: Iterable[str], name: str) -> dict[str, str]:
    """New ids by the old ones: ACME-REQ-001, numbered anew for each kind."""
    prefix = re.sub(r"[^A-Z0-9]", "", name.upper()).lstrip("0123456789") or "OWN"
    counts: Counter[str] = Counter()
    found: dict[str, str] = {}
    for old in ids:
        kind = old.split("-")[-2]
        counts[kind] += 1
        found[old] = f"{prefix}-{kind}-{counts[kind]:03}"
    return found


def _with_ids(node: Any, ids: Mapping[str, str]) -> Any:
    """A document with the new ids, and without lines that others have stated."""
    if isinstance(node, dict):
        return {
            key: _with_ids(value, ids)
            for key, value in node.items()
            if key != _FOLLOWED
        }
    if isinstance(node, list):
        return [_with_ids(value, ids) for value in node]
    return ids.get(node, node) if isinstance(node, str) else node


def _row(row: Requirement, ids: Mapping[str, str]) -> dict[str, Any]:
    """A row under its new id; the row that it repeats may belong to others alone."""
    told = _told(row, ("dialects", "same_as"))
    same = ids.get(row.same_as or "")
    told |= {"same_as": same} if same else {}
    return {**told, "id": ids[row.id], "level": row.level.value}


def _example(folder: Path, example: Example, ids: Mapping[str, str]) -> dict[str, Any]:
    told = _told(example, ("dialect", "body"))
    told["requirements"] = [ids.get(row, row) for row in example.requirements]
    if example.body is not None:
        told["file"] = f"{example.id.lower()}.json"
        text = json.dumps(example.body, indent=2, ensure_ascii=False)
        (folder / "examples" / told["file"]).write_text(text, encoding="utf-8")
    return told


def _told(record: Any, but: Iterable[str] = ()) -> dict[str, Any]:
    """The members of a record that say something, as plain YAML values."""
    plain = {
        name: _plain(value) for name, value in asdict(record).items() if name not in but
    }
    usual = {
        each.name: _plain(each.default)
        for each in fields(record)
        if each.default is not MISSING
    }
    return {k: v for k, v in plain.items() if k not in usual or v != usual[k]}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value
