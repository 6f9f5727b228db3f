"""Which models to load, under which names: the same for every engine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aios_conformance import spec
from aios_conformance.reference_impl.errors import LoadError
from aios_conformance.reference_impl.options import (
    DEFAULT,
    ModelOption,
    ReferenceOptions,
)
from aios_conformance.reference_impl.packaged import DEFAULTS
from aios_conformance.reference_impl.pull import place as pulled
from aios_conformance.reference_impl.sources import ModelSource, Say, find

WRITING = spec.served_by("generator")
READING = spec.served_by("embedding")
DEMANDING = frozenset(("chat", "embeddings"))  # what serves it can do the others too
JUDGING = spec.served_by("cross_encoder")


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A model to load: what is wanted of it, its served name, and where it lies."""

    wanted: ModelOption
    name: str
    source: ModelSource


def plans(options: ReferenceOptions, say: Say) -> list[ModelPlan]:
    """Find every model before any is loaded, for loading may take minutes."""
    found: dict[tuple[str, str], ModelPlan] = {}
    for wanted in options.models:
        name, text = resolved(wanted, options.cache)
        family = "text" if wanted.job in WRITING else "pairs and vectors"
        if known := found.get((family, text)):
            if wanted.job in DEMANDING:
                found[family, text] = replace(known, wanted=wanted)
            continue
        if name in (plan.name for plan in found.values()):
            raise LoadError(f"two models are named {name}; serve one of them elsewhere")
        found[family, text] = ModelPlan(wanted, name, find(text, options.cache, say))
    check_aliases(options, [plan.name for plan in found.values()])
    return list(found.values())


def check_aliases(options: ReferenceOptions, names: Sequence[str]) -> None:
    """Raise LoadError for an alias that names no model, or hides one."""
    for alias, name in options.aliases.items():
        if name not in names or alias in names:
            raise LoadError(
                f"--alias {alias}={name}: NAME must be one of {', '.join(names)} and "
                "ALIAS a new name"
            )


def resolved(wanted: ModelOption, cache: Path) -> tuple[str, str]:
    """Return a wanted model's served name and where it lies."""
    if wanted.source != DEFAULT:
        path = Path(wanted.source).expanduser().resolve()
        if not path.exists():
            return wanted.source, wanted.source
        return path.stem if path.is_file() else path.name, wanted.source
    package = DEFAULTS["chat" if wanted.job in WRITING else "embeddings"]
    return package.name, str(pulled(package, cache))
