"""`aios-conformance prove`: run all trials, in parallel and resumably, and publish."""

import argparse
import fnmatch
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from aios_conformance import conformance, spec
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
from aios_conformance.conformance.reporting import write_atomically
from aios_conformance.conformance.terms.catalogue import catalogue

_SERVERS = ("mockserver", "serving")


def prove(arguments: argparse.Namespace, out: Console, _: object) -> int:
    """Run the proof; 0 if every defect is killed precisely and no variation alarms."""
    only: list[str] = arguments.only
    wanted = [p for p in _listed() if p.museum == arguments.museum or p.name in only]
    planted = _chosen(wanted, only, arguments.sample, arguments.dialect)
    folder = Path(arguments.dir)
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(arguments.preset, arguments.seed)
    log = folder / "trials.jsonl"
    done = {} if arguments.fresh else _stored(log, key)
    done = {name: trial for name, trial in done.items() if name in planted}
    waiting = [p for name, p in planted.items() if name not in done]
    if done:
        out.print(f"{len(done)} trials are taken from {log} (--fresh runs them again)")
    _draw_once(waiting, arguments.preset, arguments.seed)
    trials = done | _run(waiting, arguments, log, key, out)
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


def _listed() -> list[Planted]:
    """The mock's own list, asked by its command."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "aios_conformance.mockserver",
        "--list-defects",
        "--json",
    ]
    found = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip()
        raise SuiteError(f"the mock lists no defects: {said}", code="no-defects")
    return [Planted.read(one) for one in json.loads(found.stdout)]


def _chosen(
    listed: list[Planted],
    patterns: Sequence[str],
    sample: int | None,
    dialect: str | None,
) -> dict[str, Planted]:
    """The trials to run, by name."""
    chosen = [p for p in listed if dialect in (None, p.dialect)]
    if patterns:
        chosen = [
            p for p in chosen if any(fnmatch.fnmatch(p.name, each) for each in patterns)
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


def _key(preset: str, seed: int) -> str:
    """What trials stand on: the sources of judge, contract and mock."""
    digest = hashlib.sha256(f"{preset} {seed}".encode())
    root = Path(conformance.__file__).parents[1]
    for package in ("conformance", "spec", *_SERVERS):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".yaml", ".json"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _stored(log: Path, key: str) -> dict[str, Trial]:
    """Finished trials of the same sources."""
    found: dict[str, Trial] = {}
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut off while it was written
            if entry.get("key") == key:
                trial = Trial.read(entry["trial"])
                found[trial.planted.name] = trial
    return found


def _draw_once(waiting: Sequence[Planted], preset: Any, seed: int) -> None:
    """Fill the plan cache before many processes want it."""
    for dialect in {p.dialect for p in waiting}:
        plan(RunOptions("mock", dialect=dialect, preset=preset, seed=seed))


def _run(
    waiting: Sequence[Planted],
    arguments: argparse.Namespace,
    log: Path,
    key: str,
    out: Console,
) -> dict[str, Trial]:
    trials: dict[str, Trial] = {}
    pool = ProcessPoolExecutor(
        arguments.jobs, get_context("spawn"), initializer=_leave_interrupts
    )
    with (
        Progress(console=out, transient=True) as progress,
        log.open("a", encoding="utf-8") as stream,
        pool,
    ):
        bar = progress.add_task("trials", total=len(waiting))
        futures = [
            pool.submit(tried, planted, arguments.preset, arguments.seed)
            for planted in waiting
        ]
        try:
            for future in as_completed(futures):
                trial = future.result()
                trials[trial.planted.name] = trial
                stream.write(json.dumps({"key": key, "trial": trial.plain()}) + "\n")
                stream.flush()
                progress.advance(bar)
                if trial.outcome not in GOOD:
                    out.print(_line(trial))
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()  # the few that run are waited for
            raise
    return trials


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the parent: a trial that took it would be judged as it is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
    for suffix, text in rendered.items():
        write_atomically(folder / f"{stem}.{suffix}", text)


def _tell(matrix: Matrix, out: Console) -> None:
    figures = matrix.figures
    out.print(
        f"{matrix.known.dialect}: {figures['killed']} of {figures['defects']} defects "
        f"killed, {figures['precise']} of them precisely; "
        f"{figures['silent']} of {figures['variations']} variations left alone; "
        f"{figures['proved']} of {figures['requirements']} MUST and SHOULD rows proved"
    )
