"""Build the wheel and the sdist into dist/, and try them as a user would.

    python tools/release.py            # with all interpreters that are here
    python tools/release.py 3.12       # one of them
    python tools/release.py --no-try   # build and compare only

Both are checked by twine, and the sdist must build the very wheel that the tree builds.
Then, for each interpreter, the wheel is installed into an empty environment with the
newest dependencies that it lets in, and from an empty folder the mock is judged, by the
command and by pytest. An interpreter that is not here is named, and its part done as
far as it goes: whether the index has a wheel of each dependency for it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
COMMANDS = ("aios-conformance", "aios-mock", "aios-reference")


def run(*words: str | Path, cwd: Path) -> str:
    """Run a command away from the checkout; exit with what it printed if it fails."""
    said = tried(*words, cwd=cwd)
    if said.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{said.stdout}")
    return said.stdout


def tried(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command away from the checkout, whatever comes of it."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env=environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def environment(python: str | Path, home: Path) -> Path:
    """Return the python of a fresh, empty environment."""
    run(python, "-m", "venv", home, cwd=home.parent)
    return home / "bin" / "python"


def built(python: Path, folder: Path) -> Path:
    """Build both into dist/, check them, and return the wheel."""
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
    run(*pip, "--constraint", ROOT / "constraints.txt", "build", "twine", cwd=folder)
    shutil.rmtree(DIST, ignore_errors=True)
    run(python, "-m", "build", "--outdir", DIST, ROOT, cwd=folder)  # sdist, its wheel
    direct = folder / "direct"
    run(python, "-m", "build", "--wheel", "--outdir", direct, ROOT, cwd=folder)
    (wheel,), (other,) = DIST.glob("*.whl"), direct.glob("*.whl")
    if differing := sorted(dict(contents(wheel).items() ^ contents(other).items())):
        sys.exit(f"the sdist builds another wheel than the tree: {differing}")
    run(python, "-m", "twine", "check", "--strict", *DIST.iterdir(), cwd=folder)
    return wheel


def contents(wheel: Path) -> dict[str, int]:
    """The files of a wheel with their checksums; RECORD repeats them."""
    return {
        each.filename: each.CRC
        for each in zipfile.ZipFile(wheel).infolist()
        if not each.filename.endswith("/RECORD")
    }


def interpreter(version: str) -> Path | None:
    """An interpreter of this version that runs: on the path, pyenv's, or uv's."""
    return next(
        (
            path
            for path in candidates(version)
            if tried(path, "--version", cwd=ROOT).stdout.startswith(
                f"Python {version}."
            )
        ),
        None,
    )


def candidates(version: str) -> Iterator[Path]:
    """Where one may be; what stands there need not run."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield Path(sys.executable)
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(home.glob(f"versions/{version}.*/bin/python"), reverse=True)
    if uv := shutil.which("uv"):
        said = tried(uv, "python", "find", "--no-python-downloads", version, cwd=ROOT)
        if not said.returncode:
            yield Path(said.stdout.strip())


def smoked(python: Path, wheel: Path, folder: Path) -> str:
    """Install the wheel alone, use it from an empty folder, and say what was seen."""
    home = environment(python, folder / "environment").parent
    run(home / "python", "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    run(home / "python", "-m", "pip", "check", cwd=folder)
    version = wheel.name.split("-")[1]
    for command in COMMANDS:
        said = run(home / command, "--version", cwd=folder)
        if said.split() != [command, version]:
            sys.exit(f"{command} --version says {said!r}")
    judge: list[str | Path] = [home / "aios-conformance", "run", "mock"]
    run(*judge, "--preset=smoke", "--report-dir=run", cwd=folder)
    with subprocess.Popen(
        [home / "aios-mock", "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # remarks on what the judge sends
        text=True,
    ) as mock:
        try:
            assert mock.stdout is not None  # noqa: S101  it is a pipe
            url = mock.stdout.readline().split()[-1]
            target = f"--target={url}"
            run(home / "pytest", target, "--report-dir=pytest", cwd=folder)
        finally:
            mock.terminate()
    report = json.loads((folder / "pytest" / "report.json").read_bytes())
    if report["claim"] != "full":
        sys.exit(f"the claim is {report['claim']!r}, see {folder}")
    return run(python, "--version", cwd=folder).strip()


def resolvable(python: Path, wheel: Path, version: str, folder: Path) -> str:
    """Whether the index has a wheel of each dependency for an interpreter."""
    run(python, "-m", "pip", "install", "--quiet", "uv", cwd=folder)
    (wanted := folder / "wanted.txt").write_text(f"{wheel}\n")
    said = tried(
        *(python.parent / "uv", "pip", "compile", "--quiet", "--no-python-downloads"),
        *("--python-version", version, "--only-binary", ":all:", wanted),
        cwd=folder,
    )
    told = said.stdout.strip().splitlines() or ["no reason given"]
    return f"lacks some: {told[-1]}" if said.returncode else "has them all"


def main() -> None:
    """Build, compare, check and try."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("versions", nargs="*", help="such as 3.12 (default: all)")
    parser.add_argument("--no-try", action="store_true", help="install nothing")
    given = parser.parse_args()
    versions = given.versions or PYTHONS
    if strangers := {*versions} - {*PYTHONS}:
        parser.error(f"{min(strangers)} is none of {', '.join(PYTHONS)}")
    with TemporaryDirectory() as name:
        maker = environment(sys.executable, Path(name) / "maker")
        wheel = built(maker, Path(name))
        print(*sorted(map(str, DIST.iterdir())), sep="\n", flush=True)
        for version in () if given.no_try else versions:
            folder = Path(name) / version
            folder.mkdir()
            if python := interpreter(version):
                print(f"{version}: tried, {smoked(python, wheel, folder)}", flush=True)
            else:
                told = resolvable(maker, wheel, version, folder)
                print(
                    f"{version}: NOT tried, no interpreter here; of its dependencies' "
                    f"wheels the index {told}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
