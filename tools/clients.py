"""Run real clients against the mock, those that can live together in one environment.

`tests/clients/clients.toml` names them, with their versions. An environment is made
once, by uv or npm, and kept in `.clients/`; the mock is started anew for each client.
Without a name all of them run. `--make` runs nothing: it makes the environments, the
heavy ones only for who is named. `--newest` takes the newest versions instead,
`--profile vllm` a mock that answers as vLLM does.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from aios_conformance.mockserver.embedded import local_mock

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "clients"
KEPT = ROOT / ".clients"


Client = Mapping[str, Any]


def clients() -> dict[str, Client]:
    """Return what clients.toml says of each client."""
    return tomllib.loads((TESTS / "clients.toml").read_text())


def packages_beside(client: Client, *, newest: bool = False) -> list[str]:
    """Return the packages of a client's environment, which others may share."""
    sharing = [c for c in clients().values() if c["lives_in"] == client["lives_in"]]
    packages = sorted({package for one in sharing for package in one["packages"]})
    if newest:
        return [re.sub(r"==.*|(?<=.)@[\d.]+$", "", package) for package in packages]
    return packages


def home_of(client: Client, *, newest: bool = False) -> Path:
    """Return the folder of a client's environment."""
    return KEPT / f"{client['lives_in']}{'-newest' if newest else ''}"


def is_made(client: Client, *, newest: bool = False) -> bool:
    """Tell whether a client's environment is there, in the versions of today."""
    made = home_of(client, newest=newest) / "made.txt"
    packages = packages_beside(client, newest=newest)
    return made.exists() and made.read_text().split() == packages


def make(client: Client, *, newest: bool) -> None:
    """Make a client's environment."""
    home = home_of(client, newest=newest)
    packages = packages_beside(client, newest=newest)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    if client["tests"].endswith(".py"):
        uv = shutil.which("uv", path=_path(Path(sys.executable).parent))
        commands = [
            [uv or "uv", "venv", "--quiet", "--allow-existing", str(home)],
            [uv or "uv", "pip", "install", "--quiet", "--python", f"{home}/bin/python"],
        ]
    else:
        (home / "package.json").write_text('{"type": "module"}')
        commands = [["npm", "install", "--silent", "--no-audit", "--no-fund"]]
    commands[-1] += packages
    for command in commands:
        subprocess.run(command, cwd=home, check=True)
    (home / "made.txt").write_text("\n".join(packages))


def _path(first: Path) -> str:
    return f"{first}{os.pathsep}{os.environ['PATH']}"


def ran(name: str, home: Path, tests: str, profile: str) -> tuple[Counter[str], str]:
    """Run a client's tests; return how many ended how, and what they printed."""
    junit = home / f"{name}.xml"
    junit.unlink(missing_ok=True)
    shutil.copy(TESTS / tests, home / tests)  # beside the packages, as Node wants it
    if tests.endswith(".py"):
        words = [f"{home}/bin/python", "-m", "pytest", "-q", "-c", "/dev/null"]
        words += ["-o", "asyncio_mode=auto"]  # of LangChain's standard tests
        words += ["-p", "no:cacheprovider", f"--junitxml={junit}", tests]
    else:
        words = ["node", "--test", "--test-reporter=junit"]
        words += [f"--test-reporter-destination={junit}", tests]
    with local_mock("--profile", profile) as mock:
        clients = {
            "OPENAI_BASE_URL": mock.base_url,
            "OPENAI_API_BASE": mock.base_url,
            "CO_API_URL": mock.base_url.removesuffix("/v1"),
            "OPENAI_API_KEY": "any",
            "CO_API_KEY": "any",
            "COHERE_API_KEY": "any",
            "MOCK_PROFILE": profile,
        }
        ended = subprocess.run(
            words,
            cwd=home,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | clients,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if not junit.exists():
        return Counter(failed=1), ended.stdout
    cases = ET.parse(junit).iter("testcase")  # noqa: S314  written a moment ago
    return Counter(map(_outcome, cases)), ended.stdout


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def main() -> int:
    """Print a line for each client; return 1 if a test of one failed."""
    known = clients()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clients", nargs="*", help=", ".join(known))
    parser.add_argument("--make", action="store_true", help="environments only")
    parser.add_argument("--newest", action="store_true", help="the newest versions")
    parser.add_argument("--profile", default="documents", help="that of the mock")
    asked = parser.parse_args()
    if strange := set(asked.clients) - set(known):
        parser.error(f"no client {min(strange)!r}: there are {', '.join(known)}")
    red = False
    for name in asked.clients or known:
        client = known[name]
        if asked.make and client["lives_in"].startswith("heavy") and not asked.clients:
            continue
        if not is_made(client, newest=asked.newest):
            make(client, newest=asked.newest)
        if asked.make:
            continue
        home = home_of(client, newest=asked.newest)
        counts, text = ran(name, home, client["tests"], asked.profile)
        red = red or bool(counts["failed"])
        if counts["failed"]:
            print(text)
        print(f"{name}: {', '.join(f'{n} {how}' for how, n in counts.items())}")
    return int(red)


if __name__ == "__main__":
    sys.exit(main())
