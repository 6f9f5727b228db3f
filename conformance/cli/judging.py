"""`run`, `plan`, `judge` and `report`."""

import argparse
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from aios_conformance.conformance.cli.dialects import run_all
from aios_conformance.conformance.cli.parity import run_against, verify_alone
from aios_conformance.conformance.cli.progress import progress
from aios_conformance.conformance.cli.saved import saved_result
from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.observing.recording import (
    Recording,
    read_recording,
    recording_in,
)
from aios_conformance.conformance.options.saved import FILE_NAME
from aios_conformance.conformance.options.selection import selected
from aios_conformance.conformance.options.settings import (
    ALL_DIALECTS,
    read_options,
)
from aios_conformance.conformance.options.table import TARGET
from aios_conformance.conformance.options.values import (
    ConformanceError,
    ExitCode,
    OptionError,
)
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.reporting import write_reports
from aios_conformance.conformance.reporting.annotations import Place, annotations
from aios_conformance.conformance.reporting.duration import duration
from aios_conformance.conformance.reporting.terminal import plan_table, summary
from aios_conformance.conformance.running.conclude import conclude
from aios_conformance.conformance.running.session import (
    rarely_collecting,
    run_and_report,
)
from aios_conformance.conformance.terms.result import RunResult
from aios_conformance.spec import SpecError

Environ = Mapping[str, str]


def run(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Judge a live server."""
    if arguments.target is None:
        raise OptionError(
            f"the following arguments are required: {TARGET.metavar}",
            code="bad-arguments",
            hint="see aios-conformance run --help",
        )
    if arguments.against is not None and not arguments.plan:
        return run_against(arguments, out, environ)
    verify_alone(arguments)
    if arguments.dialect == ALL_DIALECTS:
        if arguments.only:
            raise OptionError("--only takes one --dialect", code="bad-option")
        return run_all(arguments, out, environ)
    if arguments.plan:
        return show_plan(arguments, out, environ)
    options = read_options(vars(arguments), environ)
    with progress(out, options) as listener:
        ended = run_and_report(
            options, listener, selected(arguments.only, options.dialect)
        )
    is_judged = ended.error is None
    out.print(
        summary(ended.result, options.report_dir, options.fail_on, is_judged=is_judged)
    )
    if ended.error is not None:
        raise ended.error
    return ended.exit_code(options.fail_on)


def show_plan(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Print ceilings; send nothing."""
    values = {**vars(arguments), "target": arguments.target or "mock"}
    options = read_options(values, environ)
    planned = plan(options, selected(arguments.only, options.dialect)).summary
    time = duration(planned, options)
    out.print(plan_table(planned, options.requests_to_explain, time))
    if getattr(arguments, "against", None) is not None:
        out.print("Each of the two targets is sent that, both at the same time.")
    return ExitCode.JUDGED


def judge_again(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Judge a recording with the checks of this version.

    The run keeps its own report: it is the record of what was said then.
    """
    run_dir = Path(arguments.run_dir)
    recording = read_recording(run_dir)
    setting = recording.setting
    known = {"target": "mock", "dialect": arguments.dialect or setting.dialect}
    options = read_options({**vars(arguments), **known}, environ)
    if arguments.waivers:
        setting = replace(setting, waivers=options.waivers)
    if arguments.requirements:
        setting = replace(setting, edition=options.edition)
    if arguments.baseline:
        setting = replace(setting, baseline=options.baseline)
    recording = replace(recording, setting=setting)
    result = _concluded(recording, run_dir)
    directory = options.report_dir if arguments.report_dir else None
    if directory is not None:
        write_reports(result, directory)
        recorded = recording_in(run_dir)
        with suppress(shutil.SameFileError):
            shutil.copyfile(recorded, directory / recorded.name)
    out.print(summary(result, directory, options.fail_on))
    return int(exit_code(result, options.fail_on))


def _concluded(recording: Recording, run_dir: Path) -> RunResult:
    """The result of a recording. Raises OptionError where it cannot have been ours."""
    try:
        with rarely_collecting():
            result = conclude(recording)
        slips = (r.reason for r in result.requirements if r.verdict == "error")
        reason = next(slips, None)
    except (ConformanceError, SpecError):
        raise
    except Exception as error:
        if recording.is_as_written:
            raise
        reason = f"{type(error).__name__}: {error}"
    if reason is None or recording.is_as_written:
        return result
    raise OptionError(
        f"{recording_in(run_dir)}: cannot be judged ({reason}), and is not as a run "
        "has written it",
        code="bad-recording",
        hint="it was changed, broken off, or stems from another version",
    )


def annotate(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Print annotations at the files of waivers and of the baseline."""
    result = saved_result(arguments.run_dir)
    words = {**vars(arguments), "target": "mock", "dialect": result.dialect}
    options = read_options({**words, "baseline": None}, environ)
    waivers = baseline = None
    if arguments.waivers:
        waivers = _place(arguments.waivers), options.waivers
    if arguments.baseline:
        place = Path(arguments.baseline)
        baseline = _place(place / FILE_NAME if place.is_dir() else place)
    for each in annotations(result, waivers, baseline):
        out.print(str(each), soft_wrap=True)
    return ExitCode.JUDGED


def _place(path: str | Path) -> Place:
    """A file, named as a pipeline does: from where it works."""
    name = os.path.relpath(path)
    try:
        return Place(name, Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: cannot be read", code="no-file") from error


def rewrite(arguments: argparse.Namespace, out: Console, _: Environ) -> int:
    """Write all reports from report.json and the recording; verdicts stay."""
    result = saved_result(arguments.run_dir)
    directory = Path(arguments.run_dir)
    if not directory.is_dir():
        raise OptionError(f"{directory} is not a folder", code="no-report")
    write_reports(result, directory)
    out.print(f"reports written to {directory}")
    return ExitCode.JUDGED
