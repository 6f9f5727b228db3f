"""An answer written token by token, as quickly as Python can.

The same tokens come as from weighing each of them by `TokenContext.distribution` and
drawing it, for requests without bias and penalties.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from aios_conformance.mockserver.model.language import (
    Distribution,
    SentenceState,
    TokenContext,
    latest,
    nearness,
)
from aios_conformance.mockserver.model.sampling import (
    Sampler,
    adjust,
    draw_factor,
    drawn,
    packed,
    sampler,
)
from aios_conformance.mockserver.model.sentences import RESUME
from aios_conformance.mockserver.model.tokenizer import END, PIECES, encode
from aios_conformance.serving.engine import Sampling, Token

_LAST_WORDS: Final = (*encode(" here and there too."), END)


@dataclass(frozen=True, slots=True)
class Length:
    """How long an answer is to be, in tokens with that of its end."""

    least: int = 0  # before that many there is no end
    exact: int | None = None  # the end counted

    def open(self, count: int) -> bool:
        """Tell whether there must be no end after that many tokens."""
        return count < (self.least if self.exact is None else self.exact - 1)

    def closing(self, count: int) -> tuple[int, ...]:
        """Return the last words if it is time for them after that many tokens."""
        left = 0 if self.exact is None else self.exact - count
        return _LAST_WORDS[-left:] if 0 < left <= len(_LAST_WORDS) else ()


_TOO_LONG: Final = 2_000  # tokens of an answer that a bias keeps from its end

NATURAL: Final = Length()

_AT_ONCE: Final = 128  # tokens that are made in one go


def wished(
    context: TokenContext, sampling: Sampling, lengths: tuple[int, int] | None
) -> Length:
    """Return how long the answer to a prompt is to be.

    `lengths` are the fewest and the most tokens of every answer, if they are set.
    """
    if lengths is None:
        least = sampling.min_tokens
        return Length(least) if least else NATURAL
    fewest, most = lengths
    exact = fewest + (context.hashed + sampling.choice) % (most - fewest + 1)
    return Length(exact=max(exact, sampling.min_tokens + 1))


def adjusts(sampling: Sampling) -> bool:
    """Tell whether a request has weights of its own."""
    return bool(
        sampling.logit_bias or sampling.frequency_penalty or sampling.presence_penalty
    )


def written(
    context: TokenContext, sampling: Sampling, room: int, length: Length
) -> Iterator[list[int]]:
    """Yield at most `room` tokens, some at a time, an end last unless there is no room.

    What it takes to make some is short enough to let nobody wait.
    """
    factor, choose = _drawing(sampling, context)
    node, plan, run = context.state
    lists, natural, open_ = context.lists, length == NATURAL, False
    runs, last = choose.by_run[lists], latest(lists=lists)
    hashed, run = crc32(packed(plan), context.hashed), min(run + len(plan), last)
    ids, made = [*plan], 0  # at hand, and yielded before
    node = "" if END in plan else node  # there is no way on from the end
    while made < room:
        limit = min(room - made, _AT_ONCE)
        while node and len(ids) < limit:
            if not natural:
                count = made + len(ids)
                if words := length.closing(count):
                    ids += words
                    node = ""
                    break
                open_ = length.open(count)
            found = None if open_ else runs[node][run]
            if found is None:
                near = nearness(node, run, lists=lists, open_=open_)
                found = choose.choices(node, near, lists)
                if not open_:
                    runs[node][run] = found
            bounds, ways = found[hashed >> 27]  # as below, without the calls
            where = hashed * factor % 1.0
            try:
                tokens, read, node = ways[bisect(bounds, where)]
            except IndexError:
                listed = tuple(way[0][0] for way in ways)
                tokens = (drawn(Distribution(listed, (), choose.size), bounds, where),)
                read, run = packed(tokens), -1
                node = "" if END in tokens else RESUME.get(tokens[0], "object")
            ids += tokens
            hashed = crc32(read, hashed)
            run = min(run + len(tokens), last)  # later ones are alike
        yield ids[: room - made]
        if not node:
            return
        made += len(ids)
        ids = []


def weighed(
    context: TokenContext,
    sampling: Sampling,
    room: int,
    length: Length,
    forced: Sequence[int] = (),
) -> Iterator[Token]:
    """Yield tokens with their log probabilities; those that are `forced` come first.

    Log probabilities are those after bias and penalties, before temperature and top_p.
    """
    factor, choose = _drawing(sampling, context)
    adjusted, shown = adjusts(sampling), sampling.top_logprobs
    counts: dict[int, int] = {}
    for count in range(room):
        node, plan, run = context.state
        plan = plan or length.closing(count)
        if adjusted and count >= _TOO_LONG and END not in sampling.logit_bias:
            plan = plan or (END,)  # the bias keeps sentences from their end
        context.state = SentenceState(node, plan, run)
        open_ = length.open(count)
        found = context.distribution(open_=open_)
        if adjusted:
            found = adjust(found, sampling, counts)
        if count < len(forced):
            chosen = forced[count]
        elif plan and not adjusted:
            chosen = plan[0]
        else:
            ends = (
                choose.bounds(found)
                if adjusted
                else choose.choices(*context.place(open_=open_))[context.version][0]
            )
            chosen = drawn(found, ends, context.hashed * factor % 1.0)
        yield reported(found, chosen, shown)
        if chosen == END:
            return
        if adjusted:
            counts[chosen] = counts.get(chosen, 0) + 1
        context.add(chosen)


def reported(distribution: Distribution, token: int, count: int | None) -> Token:
    """Report a token with its log probability and `count` alternatives, if wanted."""
    if count is None:
        return Token(token, PIECES[token], None, (), token == END)
    top = distribution.ranked[:count]
    return Token(token, PIECES[token], distribution.logprob(token), top, token == END)


def _drawing(sampling: Sampling, context: TokenContext) -> tuple[float, Sampler]:
    """Return what takes a context's hash to a point, and what the point chooses."""
    factor = draw_factor(sampling.seed, sampling.choice)
    return factor, sampler(sampling.temperature, sampling.top_p, context.size)
