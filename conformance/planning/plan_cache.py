"""Drawn parameters kept between runs, so that a run starts at once.

A cache only ever saves time: one that is missing, wrong or unwritable is passed
over in silence, and the draw is made anew.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import NamedTemporaryFile

from aios_conformance import spec
from aios_conformance.conformance.terms.probe import Params

Drawn = Mapping[str, list[Params]]
_GENERATORS = ("covertable", "hypothesis", "schemathesis")
_SOURCES = ("probes/*.py", "terms/probe.py", "planning/drawing.py")


def suite_version() -> str:
    """Version of the installed suite."""
    return _version("aios-conformance")


@dataclass(frozen=True, slots=True)
class PlanCache:
    """One file per dialect, preset, seed, and state of everything drawn from."""

    directory: Path | None
    dialect: str
    preset: str
    seed: int
    claimed: frozenset[str] = frozenset()

    @property
    def fingerprint(self) -> str:
        """Of what a draw depends on beside the seed."""
        return _state(self)

    def load(self, wanted: Mapping[str, int]) -> dict[str, list[Params]] | None:
        """The parameters of exactly these probes, or None."""
        path = self._path()
        if path is None:
            return None
        try:
            stored = json.loads(path.read_bytes())
            drawn: dict[str, list[Params]] = stored["drawn"]
            is_whole = stored["sha256"] == _digest(drawn)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        is_wanted = drawn.keys() == wanted.keys()
        return drawn if is_whole and is_wanted else None

    def store(self, drawn: Drawn) -> None:
        """Keep the parameters, at once or not at all."""
        path = self._path()
        if path is None:
            return
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
                json.dump({"sha256": _digest(drawn), "drawn": drawn}, file)
            Path(file.name).replace(path)

    def _path(self) -> Path | None:
        if self.directory is None:
            return None
        name = f"{self.dialect}-{self.preset}-{self.seed}-{self.fingerprint}.json"
        return self.directory / "plans" / name


def _state(cache: PlanCache) -> str:
    """Fingerprint of what a draw depends on beside the seed."""
    home = Path(__file__).parents[1]
    digest = hashlib.sha256(suite_version().encode())
    for name in _GENERATORS:
        digest.update(_version(name).encode())
    for pattern in _SOURCES:
        for path in sorted(home.glob(pattern)):
            digest.update(path.read_bytes())
    document = spec.openapi(cache.dialect)
    digest.update(
        json.dumps([document, sorted(cache.claimed)], sort_keys=True).encode()
    )
    return digest.hexdigest()[:16]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def _digest(drawn: Drawn) -> str:
    return hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()
