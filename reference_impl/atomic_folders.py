"""Folders that appear complete or not at all."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give a folder to fill; rename it to `target` when all went well.

    Two processes may do this at once: the first one wins, both see the result.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield folder
        folder.chmod(0o755)
        with contextlib.suppress(OSError):
            folder.rename(target)
        if not target.is_dir():
            raise OSError(f"cannot create {target}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
