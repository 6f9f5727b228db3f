"""Quotas as real services have them: requests and tokens a minute, for each key.

Each is a bucket that is full at first and fills evenly: of 60 requests a minute, 60
may come at once, and then one each second. A request takes the tokens that its prompt
may have (a fourth of its bytes) and the most that it may generate, and gives back at
its end what it did not use.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, Final

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.located import Problems, short

_KEYS: Final = (
    10_000  # whose buckets are known; the one unused for longest is forgotten
)
_BYTES: Final = 4  # of a request for each token of its prompt, more or less
_NAMES: Final = ("authorization", "api-key", "x-api-key")


class OverQuota(ApiError):  # noqa: N818 - reads as the fact it states
    """The key has used up what it may."""

    status = 429
    type = "rate_limit_error"


@dataclass(frozen=True, slots=True)
class Quota:
    """What a key may use within some seconds; None: as much as it likes."""

    requests: int | None = None
    tokens: int | None = None
    seconds: float = 60.0

    def __bool__(self) -> bool:
        """Tell whether anything is limited."""
        return self.requests is not None or self.tokens is not None

    def described(self) -> dict[str, float | None]:
        """Return it as plain JSON values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def parse_quota(content: Any) -> Quota:
    """Read what `Quota.described` returns, or a part; raises Malformed."""
    problems = Problems()
    names = [one.name for one in fields(Quota)]
    said = problems.mapping(content, (), names, "a quota")
    for name, value in said.items():
        whole = name != "seconds"
        if value is None and whole:
            continue
        kinds = (int,) if whole else (int, float)
        if type(value) not in kinds or not 0 < value < math.inf:
            kind = "a whole number" if whole else "a number"
            problems.at((name,), f"must be {kind} above 0, got {short(value)}")
    problems.refuse()
    return Quota(**said)


class _Bucket:
    """So much of a limit is left at a moment."""

    def __init__(self, limit: int, seconds: float, now: float) -> None:
        self.limit = limit
        self._rate = limit / seconds
        self._level = float(limit)
        self._at = now

    def level(self, now: float) -> float:
        self._level = min(self.limit, self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level

    def take(self, amount: float) -> None:
        self._level = min(self.limit, self._level - amount)

    def until(self, amount: float, now: float) -> float:
        """Return the seconds until so much is there."""
        return max(0.0, amount - self.level(now)) / self._rate


class Quotas:
    """The buckets of all keys."""

    def __init__(self, quota: Quota, now: Callable[[], float] = time.monotonic) -> None:
        """All are full. `now` gives seconds."""
        from cachetools import LRUCache  # noqa: PLC0415 - most have no quota

        self.quota = quota
        self._now = now
        self._buckets: LRUCache[str, dict[str, _Bucket]] = LRUCache(_KEYS)
        self._taking = Lock()  # large requests are admitted in threads

    def take(self, context: RequestContext) -> "Taken":
        """Take what a request may use. Raises OverQuota, with the time to wait."""
        now = self._now()
        wanted = {"requests": 1, "tokens": _likely_tokens(context)}
        with self._taking:
            buckets = self._of(_key(context.headers), now)
            taken = Taken(buckets, wanted["tokens"], self._now)
            for name, bucket in buckets.items():
                if wanted[name] > bucket.limit:
                    raise OverQuota(
                        f"the request is too large: it may take {wanted[name]} {name} "
                        f"where the limit is {self._limit(name)}; waiting is no help",
                        code="rate_limit_exceeded",
                        headers=taken.headers(),
                    )
            waits = {n: b.until(wanted[n], now) for n, b in buckets.items()}
            name = max(waits, key=waits.__getitem__)
            if waits[name] > 0:
                raise OverQuota(
                    f"the limit of {self._limit(name)} is reached; try again in "
                    f"{spelled(waits[name])}",
                    code="rate_limit_exceeded",
                    headers={**taken.headers(), **_waiting(waits[name])},
                )
            for name, bucket in buckets.items():
                bucket.take(wanted[name])
        return taken

    def _of(self, key: str, now: float) -> dict[str, _Bucket]:
        buckets: dict[str, _Bucket] | None = self._buckets.get(key)
        if buckets is None:
            quota = self.quota
            buckets = self._buckets[key] = {
                name: _Bucket(limit, quota.seconds, now)
                for name, limit in (
                    ("requests", quota.requests),
                    ("tokens", quota.tokens),
                )
                if limit is not None
            }
        return buckets

    def _limit(self, name: str) -> str:
        limit = getattr(self.quota, name)
        window = self.quota.seconds
        return f"{limit} {name} " + (
            "a minute" if window == 60 else f"in {spelled(window)}"
        )


class Taken:
    """What one request took."""

    def __init__(
        self, buckets: Mapping[str, _Bucket], tokens: int, now: Callable[[], float]
    ) -> None:
        """`tokens` may be used."""
        self._buckets = buckets
        self._tokens = tokens
        self._now = now

    def settle(self, tokens: int) -> None:
        """Say how many tokens were used in the end."""
        bucket = self._buckets.get("tokens")
        if bucket is not None:
            bucket.level(self._now())
            bucket.take(tokens - self._tokens)

    def headers(self) -> dict[str, str]:
        """Return what is left, in the headers of OpenAI's API."""
        now = self._now()
        made = {}
        for name, bucket in self._buckets.items():
            made[f"x-ratelimit-limit-{name}"] = str(bucket.limit)
            left = max(0, math.floor(bucket.level(now)))
            made[f"x-ratelimit-remaining-{name}"] = str(left)
            reset = spelled(bucket.until(bucket.limit, now))
            made[f"x-ratelimit-reset-{name}"] = reset
        return made


def _waiting(seconds: float) -> dict[str, str]:
    milliseconds = math.ceil(seconds * 1000)
    return {
        "Retry-After": str(math.ceil(seconds)),
        "retry-after-ms": str(milliseconds),
    }


def spelled(seconds: float) -> str:
    """Spell a duration as these headers do.

    >>> spelled(0.0171), spelled(12.5), spelled(366.0)
    ('18ms', '12.5s', '6m6s')
    """
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds * 1000) / 1000, 60)
    return (f"{minutes:.0f}m" if minutes else "") + f"{round(rest, 3):g}s"


def _key(headers: Mapping[str, str]) -> str:
    return next((headers[name] for name in _NAMES if name in headers), "")


def _likely_tokens(context: RequestContext) -> int:
    limits: list[Any] = [
        context.body.get(name) for name in ("max_completion_tokens", "max_tokens")
    ]
    most = next((n for n in limits if isinstance(n, int) and n > 0), 0)
    return len(context.raw) // _BYTES + most
