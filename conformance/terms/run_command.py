"""The command that judges a target as an earlier run did."""

import shlex
from collections.abc import Iterable, Sequence


def run_command(
    target: str,
    *,
    dialect: str,
    preset: str,
    seed: int,
    models: Iterable[tuple[str, str]],
    more: Sequence[str] = (),
) -> str:
    """The command, as a shell reads it.

    `models` are those of each API; a bundled server, which has no address, is known.
    """
    words = ["aios-conformance", "run", target, "--dialect", dialect]
    if "://" in target:
        for api, name in models:
            words += ["--model", f"{api}={name}"]
    words += ["--preset", preset, "--hypothesis-seed", str(seed)]
    return shlex.join([*words, *more])
