"""Count what shows whether the contract's knowledge stands in the contract.

    python benchmarks/house.py

Prints one count a line. Tables keyed by APIs or by dialects, and files that name all
the APIs, are looked for in the syntax trees of all Python outside spec/ and tests/;
rows judged alike are all the rows of a dialect that exactly the same checks judge, but
for the first of them and for those that say in `same_as` which one they repeat.
"""

import argparse
import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.spec import DIALECTS, MODEL_APIS

ROOT = Path(__file__).resolve().parent.parent
APART = ("spec", "tests", "aios_conformance")  # the last is made of links to the others


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted, and where it was found."""

    name: str
    found: tuple[str, ...]


def sources() -> Iterator[Path]:
    """The Python files outside the contract and the tests."""
    for path in sorted(ROOT.rglob("*.py")):
        inside = path.relative_to(ROOT).parts
        if inside[0] not in APART and not inside[0].startswith("."):
            yield path


def tables(tree: ast.AST, names: frozenset[str]) -> Iterator[int]:
    """The lines of dict literals of which two keys or more are such names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if len(keys & names) > 1:
                yield node.lineno


def texts(tree: ast.AST) -> frozenset[object]:
    """All string constants."""
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(each.value for each in constants if isinstance(each.value, str))


def judged_alike(dialect: str) -> Iterator[str]:
    """Rows that repeat the checks of another and do not say whose."""
    known = catalogue(dialect)
    rows: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in known.requirements.values():
        checks = tuple(c.name for c in known.checks if row.id in {*c.ids, *c.names})
        if checks and getattr(row, "same_as", None) is None:
            rows[checks].append(row.id)
    for alike in rows.values():
        yield from alike[1:]


def one_name(trees: dict[str, ast.Module]) -> Iterator[str]:
    """Names of public classes that two packages have, each with its packages."""
    packages: dict[str, set[str]] = defaultdict(set)
    for file, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                packages[node.name].add(file.partition("/")[0])
    for name, found in sorted(packages.items()):
        if len(found) > 1:
            yield f"{name} ({', '.join(sorted(found))})"


def counts() -> Iterator[Count]:
    """Everything that is counted in the trees."""
    trees = {str(p.relative_to(ROOT)): ast.parse(p.read_bytes()) for p in sources()}
    keys = {"API": frozenset(MODEL_APIS), "dialect": frozenset(DIALECTS)}
    for key, names in keys.items():
        found = [f"{f}:{n}" for f in trees for n in tables(trees[f], names)]
        yield Count(f"tables keyed by {key}", tuple(found))
    naming = [file for file, tree in trees.items() if texts(tree) >= {*MODEL_APIS}]
    yield Count("files that name all APIs", tuple(naming))
    yield Count("public class names of two packages", tuple(one_name(trees)))
    root = [p.name for p in (ROOT / "conformance").glob("*.py")]
    yield Count("modules at the root of conformance/", tuple(sorted(root)))
    alike = {row: None for dialect in DIALECTS for row in judged_alike(dialect)}
    yield Count("rows judged by the same checks as another", tuple(alike))


def lines() -> Counter[str]:
    """Lines of Python in each folder at the root."""
    found: Counter[str] = Counter()
    for path in ROOT.rglob("*.py"):
        folder, *rest = path.relative_to(ROOT).parts
        if folder == "aios_conformance" or folder.startswith("."):
            continue
        found[folder if rest else "(root)"] += path.read_bytes().count(b"\n")
    return found


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--where", action="store_true", help="say where each was found")
    where = parser.parse_args().where
    for count in counts():
        sys.stdout.write(f"{count.name}: {len(count.found)}\n")
        if where:
            sys.stdout.writelines(f"    {each}\n" for each in count.found)
    found = lines()
    for folder in sorted(found):
        sys.stdout.write(f"lines of Python in {folder}: {found[folder]}\n")
    sys.stdout.write(f"lines of Python: {found.total()}\n")


if __name__ == "__main__":
    main()
