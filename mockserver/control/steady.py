"""Unix time by a clock that nobody sets: what comes later is later."""

import time

_SINCE = time.time() - time.monotonic()


def now() -> float:
    """Return the seconds since 1970, as if the system's clock had not been set."""
    return _SINCE + time.monotonic()
