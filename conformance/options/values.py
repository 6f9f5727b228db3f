"""The options of a run: one frozen value, made once, passed down.

Errors drawn as a tree, ours and theirs apart:
    ConformanceError
    ├── OptionError        a bad option or file (exit 4)
    ├── TargetError        unreachable target, no usable model (exit 4)
    └── SuiteError         our own fault (exit 3)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path

Preset = Literal["smoke", "standard", "deep"]
PRESETS: tuple[Preset, ...] = ("smoke", "standard", "deep")
NARROWED: Mapping[Preset, int] = {"smoke": 20, "standard": 150, "deep": 600}
"""Requests that a run may spend on what a valid request was refused for."""
RESENT: Mapping[Preset, int] = {"smoke": 20, "standard": 120, "deep": 600}
"""Requests that a run may spend on sending again."""
SHRUNK: Mapping[Preset, int] = {"smoke": 0, "standard": 60, "deep": 600}
"""Requests that a run may spend on making findings smaller."""
FAIL_ON = ("must", "should", "unstable", "inconclusive-must", "inconclusive")

AGAINST_DIR = "against"
"""The reports of a second target lie here, below those of the first."""


class ExitCode(IntEnum):
    """What pytest and the command answer to the shell."""

    JUDGED = 0  # judged and not red
    RED = 1
    CUT_SHORT = 2
    OWN_ERROR = 3
    UNUSABLE = 4  # bad option or file, unreachable target, no usable model
    NOTHING = 5  # nothing passed and nothing failed


class ConformanceError(Exception):
    """An end of the run that the user can act on: message, code and hint."""

    exit_code = ExitCode.OWN_ERROR

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        """`code` is stable and machine-readable; `hint` says what to do."""
        super().__init__(message)
        self.code = code
        self.hint = hint


class OptionError(ConformanceError):
    """A bad option or file: what was wrong, where, and what is valid."""

    exit_code = ExitCode.UNUSABLE


class TargetError(ConformanceError):
    """The target cannot be reached, or serves no model that we can use."""

    exit_code = ExitCode.UNUSABLE


class SuiteError(ConformanceError):
    """A fault of the suite itself."""


def user_cache_dir() -> Path:
    """Where plans are cached: a folder of our own where the platform keeps caches."""
    return user_cache_path("aios-conformance", appauthor=False, opinion=False)


@dataclass(frozen=True, slots=True)
class Waiver:
    """A known deviation, tolerated until a day."""

    id: str
    reason: str
    expires: str  # ISO date, the last day on which it holds


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier run; what it showed to be broken is known, and not red again."""

    place: str  # as it was named
    url: str
    started: str
    suite: str  # version
    requirements_sha256: str
    verdicts: Mapping[str, str]  # by id


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Everything that decides what a run sends and how it judges."""

    target: str  # a URL, or "mock" / "reference"
    dialect: str = "aios"
    models: Mapping[str, str] = field(default_factory=dict)  # API (or "*") → name
    apis: tuple[str, ...] = ()  # declared scope; () = discover
    without: tuple[str, ...] = ()  # capabilities that the vendor does not claim
    api_key: str | None = field(default=None, repr=False)
    api_key_env: str = "AIOS_API_KEY"  # the name shown in curl lines
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    preset: Preset = "standard"
    max_requests: int | None = None
    max_tokens: int | None = None  # prompt and completion tokens together
    concurrency: int = 8
    rate: float | None = None  # requests a second
    request_timeout_s: float = 60.0
    max_time_s: float = 7200.0  # of the run as a whole
    waivers: tuple[Waiver, ...] = ()
    baseline: Baseline | None = field(default=None, repr=False)
    edition: str | None = None  # whose rows are scored; None: all
    fail_on: tuple[str, ...] = ("must",)
    report_dir: Path = Path("reports/latest")
    resume: bool = False
    ca_bundle: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    insecure: bool = False
    seed: int = 0
    # requests that making findings smaller may cost; None: what the preset allows
    shrink_requests: int | None = None
    # None: nothing is cached between runs
    cache_dir: Path | None = field(default_factory=user_cache_dir)

    @property
    def requests_for_smaller(self) -> int:
        """Requests that making findings smaller may cost."""
        given = self.shrink_requests
        return SHRUNK[self.preset] if given is None else given

    @property
    def requests_to_explain(self) -> int:
        """Requests that may follow the plan where something is found."""
        preset = self.preset
        return NARROWED[preset] + RESENT[preset] + self.requests_for_smaller
