"""Files that are named by a user, or that lie where one points."""

from pathlib import Path


def plain(path: Path) -> Path:
    """The path itself, unless a pipe or a device is there, which may have no end.

    Raises:
        OSError: one is there.

    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(None, "is no plain file", str(path))
    return path
