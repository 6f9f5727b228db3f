"""Under which options a run was made: the head of its recording."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from aios_conformance.conformance.options.values import Baseline, RunOptions, Waiver
from aios_conformance.conformance.terms.result import Resumed
from aios_conformance.spec import requirements_sha256


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which options a run was made; those that verdicts depend on."""

    url: str
    dialect: str
    preset: str
    seed: int
    started: str  # ISO 8601, UTC
    suite: str  # version
    apis: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    selection: tuple[str, ...] | None = None
    has_key: bool = False
    key_env: str = "AIOS_API_KEY"
    baseline: Baseline | None = None
    edition: str | None = None
    target: str = ""  # as it was given: an address, or a bundled server
    models: Mapping[str, str] = field(default_factory=dict)  # as they were given
    headers: tuple[str, ...] = ()  # the names of those that were given
    drawn_from: str = ""  # fingerprint of all that the requests were drawn from
    requirements: str = ""  # and of the rows that they were drawn for
    resumed: tuple[Resumed, ...] = ()  # each time that the run was gone on with

    @classmethod
    def of(
        cls,
        options: RunOptions,
        *,
        url: str,
        started: str,
        suite: str,
        selection: Collection[str] | None,
        drawn_from: str = "",
    ) -> "Setting":
        """The setting of a run with these options."""
        return cls(
            url=url,
            dialect=options.dialect,
            preset=options.preset,
            seed=options.seed,
            started=started,
            suite=suite,
            apis=options.apis,
            without=options.without,
            waivers=options.waivers,
            selection=None if selection is None else tuple(sorted(selection)),
            has_key=options.api_key is not None,
            key_env=options.api_key_env,
            baseline=options.baseline,
            edition=options.edition,
            target=options.target,
            models=dict(options.models),
            headers=tuple(name for name, _ in options.headers),
            drawn_from=drawn_from,
            requirements=requirements_sha256(options.dialect),
        )
