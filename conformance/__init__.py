"""The judge: observe a target once, judge it by many checks, report each row.

`run` judges from Python; `Result` is what it returns.
"""

from aios_conformance.conformance.api import Options, Result, run
from aios_conformance.conformance.options.values import (
    ConformanceError,
    OptionError,
    SuiteError,
    TargetError,
)

__all__ = [
    "ConformanceError",
    "OptionError",
    "Options",
    "Result",
    "SuiteError",
    "TargetError",
    "run",
]
