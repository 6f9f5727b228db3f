"""The built wheel, and a fresh environment that has it; once for all tests."""

import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest
from installed import DISTRIBUTION, ROOT, TAKEN, run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without leaving anything in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for name in (*TAKEN, "aios_conformance_pytest.py", "pyproject.toml", DISTRIBUTION):
        (source / name).symlink_to(ROOT / name)
    (source / "LICENSE").symlink_to(ROOT / "LICENSE")
    (source / "README.md").write_text("Not what is tested here.\n")
    isolation = ["--no-build-isolation"] if find_spec("setuptools") else []
    folder = tmp_path_factory.mktemp("wheel")
    run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"],
        [*isolation, "--wheel-dir", str(folder), str(source)],
        cwd=folder,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The folder of the commands of a fresh environment."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    site = next((home / "lib").glob("python*/site-packages"))
    borrowed = home / "borrowed"
    borrowed.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if DISTRIBUTION not in entry.name and entry.suffix != ".pth":
            (borrowed / entry.name).symlink_to(entry)
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    python = home / "bin" / "python"
    run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps"],
        ["--no-index", str(wheel)],
        cwd=home,
    )
    command = home / "bin" / "pytest"  # as pip would have made it
    command.write_text(
        f"#!{python}\nimport sys\nfrom pytest import console_main\n"
        f"sys.exit(console_main())\n"
    )
    command.chmod(0o755)
    return home / "bin"
