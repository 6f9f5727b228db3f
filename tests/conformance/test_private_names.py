"""The private names of libraries that we use: if one has moved, it is told here."""

import pytest
from hypothesis import configuration
from hypothesis.internal.conjecture.providers import (
    AVAILABLE_PROVIDERS,
    HypothesisProvider,
)
from hypothesis.internal.constants_ast import Constants

from aios_conformance.conformance.planning import drawing


def test_pytest_keeps_what_an_ini_file_said_where_we_forget_it(
    pytestconfig: pytest.Config,
) -> None:
    assert isinstance(pytestconfig._inicache, dict), "see plugin/entry.py"
    ini = getattr(pytestconfig, "_inicfg", None) or pytestconfig.inicfg
    assert "testpaths" in ini, "see plugin/entry.py"


def test_hypothesis_has_providers_whose_constants_we_leave_out() -> None:
    assert hasattr(HypothesisProvider, "_local_constants"), (
        "constants of local modules come from elsewhere: see planning/drawing.py"
    )
    name = AVAILABLE_PROVIDERS[drawing.REPEATABLE]
    assert name == f"{drawing.__name__}.{drawing._Repeatable.__name__}"
    assert not any(
        Constants().set_for_type(kind)
        for kind in ("integer", "float", "bytes", "string")
    )


def test_hypothesis_has_a_home_that_we_put_back() -> None:
    assert hasattr(configuration, "__hypothesis_home_directory"), (
        "where Hypothesis keeps its tables is set elsewhere: see planning/drawing.py"
    )
