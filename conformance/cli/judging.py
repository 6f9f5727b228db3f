"""`run`, `plan`, `judge` and `report`."""

import argparse
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from aios_conformance.conformance.cli.dialects import run_all
from aios_conformance.conformance.cli.progress import progress
from aios_conformance.conformance.cli.saved import saved_result
from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.observing.recording import (
    read_recording,
    recording_in,
)
from aios_conformance.conformance.options.settings import (
    ALL_DIALECTS,
    read_options,
)
from aios_conformance.conformance.options.values import ExitCode, OptionError
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.reporting import write_reports
from aios_conformance.conformance.reporting.terminal import plan_table, summary
from aios_conformance.conformance.running.conclude import conclude
from aios_conformance.conformance.running.session import (
    rarely_collecting,
    run_and_report,
)

Environ = Mapping[str, str]


def run(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Judge a live server."""
    if arguments.dialect == ALL_DIALECTS:
        return run_all(arguments, out, environ)
    if arguments.plan:
        return show_plan(arguments, out, environ)
    options = read_options(vars(arguments), environ)
    with progress(out) as listener:
        ended = run_and_report(options, listener)
    is_judged = ended.error is None
    out.print(
        summary(ended.result, options.report_dir, options.fail_on, is_judged=is_judged)
    )
    if ended.error is not None:
        raise ended.error
    return ended.exit_code(options.fail_on)


def show_plan(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Print ceilings; send nothing."""
    options = read_options(vars(arguments), environ)
    out.print(plan_table(plan(options).summary))
    return ExitCode.JUDGED


def judge_again(arguments: argparse.Namespace, out: Console, environ: Environ) -> int:
    """Judge a recording with the checks of this version."""
    options = read_options({**vars(arguments), "target": "mock"}, environ)
    run_dir = Path(arguments.run_dir)
    recording = read_recording(run_dir)
    if arguments.waivers:
        setting = replace(recording.setting, waivers=options.waivers)
        recording = replace(recording, setting=setting)
    with rarely_collecting():
        result = conclude(recording)
    directory = options.report_dir if arguments.report_dir else run_dir
    if directory.resolve() != run_dir.resolve():
        write_reports(result, directory)
        recorded = recording_in(run_dir)
        shutil.copyfile(recorded, directory / recorded.name)
    out.print(summary(result, directory, options.fail_on))
    return int(exit_code(result, options.fail_on))


def rewrite(arguments: argparse.Namespace, out: Console, _: Environ) -> int:
    """Write all reports from report.json and the recording; verdicts stay."""
    result = saved_result(arguments.run_dir)
    directory = Path(arguments.run_dir)
    if not directory.is_dir():
        raise OptionError(f"{directory} is not a folder", code="no-report")
    write_reports(result, directory)
    out.print(f"reports written to {directory}")
    return ExitCode.JUDGED
