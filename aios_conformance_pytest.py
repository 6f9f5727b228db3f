"""The entry point of the pytest plugin: silent and cheap without --target.

Only with `--target` on the command line are our packages imported; they lie beside
this file, and are taken from there, whatever `sys.path` offers under their names.
"""

import sys
from collections.abc import Generator
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

import pytest

_HOME = Path(__file__).resolve().parent
_PACKAGES = ("spec", "conformance")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None]:
    """Turn a run with --target into a run of the suite."""
    words = map(str, early_config.invocation_params.args)
    if not any(word == "--target" or word.startswith("--target=") for word in words):
        yield
        return
    had = set(sys.modules)
    for name in _PACKAGES:
        _import_ours(name)
    from conformance.plugin import entry  # noqa: PLC0415  only with --target

    if entry.claim(early_config, parser, args):
        yield
        return
    # a --target of somebody else, who may have packages of the same names
    for name in set(sys.modules) - had:
        if name.partition(".")[0] in _PACKAGES:
            del sys.modules[name]
    yield
    entry.explain_unclaimed(early_config, parser)


def _import_ours(name: str) -> None:
    """Import a package from beside this file; name a foreign one in its place."""
    if module := sys.modules.get(name):
        if (found := _folder(module)) != _HOME / name:
            raise pytest.UsageError(
                f"the package {name!r} of {found} hides that of aios-conformance: "
                f"it was imported before --target was read. Run in another folder, "
                f"or without the plugin that imports it."
            )
        return
    spec = PathFinder.find_spec(name, [str(_HOME)])
    if spec is None or spec.loader is None:
        raise pytest.UsageError(f"aios-conformance is incomplete: no {_HOME / name}")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _folder(module: ModuleType) -> Path | None:
    places = list(getattr(module, "__path__", ())) or [module.__file__ or ""]
    return Path(places[0]).resolve() if places[0] else None
