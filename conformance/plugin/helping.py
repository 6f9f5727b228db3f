"""Our options in `pytest --help`, but for those that somebody else has declared."""

import pytest

from aios_conformance.conformance.options.table import OPTIONS, TARGET, declare


def show_options(parser: pytest.Parser) -> None:
    """Declare what is free, for the help alone: a run without --target reads none."""
    group = parser.getgroup("aios-conformance", "aios-conformance: judge a live server")
    options = (TARGET, *OPTIONS)
    free = [option for option in options if not is_declared(parser, option.flag)]
    declare(group.addoption, free, prefix="aios_conformance_")


def is_declared(parser: pytest.Parser, flag: str) -> bool:
    """Somebody's conftest.py or plugin has an option of the same name."""
    try:
        _, unknown = parser.parse_known_and_unknown_args([f"{flag}=x"])
    except pytest.UsageError:  # it is theirs, and has its own idea of values
        return True
    return not unknown
