"""Judge the mock by one check, and again at each change of a file.

    python tools/watch.py RERANK-SEM-006
    python tools/watch.py results_are_sorted

Takes the name of a check or the id of a requirement. Every round is a process of its
own, which sends what feeds these requirements and nothing else.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WATCHED = ("aios_conformance", "tools")
ENDINGS = {".py", ".yaml", ".json"}
PAUSE_S = 0.5


def main(words: list[str]) -> int:
    """Watch until Ctrl-C, or judge once with `--once`."""
    if words[:1] == ["--once"] and len(words) == 2:
        return judge(words[1])
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: make watch CHECK=NAME-OF-A-CHECK|ID-OF-A-REQUIREMENT")
        return 4
    try:
        for _ in changes():
            subprocess.run([sys.executable, __file__, "--once", *words], check=False)
            print(f"watching {', '.join(WATCHED)} for {words[0]}; Ctrl-C ends")
    except KeyboardInterrupt:
        return 0
    return 0


def changes() -> Iterator[None]:
    """At once, and whenever a file has changed, come or gone."""
    before = None
    while True:
        if (now := stamps()) != before:
            before = now
            yield
        time.sleep(PAUSE_S)


def stamps() -> dict[Path, int]:
    """When each file that is watched was last written."""
    found = {}
    for folder in WATCHED:
        # what is in the package are links to folders, which rglob does not follow
        for top in (ROOT / folder).iterdir():
            for path in (top, *top.resolve().rglob("*")):
                if path.suffix in ENDINGS and path.is_file():
                    found[path] = path.stat().st_mtime_ns
    return found


def judge(name: str) -> int:
    """Judge the mock by the requirements of this name, as pytest tells it."""
    from aios_conformance.conformance.terms.catalogue import (  # noqa: PLC0415
        catalogue,  # only in the process of a round: it imports every check
    )
    from aios_conformance.spec import DIALECTS  # noqa: PLC0415

    known: set[str] = set()
    for dialect in DIALECTS:
        here = catalogue(dialect)
        by_name = {check.name: here.ids_of(check) for check in here.checks}
        by_name |= {row: (row,) for row in here.requirements}
        if rows := by_name.get(name):
            nodes = [f"aios-conformance::test_requirement[{row}]" for row in rows]
            words = ["-m", "pytest", "--target=mock", f"--dialect={dialect}", "-q"]
            words += ["-p", "no:schemathesis", "-rfE", *nodes]
            return subprocess.run([sys.executable, *words], check=False).returncode
        known |= by_name.keys()
    near = get_close_matches(name, known, cutoff=0.5)
    print(f"no check and no requirement {name!r}; near: {', '.join(near) or 'none'}")
    return 4


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
