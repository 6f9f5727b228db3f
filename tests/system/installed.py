"""Commands of the installed wheel, what is in it, and our tools."""

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTION = "aios_conformance"
TAKEN = ("spec", "serving", "mockserver", "reference_impl", "conformance")


def tool(name: str) -> Any:
    """One of the scripts in tools/, as a module."""
    found = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def run(*words: list[str], cwd: Path, expect: int = 0) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    ended = subprocess.run(
        [word for part in words for word in part],
        cwd=cwd,
        env=environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    text = ended.stdout + ended.stderr
    assert ended.returncode == expect, text
    return text
