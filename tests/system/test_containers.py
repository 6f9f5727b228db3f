"""The images' recipe, as far as it can be held to the code without an engine."""

import ast
import re
import shlex
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "Dockerfile").read_text("utf-8")
NAMES = {
    "google-re2": "re2",
    "pyyaml": "yaml",
    "prometheus-client": "prometheus_client",
}
ON_REQUEST = {"openapi_core", "pytest", "_typeshed"}  # --self-check, a plugin, types


def stage(name: str) -> str:
    """The lines of a stage, joined where they are continued."""
    text = RECIPE.partition(f" AS {name}\n")[2].partition("\nFROM ")[0]
    return text.replace("\\\n", " ")


def test_the_mocks_image_has_what_the_mock_imports() -> None:
    words = shlex.split(re.findall(r"pip install (.*?) &&", stage("mock"))[0])
    installed = {NAMES.get(w, w.replace("-", "_")) for w in words if w[0] != "-"}
    imported = set()
    for folder in ("spec", "serving", "mockserver"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module)
    libraries = {name.partition(".")[0] for name in imported}
    libraries -= {*sys.stdlib_module_names, "aios_conformance"} | ON_REQUEST
    assert libraries <= installed


def test_servers_run_without_root_and_say_when_they_are_well() -> None:
    for name, port in (("mock", 8000), ("reference", 8001)):
        lines = stage(name)
        assert "USER aios" in lines
        assert f"http://127.0.0.1:{port}/health" in lines
        assert '"--host", "0.0.0.0"' in lines


def test_compositions_build_stages_that_there_are() -> None:
    for name in ("compose.yaml", "compose.reference.yaml"):
        services = yaml.safe_load((ROOT / name).read_text("utf-8"))["services"]
        for service in services.values():
            assert f" AS {service['build']['target']}\n" in RECIPE
        (target,) = (n for n in services if n != "judge")
        (url,) = (w for w in services["judge"]["command"] if w.startswith("http"))
        assert url.startswith(f"http://{target}:")
