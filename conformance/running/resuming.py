"""`--resume`: a run that was cut short is gone on with, if it is the same run.

What decides which requests are sent must not differ; limits, waivers, what is red and
what it is held against may.
"""

import gzip
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from aios_conformance.conformance.observing.earlier import Earlier
from aios_conformance.conformance.observing.recording import (
    read_exchanges,
    read_recording,
    recording_in,
    whole_lines,
)
from aios_conformance.conformance.observing.setting import Setting
from aios_conformance.conformance.options.values import OptionError, RunOptions
from aios_conformance.conformance.planning.plan import drawn_from
from aios_conformance.conformance.planning.plan_cache import suite_version
from aios_conformance.conformance.running.run_folder import RunFolder
from aios_conformance.conformance.terms.result import Resumed

_DECISIVE = {
    "target": "--target",
    "dialect": "--dialect",
    "preset": "--preset",
    "seed": "--hypothesis-seed",
    "models": "--model",
    "apis": "--apis",
    "without": "--without",
    "headers": "--header",
    "key_env": "--api-key-env",
    "has_key": "whether there is a key",
    "selection": "the selected requirements",
    "suite": "the version of the suite",
    "requirements": "the requirements",
    "drawn_from": "what requests are drawn from",
}
_LONGEST = 60


def setting_of(options: RunOptions, selection: Collection[str] | None) -> Setting:
    """The setting of a run that begins now."""
    return Setting.of(
        options,
        url=options.target,
        started=_now(),
        suite=suite_version(),
        selection=selection,
        drawn_from=drawn_from(options),
    )


def gone_on_with(setting: Setting, earlier: Earlier | None) -> Setting:
    """The setting of a run that goes on: it began when it began."""
    if earlier is None:
        return setting
    before = earlier.recording.setting
    why = earlier.recording.cut_short or "a limit"
    again = Resumed(_now(), why, earlier.answered)
    return replace(setting, started=before.started, resumed=(*before.resumed, again))


def resumable(
    options: RunOptions, folder: RunFolder, selection: Collection[str] | None
) -> Earlier:
    """The run in a folder that these options go on with.

    It is the one that was killed there, or else the last one, if it was cut short.

    Raises:
        OptionError: there is none, it is whole, or it is another run.

    """
    where = f"--resume: {folder.directory}"
    if not folder.kept.is_file():
        whole = recording_in(folder.directory)
        if not whole.is_file():
            raise OptionError(
                f"{where} holds no run that was cut short",
                code="nothing-to-resume",
                hint="name its folder with --report-dir, or leave --resume out",
            )
        if read_recording(folder.directory).cut_short is None:
            raise OptionError(
                f"{where}: the run there is whole",
                code="nothing-to-resume",
                hint="leave --resume out to begin anew",
            )
        _copy(folder)
    recording = read_recording(folder.kept)
    earlier = Earlier(recording, read_exchanges(folder.kept))
    differing = list(_differing(earlier.recording.setting, options, selection))
    if differing:
        raise OptionError(
            f"{where}: that was another run, as these differ: {'; '.join(differing)}",
            code="another-run",
            hint="give what it was given, or leave --resume out to begin anew",
        )
    return earlier


def _differing(
    before: Setting, options: RunOptions, selection: Collection[str] | None
) -> Iterator[str]:
    now = setting_of(options, selection)
    for name, told in _DECISIVE.items():
        was, wished = getattr(before, name), getattr(now, name)
        if was != wished:
            yield f"{told} (was {_spelled(was)}, now {_spelled(wished)})"


def _spelled(value: object) -> str:
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    elif isinstance(value, dict):
        value = ",".join(f"{key}={name}" for key, name in sorted(value.items()))
    text = "none" if value in (None, "") else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _copy(folder: RunFolder) -> None:
    """Put the last run's recording where the one that goes on finds it again."""
    recorded = recording_in(folder.directory)
    packed = recorded.suffix == ".gz"
    with (
        gzip.open(recorded) if packed else recorded.open("rb") as source,
        folder.kept.open("wb") as target,
    ):
        target.writelines(whole_lines(source))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
