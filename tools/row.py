"""Begin a requirement: its row, probe line, check, defect and test, as stubs.

    python tools/row.py SCORE-RES-099 score

Every stub says TODO and fails until it is filled in; nothing is written unless every
place is found.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ROW = """\
  - id: {id}
    level: MUST
    statement: TODO what a server does, in your own words.
    topic: todo-{topic}
    api: {api}
    operations: []  # TODO
    sources: []  # TODO document:line
"""
PROBE = """\
    takes("{id}", TODO="a field, here or in refused"),
"""
CHECK = '''

@check("{id}")
def {name}(_: Observation) -> Iterator[Note]:
    """TODO the promise, and the name of this check."""
    raise NotImplementedError("TODO {id}")
    yield
'''
DEFECT = '''\
@in_answer("{id}", api=API)
def {name}_is_broken(context: RequestContext, answer: Answer) -> object:
    """TODO how a server breaks it."""
    raise NotImplementedError("TODO {id}")


'''
TEST = """

def test_{name}() -> None:
    raise NotImplementedError("TODO a good and a bad exchange for {id}")
"""


def main(words: list[str]) -> int:
    """Write the stubs, and say where."""
    if len(words) != 2 or not re.fullmatch(r"[A-Z]+(-[A-Z]+)+-\d{3}", words[0]):
        print("usage: make row ID=SCORE-RES-099 API=score")
        return 4
    identifier, api = words
    fill = {
        "id": identifier,
        "api": api,
        "topic": identifier.lower(),
        "name": identifier.lower().replace("-", "_"),
    }
    try:
        written = stubs(fill)
    except (OSError, ValueError) as error:
        print(f"nothing is written: {error}")
        return 4
    for path, text in written.items():
        path.write_text(text)
        print(path.relative_to(ROOT))
    print("next: fill in what says TODO, then make watch and prove --only")
    return 0


def stubs(fill: dict[str, str]) -> dict[Path, str]:
    """The files with the stubs in place. Raises ValueError where one has none."""
    api, name = fill["api"], fill["name"]
    ids = ROOT / "tests/spec/ids.txt"
    if re.search(rf"^{fill['id']}\b", ids.read_text(), re.MULTILINE):
        raise ValueError(f"{fill['id']} stands in {ids.relative_to(ROOT)} already")
    rows = ROOT / f"spec/requirements/{api}.yaml"
    probes = ROOT / f"conformance/probes/{api}.py"
    checks = ROOT / f"conformance/checks/{api}.py"
    defects = ROOT / f"mockserver/defects/{api}/fields.py"
    tests = ROOT / f"tests/conformance/test_checks_{api}.py"
    return {
        rows: rows.read_text() + ROW.format_map(fill),
        ids: ids.read_text() + f"{fill['id']} MUST\n",
        probes: _first_of(probes, PROBE.format_map(fill)),
        checks: checks.read_text() + CHECK.format_map(fill),
        defects: _listed(
            defects, "DEFECTS", f"{name}_is_broken", DEFECT.format_map(fill)
        ),
        tests: tests.read_text() + TEST.format_map(fill),
    }


def _first_of(path: Path, stub: str) -> str:
    """The stub as the first line of the table of what is accepted."""
    head = re.compile(r'^ACCEPTED = accepted\(\s*"[^"]*",\s*"[^"]*",\s*', re.MULTILINE)
    text, count = head.subn(
        lambda found: f"{found[0].rstrip()}\n{stub}    ", path.read_text()
    )
    if count != 1:
        raise ValueError(f"{path.relative_to(ROOT)} has no table ACCEPTED")
    return text


def _listed(path: Path, table: str, name: str, stub: str) -> str:
    """The stub before the table of its module, and its name in that table."""
    text = path.read_text()
    head = re.search(rf"^{table}: .*= \(\n", text, re.MULTILINE)
    if head is None:
        raise ValueError(f"{path.relative_to(ROOT)} has no table {table}")
    before, after = text[: head.start()], text[head.end() :]
    return f"{before}{stub}{head[0]}    {name},\n{after}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
