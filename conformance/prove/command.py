"""`aios-conformance prove`: run all trials, in parallel and resumably, and publish."""

import argparse
import asyncio
import fnmatch
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import chain
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress

from aios_conformance import spec
from aios_conformance.conformance.observing.servers import serving, with_own_key
from aios_conformance.conformance.options.values import (
    ExitCode,
    OptionError,
    RunOptions,
    SuiteError,
)
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.planning.plan_cache import suite_version
from aios_conformance.conformance.prove import museum
from aios_conformance.conformance.prove.matrix import Matrix
from aios_conformance.conformance.prove.render import (
    render_html,
    render_json,
    render_markdown,
)
from aios_conformance.conformance.prove.trial import GOOD, Planted, Trial, tried
from aios_conformance.conformance.reporting import replace_files
from aios_conformance.conformance.running.signals import stopped_by_signals
from aios_conformance.conformance.terms.catalogue import catalogue

_SERVERS = ("mockserver", "serving")
_TOLD = 20  # times in a log, where no bar is drawn


@dataclass(frozen=True, slots=True)
class _Finished:
    """A trial in the log, with what it stands on."""

    key: str
    trial: Trial


def prove(arguments: argparse.Namespace, out: Console, _: object) -> int:
    """Run the proof; 0 if every defect is killed precisely and no variation alarms."""
    dialect, only = arguments.dialect, arguments.only
    wanted = [
        each
        for each in listed(dialect)
        if each.museum == arguments.museum or each.name in only
    ]
    planted = _chosen(wanted, only, arguments.sample, dialect)
    folder = Path(arguments.dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        told = f"--dir {folder}: cannot be written to ({error.strerror})"
        raise OptionError(told, code="bad-dir") from None
    key = _key(arguments.preset, arguments.seed, dialect)
    log = folder / "trials.jsonl"
    done = {} if arguments.fresh else _stored(log, key)
    done = {name: trial for name, trial in done.items() if name in planted}
    waiting = [p for name, p in planted.items() if name not in done]
    if done:
        out.print(f"taken from {log}: {len(done)} trials (--fresh runs them again)")
    _draw_once(waiting, arguments)
    with stopped_by_signals():
        trials = done | asyncio.run(_run(waiting, arguments, log, key, out))
    ordered = [trials[name] for name in planted]
    exhibits = [trial for trial in ordered if trial.planted.museum]
    proof = [trial for trial in ordered if not trial.planted.museum]
    for dialect in sorted({trial.planted.dialect for trial in proof}):
        matrix = Matrix(
            catalogue(dialect), [t for t in proof if t.planted.dialect == dialect]
        )
        stem = "kill-matrix" if dialect == "aios" else f"kill-matrix-{dialect}"
        about = _about(arguments, dialect, key)
        _publish(folder, _stem(arguments, stem), {
            "json": render_json(matrix, about),
            "md": render_markdown(matrix, about),
            "html": render_html(matrix, about),
        })  # fmt: skip
        _tell(matrix, out)
    if exhibits:
        about = _about(arguments, "aios", key)
        _publish(folder, _stem(arguments, "museum"), museum.rendered(exhibits, about))
        out.print(museum.told(exhibits))
    return int(
        ExitCode.RED if any(t.outcome not in GOOD for t in ordered) else ExitCode.JUDGED
    )


def _is_whole(arguments: argparse.Namespace) -> bool:
    return not arguments.only and arguments.sample is None


def listed(dialect: str | None = None) -> list[Planted]:
    """The mock's own list, asked by its command.

    Raises:
        SuiteError: the command fails.

    """
    of = () if dialect is None else ("--dialect", spec.dialect(dialect).word)
    command = [
        sys.executable,
        "-P",
        "-m",
        "aios_conformance.mockserver",
        "--list-defects",
        "--json",
        *of,
    ]
    found = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip()
        raise SuiteError(f"the mock lists no defects: {said}", code="no-defects")
    return msgspec.json.decode(found.stdout, type=list[Planted])


def _chosen(
    known: list[Planted],
    patterns: Sequence[str],
    sample: int | None,
    dialect: str | None,
) -> dict[str, Planted]:
    """The trials to run, by name."""
    chosen = [p for p in known if dialect in (None, p.dialect)]
    if patterns:
        names = {p.name: _names(p) for p in chosen}
        for pattern in patterns:
            if not any(fnmatch.filter(each, pattern) for each in names.values()):
                raise _unknown(pattern, chain.from_iterable(names.values()))
        chosen = [
            p
            for p in chosen
            if any(fnmatch.filter(names[p.name], each) for each in patterns)
        ]
    if sample is not None:
        # ordered by hash, so that a sample is spread and stays the same
        chosen.sort(key=lambda p: hashlib.sha256(p.name.encode()).digest())
        chosen = chosen[:sample]
    if not chosen:
        raise OptionError(
            "no defect is left to try",
            code="no-defect",
            hint="`aios-mock --list-defects` prints the names",
        )
    return {p.name: p for p in chosen}


def _unknown(pattern: str, names: Iterable[str]) -> OptionError:
    near = get_close_matches(pattern, [*names], n=1)
    meant = f": did you mean {near[0]}?" if near else ""
    return OptionError(
        f"--only {pattern}: no defect has such a name{meant}",
        code="no-defect",
        hint="`aios-mock --list-defects` prints the names",
    )


def _names(planted: Planted) -> list[str]:
    """What a user may call a trial by."""
    if planted.primary is None:
        return [planted.name]
    row = spec.requirement(planted.primary)
    return [planted.name, row.id, row.topic]


def _key(preset: str, seed: int, dialect: str | None) -> str:
    """What trials stand on: the sources of judge, contract and mock."""
    digest = hashlib.sha256(f"{preset} {seed}".encode())
    root = Path(__file__).parents[2]
    homes = [root / package for package in ("conformance", "spec", *_SERVERS)]
    if dialect is not None and not spec.dialect(dialect).is_ours:
        homes.append(spec.dialect(dialect).home)
    for home in homes:
        for path in sorted(home.rglob("*")):
            if path.suffix in (".py", ".yaml", ".json"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _stored(log: Path, key: str) -> dict[str, Trial]:
    """Finished trials of the same sources."""
    found: dict[str, Trial] = {}
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                entry = msgspec.json.decode(line, type=_Finished)
            except msgspec.DecodeError:
                continue  # cut off while it was written
            if entry.key == key:
                found[entry.trial.planted.name] = entry.trial
    return found


def _options(dialect: str, arguments: argparse.Namespace) -> RunOptions:
    return RunOptions(
        "mock", dialect=dialect, preset=arguments.preset, seed=arguments.seed
    )


def _draw_once(waiting: Sequence[Planted], arguments: argparse.Namespace) -> None:
    """Fill the plan cache before many processes want it."""
    for dialect in {p.dialect for p in waiting}:
        plan(_options(dialect, arguments))


async def _run(
    waiting: Sequence[Planted],
    arguments: argparse.Namespace,
    log: Path,
    key: str,
    out: Console,
) -> dict[str, Trial]:
    """Try all of them, a few at a time: each lane has its own mocks and a process."""
    trials: dict[str, Trial] = {}
    with (
        Progress(console=out, transient=True) as progress,
        log.open("a", encoding="utf-8") as stream,
        ProcessPoolExecutor(
            arguments.jobs,
            get_context("spawn"),
            initializer=_begin,
            initargs=(spec.dialect(arguments.dialect or "aios").word,),
        ) as pool,
    ):
        bar = progress.add_task("trials", total=len(waiting))

        def keep(trial: Trial) -> None:
            trials[trial.planted.name] = trial
            line = msgspec.json.encode(_Finished(key, trial)).decode()
            stream.write(line + "\n")
            stream.flush()
            progress.advance(bar)
            if trial.outcome not in GOOD:
                out.print(_line(trial))
            if not out.is_terminal and len(trials) % max(1, len(waiting) // _TOLD) == 0:
                out.print(f"{len(trials)} of {len(waiting)} trials")

        queue = iter(waiting)
        lanes = (_lane(queue, arguments, pool, keep) for _ in range(arguments.jobs))
        try:
            await asyncio.gather(*lanes)
        except asyncio.CancelledError:
            _end_at_once_when_told_again()
            out.print(
                f"{len(trials)} of {len(waiting)} trials are kept in {log}; the same "
                "command without --fresh goes on from there"
            )
            raise
    return trials


async def _lane(
    queue: Iterator[Planted],
    arguments: argparse.Namespace,
    pool: Executor,
    keep: Callable[[Trial], None],
) -> None:
    """Try what the queue gives, in one mock for each dialect that comes up."""
    loop = asyncio.get_running_loop()
    targets: dict[str, RunOptions] = {}
    async with AsyncExitStack() as mocks:
        for planted in queue:
            name = planted.dialect
            if name not in targets:
                options = with_own_key(_options(name, arguments))
                url = await mocks.enter_async_context(
                    serving(options, lambda _: None, [name])
                )
                targets[name] = replace(options, target=url)
            keep(await loop.run_in_executor(pool, tried, planted, targets[name]))


def _begin(dialect: str) -> None:
    """Know the dialect, and leave Ctrl-C to the parent, but end where it is killed.

    A trial that took the signal would be judged as it is.
    """
    spec.find_dialect(dialect)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_at_once_when_told_again() -> None:
    """Wait no longer for the trials under way."""

    def end(_: int, __: FrameType | None) -> None:
        for worker in active_children():
            worker.kill()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(ExitCode.CUT_SHORT)


def _line(trial: Trial) -> str:
    planted = trial.planted
    wanted = planted.primary or f"silence ({planted.freedom})"
    tripped = ", ".join(f"{row} {verdict}" for row, verdict in trial.tripped.items())
    why = f"; {trial.reason}" if trial.reason else ""
    stray = f"; stray: {', '.join(trial.stray)}" if trial.stray else ""
    return f"{trial.outcome} {planted.name}: wants {wanted}; got {tripped}{stray}{why}"


def _about(arguments: argparse.Namespace, dialect: str, key: str) -> dict[str, Any]:
    """What a matrix says of its making."""
    return {
        "suite": suite_version(),
        "dialect": dialect,
        "preset": arguments.preset,
        "seed": arguments.seed,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "requirements_sha256": spec.requirements_sha256(dialect)[:16],
        "sources_sha256": key,
    }


def _stem(arguments: argparse.Namespace, stem: str) -> str:
    """Name the files; a part of a matrix never replaces the whole one."""
    return stem if _is_whole(arguments) else f"part-{stem}"


def _publish(folder: Path, stem: str, rendered: Mapping[str, str]) -> None:
    """Write a matrix in each of its forms."""
    texts = rendered.items()
    replace_files(folder, ((f"{stem}.{suffix}", text) for suffix, text in texts))


def _tell(matrix: Matrix, out: Console) -> None:
    figures = matrix.figures
    out.print(
        f"{matrix.known.dialect}: {figures['killed']} of {figures['defects']} defects "
        f"killed, {figures['precise']} of them precisely; "
        f"{figures['silent']} of {figures['variations']} variations left alone; "
        f"{figures['proved']} of {figures['requirements']} MUST and SHOULD rows proved"
    )
