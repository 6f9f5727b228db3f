"""What parsing gave, kept where the platform keeps caches: YAML takes its time.

What is kept is named by the digest of the text, so it is never out of date. Where
nothing can be kept, or JSON would say it differently, it is parsed each time.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from platformdirs import user_cache_path


def kept(name: str, text: bytes, parse: Callable[[bytes], Any]) -> Any:
    """Return what `parse` makes of a text, or made of it before."""
    folder = user_cache_path("aios-conformance", appauthor=False, opinion=False)
    file = folder / "spec" / f"{name}-{sha256(text).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError):
        return json.loads(file.read_bytes())
    value = parse(text)
    with suppress(OSError, TypeError):
        written = json.dumps(value).encode()
        if json.loads(written) == value:
            _replace(file, written)
    return value


def _replace(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, also where others write it as well."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, delete=False) as new:
        new.write(content)
    os.replace(new.name, file)  # noqa: PTH105 - the name is a str
