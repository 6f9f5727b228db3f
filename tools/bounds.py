"""Try the package at the oldest and at the newest versions that it lets in.

Each trial has an environment of its own, made by uv (`pip install uv`), and fails if
the installed mock is not judged as full, or one of our tests of the mock's clients,
its command, its fixture and the judge's plugin fails.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
TRIALS = {"floor": "lowest-direct", "newest": "highest"}
TOOLS = ["pytest-timeout>=2.3", "pytest-xdist>=3.6"]
TESTS = [
    "tests/conformance/test_plugin_runs.py",
    "tests/conformance/test_private_names.py",
    "tests/mockserver/test_app.py",
    "tests/mockserver/test_app_openai.py",
    "tests/mockserver/test_pytest_plugin.py",
]
WITHOUT = "not test_tool_calls_streamed"
"""openai had that helper elsewhere before 1.93; what is sent is the same."""


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return what it printed; exit with it if it fails."""
    home = {"VIRTUAL_ENV": "", "UV_PYTHON": sys.executable}
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | home
    ended = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{ended.stdout}")
    return ended.stdout


def tried(name: str, uv: str, folder: Path) -> str:
    """Install and test at one end of the bounds; return the versions in words."""
    home, resolution = folder / "environment", TRIALS[name]
    python = home / "bin" / "python"
    pip: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", python]
    run(uv, "venv", "--quiet", home)
    run(*pip, "--resolution", resolution, "--editable", ROOT, *TOOLS)
    said = run(home / "bin" / "aios-conformance", "run", "mock", cwd=folder)
    if "claim: full" not in said:
        sys.exit(said)
    without = ["-k", WITHOUT] if name == "floor" else []
    run(python, "-m", "pytest", "-q", "-n0", "--no-header", *without, *TESTS)
    shown = ("pytest==", "openai==", "aiohttp==", "hypothesis==", "schemathesis==")
    frozen = run(uv, "pip", "freeze", "--quiet", "--python", python).splitlines()
    return ", ".join(line for line in frozen if line.startswith(shown))


def main() -> None:
    """Try one end, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", nargs="*", help="floor, newest (default: both)")
    uv = which(
        "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.get_exec_path()}"
    )
    if uv is None:
        parser.error("uv is not installed: pip install uv")
    for name in parser.parse_args().trials or TRIALS:
        if name not in TRIALS:
            parser.error(f"no trial {name!r}: there are {', '.join(TRIALS)}")
        with TemporaryDirectory() as folder:
            print(f"{name}: passed with {tried(name, uv, Path(folder))}", flush=True)


if __name__ == "__main__":
    main()
