"""The entry point of the pytest plugin: silent and cheap without --target.

Only with `--target` on the command line is the judge imported.
"""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None]:
    """Turn a run with --target into a run of the suite."""
    words = map(str, early_config.invocation_params.args)
    if not any(word == "--target" or word.startswith("--target=") for word in words):
        yield
        return
    from aios_conformance.conformance.plugin import entry  # noqa: PLC0415

    if entry.claim(early_config, parser, args):
        yield
        return
    yield  # a --target of somebody else
    entry.explain_unclaimed(early_config, parser)
