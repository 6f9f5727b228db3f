"""Files that are named by a user, or that lie where one points: read to an end."""

from pathlib import Path

LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is read as a whole."""


def plain(path: Path, largest: int | None = None) -> Path:
    """The path itself, unless a pipe or a device is there, which may have no end.

    Raises:
        OSError: one is there, or a file of more than `largest` bytes.

    """
    if "\0" in str(path):
        raise OSError(None, "has a name that no file has", str(path))
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(None, "is no plain file", str(path))
    if largest is not None and path.is_file() and path.stat().st_size > largest:
        raise OSError(None, f"has more than {largest} bytes", str(path))
    return path


def read_plain(path: Path) -> bytes:
    """Read a plain file of at most `LARGEST` bytes; raises OSError."""
    return plain(path, LARGEST).read_bytes()
