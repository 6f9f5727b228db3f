"""How long `aios-conformance site` takes for many runs.

    python benchmarks/site.py [RUNS]

A run of the mock is copied under the names of twenty servers, each with as many
versions as it takes; in every seventh another requirement is broken.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = (sys.executable, "-m", "aios_conformance.conformance")
SERVERS = 20


def main() -> None:
    """Record one run, copy it, build the site twice and print the times."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        one = home / "one"
        words = ["run", "mock", "--preset", "smoke", "--report-dir", str(one)]
        subprocess.run([*COMMAND, *words], check=True, stdout=subprocess.DEVNULL)
        report = json.loads((one / "report.json").read_bytes())
        page = (one / "report.html").read_bytes()
        for number in range(count):
            run = home / "runs" / f"server{number % SERVERS}-1.{number // SERVERS}"
            run.mkdir(parents=True)
            (run / "report.json").write_text(json.dumps(_of_day(report, number)))
            (run / "report.html").write_bytes(page)
        for name, target in (
            ("linked, inside the folder of the runs", home / "runs" / "site"),
            ("copied, elsewhere", home / "site"),
            ("copied, again", home / "site"),
        ):
            began = time.perf_counter()
            words = ["site", str(home / "runs"), str(target)]
            subprocess.run([*COMMAND, *words], check=True, stdout=subprocess.DEVNULL)
            print(f"{count} runs, {name}: {time.perf_counter() - began:.1f} s")


def _of_day(report: dict[str, object], number: int) -> dict[str, object]:
    """The report of another day, in which another requirement may be broken."""
    rows = json.loads(json.dumps(report["requirements"]))
    if number % 7 == 0:
        rows[number % len(rows)]["verdict"] = "fail"
    day = (
        f"2026-{1 + number // 28 % 12:02}-{1 + number % 28:02}T00:00:{number % 60:02}Z"
    )
    return {**report, "requirements": rows, "started": day}


if __name__ == "__main__":
    main()
