"""A live line while a run goes on; nothing where nobody looks on."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

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
def progress(out: Console) -> Iterator[Listener]:
    """A listener for the length of a run."""
    if not out.is_terminal:
        yield _silent
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
                    shown.update(task, description="recording", total=summary.requests)
                case ExchangeDone(_, done, planned):
                    shown.update(task, completed=done, total=planned)
                case Waiting(seconds, header):
                    told = f"waiting {seconds:.0f} s, as {header} asks"
                    shown.update(task, description=told)
                case Explaining(probe, _):
                    shown.update(task, description=f"explaining {probe}")
                case _:
                    shown.update(task, description="judging")

        yield listen


def _silent(_: RunEvent) -> None:
    """Show nothing."""
