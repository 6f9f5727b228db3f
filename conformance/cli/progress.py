"""A live line while a run goes on; in a log, one now and then."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.reporting.duration import Remaining, before
from aios_conformance.conformance.terms.events import (
    Discovered,
    ExchangeDone,
    Explaining,
    Listener,
    PlanMade,
    RunEvent,
    TargetStarted,
    Waiting,
)


@contextmanager
def progress(
    out: Console, *runs: RunOptions, remaining: Remaining | None = None
) -> Iterator[Listener]:
    """A listener for the length of runs side by side; a log gets a line now and then.

    `runs` are the options of each.
    """
    left = remaining or Remaining(sum(each.requests_to_explain for each in runs))
    if not out.is_terminal:
        yield partial(_log, out, left)
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
    ) as shown:
        task = shown.add_task("reaching the target", total=None)

        def listen(event: RunEvent) -> None:
            match event:
                case TargetStarted(target, message):
                    shown.update(task, description=f"{target}: {message}")
                case Discovered(facts):
                    models = len(set(facts.models.values()))
                    plural = "" if models == 1 else "s"
                    shown.update(task, description=f"{models} model{plural} found")
                case PlanMade(summary):
                    left.planned(summary)
                    time = before(summary, runs[0])
                    told = f"recording, {time}" if time else "recording"
                    shown.update(task, description=told, total=summary.requests)
                case ExchangeDone(_, done, planned):
                    if said := left.after(event):
                        doing = "explaining" if done > planned else "recording"
                        shown.update(task, description=f"{doing}, {said}")
                    shown.update(task, completed=done, total=max(done, planned))
                case Waiting(seconds, header):
                    told = f"waiting {seconds:.0f} s, as {header} asks"
                    shown.update(task, description=told)
                case Explaining(probe, _):
                    shown.update(task, description=f"explaining {probe}")
                case _:
                    shown.update(task, description="judging")

        yield listen


def _log(out: Console, left: Remaining, event: RunEvent) -> None:
    if line := left.line(event):
        out.print(line)
