"""The entry point of the pytest plugin: silent and cheap without --target.

Only with `--target` or `--help` on the command line is anything of ours imported.
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
        if early_config.known_args_namespace.help:
            from aios_conformance.conformance.plugin import helping  # noqa: PLC0415

            helping.show_options(parser)
        return
    from aios_conformance.conformance.plugin import entry  # noqa: PLC0415

    if entry.claim(early_config, parser, args):
        yield
        return
    yield  # a --target of somebody else
    entry.explain_unclaimed(early_config, parser)
