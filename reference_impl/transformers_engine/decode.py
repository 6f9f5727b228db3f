"""Continuous batching: many requests decode together, joining and leaving freely.

One step of the loop is one forward pass, after dropping what was cancelled. Passes
of two kinds take turns when both have work:

    prefill  one chunk of the prompts that were admitted when slots and cache memory
             allowed; after the last chunk their first tokens are drawn and they
             join the batch
    decode   one token for every row of the batch

so a long prompt delays the others by a chunk at a time, not by its whole length,
and a first token is told before the batch decodes on.
The loop calls the model's forward pass itself because the maintained batching of
transformers (generate_batch) takes neither seeds, penalties, biases, constraints
nor top_logprobs for each request, and is slower on a CPU. The oracle of this page
is `model.generate`.

B rows, T new tokens, W columns in the cache, V ids in the vocabulary.
"""

import inspect
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from aios_conformance.reference_impl.tokenizing.vocabulary import Vocabulary
from aios_conformance.reference_impl.transformers_engine import cache as kv
from aios_conformance.reference_impl.transformers_engine.constraints import unpacked
from aios_conformance.reference_impl.transformers_engine.sampling import (
    IMPOSSIBLE,
    Choice,
    draw,
)
from aios_conformance.reference_impl.transformers_engine.sequence import (
    GenerationRequest,
    Scan,
)
from aios_conformance.reference_impl.transformers_engine.worker import Event
from aios_conformance.serving.engine import Candidate, EngineError, Overloaded, Token

WASTE = 1.5  # padded size of a prefill over its real size
SCANNED = 256  # prompt tokens scored at a time: their logits are (T, V)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much is decoded at once."""

    batch: int  # rows that decode together
    queue: int  # requests that may wait
    chunk: int  # prompt tokens in one forward pass
    context: int  # tokens of prompt and answer together
    cells: int  # cache cells (rows x columns) that memory holds


@dataclass(eq=False, slots=True)
class Prefill:
    """Prompts on their way into the batch: equal ones share a row."""

    requests: list[GenerationRequest]
    rows: list[int]  # the row of each request
    ids: Tensor  # (B, T) left-padded
    pads: Tensor  # (B,) padding columns of each row
    padded: bool
    cache: Cache = field(default_factory=kv.empty)
    done: int = 0  # columns that are through


class DecodeLane:
    """The lane of one causal language model. Only `submit` is for other threads."""

    def __init__(self, model: Any, vocabulary: Vocabulary, limits: BatchLimits) -> None:
        """`model` is a transformers causal language model in inference mode."""
        self.limits = limits
        self._model = model
        self._vocabulary = vocabulary
        self._device = model.device
        self._waiting: deque[GenerationRequest | Scan] = deque()
        self._lock = threading.Lock()
        self._prefill: Prefill | Scan | None = None
        self._decodes_next = False  # whose turn it is
        self._events: list[Event] = []  # of this step
        self._open: set[GenerationRequest | Scan] = set()  # begun and not yet answered
        self._options = frozenset(inspect.signature(model.forward).parameters)
        self._reset()

    def _reset(self) -> None:
        self._rows: list[GenerationRequest] = []
        self._cache = kv.empty()
        self._pads = torch.zeros(0, dtype=torch.long, device=self._device)  # (B,)
        self._padded = False
        self._next = self._pads[:, None]  # (B, 1) ids to feed next

    # --- what other threads may call

    def submit(self, request: GenerationRequest | Scan) -> None:
        """Queue a request; raises Overloaded when too many wait."""
        with self._lock:
            if len(self._waiting) >= self.limits.queue:
                raise Overloaded(1 + len(self._waiting) // self.limits.batch)
            self._waiting.append(request)

    @property
    def waiting(self) -> int:
        """Requests that are not yet decoding."""
        return len(self._waiting)

    @property
    def active(self) -> int:
        """Rows that decode now."""
        return len(self._rows)

    # --- the worker's side

    def ready_in(self) -> float | None:
        """Return 0 when there is work, None when there is none."""
        return 0.0 if self._waiting or self._prefill or self._rows else None

    def fail(self, error: Exception) -> list[Event]:
        """Give up everything under way after an error in a step."""
        victims, self._open = self._open, set()
        self._prefill = None
        self._reset()
        return [*self._events, *((victim.emit, error) for victim in victims)]

    def step(self) -> list[Event]:
        """Advance the prompts by one chunk or the batch by one token."""
        self._events = []
        self._keep([not r.cancelled for r in self._rows])
        if self._prefill is None:
            self._prefill = self._admit()
        if self._rows and (self._decodes_next or self._prefill is None):
            self._decodes_next = False
            self._decode()
            return self._events
        self._decodes_next = True
        match self._prefill:
            case Scan() as scan:
                self._advance_scan(scan)
            case Prefill() as prefill:
                self._advance(prefill)
            case None:
                pass
        return self._events

    def _admit(self) -> Prefill | Scan | None:
        """Take the prompts from the head of the queue that go well together."""
        group: list[GenerationRequest] = []
        with self._lock:
            while self._waiting:
                head = self._waiting[0]
                if head.cancelled:
                    self._waiting.popleft()
                elif isinstance(head, Scan):
                    if group:
                        break
                    self._open.add(self._waiting.popleft())
                    return head
                elif self._fits([*group, head]):
                    self._open.add(self._waiting.popleft())
                    head.place(self._device)
                    group.append(head)
                else:
                    break
        if not group:
            return None
        prompts = list(dict.fromkeys(tuple(r.prompt) for r in group))
        width = max(map(len, prompts))
        pads = [width - len(p) for p in prompts]
        ids = [[0] * pad + list(p) for pad, p in zip(pads, prompts, strict=True)]
        return Prefill(
            requests=group,
            rows=[prompts.index(tuple(r.prompt)) for r in group],
            ids=torch.tensor(ids, device=self._device),
            pads=torch.tensor(pads, device=self._device),
            padded=any(pads),
        )

    def _fits(self, group: list[GenerationRequest]) -> bool:
        together = [*self._rows, *group]
        if len(together) > self.limits.batch:
            return False
        if len(together) > 1:
            cells = len(together) * max(r.room for r in together)
            if cells > self.limits.cells:
                return False
        lengths = [len(p) for p in {tuple(r.prompt) for r in group}]
        padded = len(lengths) * max(lengths)
        return len(lengths) == 1 or padded <= min(
            self.limits.chunk, WASTE * sum(lengths)
        )

    def _advance(self, prefill: Prefill) -> None:
        if all(r.cancelled for r in prefill.requests):
            self._prefill = None
            self._open.difference_update(prefill.requests)
            return
        chunk = prefill.ids[:, prefill.done : prefill.done + self.limits.chunk]
        logits = self._forward(
            chunk, prefill.pads if prefill.padded else None, prefill.cache
        )
        prefill.done += chunk.shape[1]
        if prefill.done < prefill.ids.shape[1]:
            return
        self._prefill = None
        rows = torch.tensor(prefill.rows, device=self._device)
        self._join(prefill, rows, *self._choose(prefill.requests, logits[rows, -1]))

    def _join(
        self, prefill: Prefill, rows: Tensor, ids: Tensor, going: list[bool]
    ) -> None:
        """Add those rows of a finished prefill that go on to the batch."""
        stay = [i for i, on in enumerate(going) if on]
        if not stay:
            return
        picked = torch.tensor(stay, device=self._device)
        requests = [prefill.requests[i] for i in stay]
        longest = max(len(r.prompt) for r in requests)
        parts = [kv.CacheSlice(prefill.cache, rows[picked], longest)]
        if self._rows:
            everyone = torch.arange(len(self._rows), device=self._device)
            width = self._cache.get_seq_length()
            parts.insert(0, kv.CacheSlice(self._cache, everyone, width))
        self._cache = kv.joined(parts)
        self._rows += requests
        self._next = torch.cat([self._next, ids[picked][:, None]])
        self._measure()

    def _keep(self, going: list[bool]) -> None:
        """Let rows leave the batch, and with them columns that only they used."""
        if all(going):
            return
        self._open.difference_update(
            row for row, on in zip(self._rows, going, strict=True) if not on
        )
        stay = [i for i, on in enumerate(going) if on]
        if not stay:
            self._reset()
            return
        picked = torch.tensor(stay, device=self._device)
        self._rows = [self._rows[i] for i in stay]
        width = max(r.length for r in self._rows) - 1  # the newest is not yet fed
        self._cache = kv.joined([kv.CacheSlice(self._cache, picked, width)])
        self._next = self._next[picked]
        self._measure()

    def _measure(self) -> None:
        width = self._cache.get_seq_length()
        pads = [width - (r.length - 1) for r in self._rows]
        self._pads = torch.tensor(pads, device=self._device)
        self._padded = any(pads)

    def _decode(self) -> None:
        logits = self._forward(
            self._next, self._pads if self._padded else None, self._cache
        )
        ids, going = self._choose(self._rows, logits[:, -1])
        self._next = ids[:, None]
        self._keep(going)

    def _forward(
        self, ids: Tensor, pads: Tensor | None, cache: Cache, keep: int = 1
    ) -> Tensor:
        """Run the model on ids (B, T): logits (B, keep, V); keep 0 means all."""
        before = cache.get_seq_length()
        columns = torch.arange(before + ids.shape[1], device=self._device)  # (W,)
        positions, mask = columns[None, before:], None
        if pads is not None:
            mask = columns >= pads[:, None]  # (B, W)
            positions = (columns[before:] - pads[:, None]).clamp(min=0)  # (B, T)
        optional = {
            "position_ids": positions.expand(len(ids), -1),
            "logits_to_keep": keep,
        }
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            **{k: v for k, v in optional.items() if k in self._options},
        )
        logits: Tensor = output.logits
        return logits

    def _choose(
        self, requests: list[GenerationRequest], logits: Tensor
    ) -> tuple[Tensor, list[bool]]:
        """Draw a token for each row of logits (B, V): ids, and who goes on."""
        allowed = None
        if any(r.constraint for r in requests):
            # computed while the device is still busy with the forward pass
            free = torch.full(((logits.shape[1] + 31) // 32,), -1, dtype=torch.int32)
            masks = [
                r.constraint.allowed(r.left) if r.constraint else free for r in requests
            ]
            allowed = unpacked(torch.stack(masks).to(self._device), logits.shape[1])
        drawn = draw(logits, [r.choice() for r in requests], allowed)
        going = []
        for request, (token_id, logprob, top) in zip(requests, drawn.rows, strict=True):
            request.take(token_id)
            end = token_id in self._vocabulary.ends
            done = end or request.left == 0
            if request.constraint and not end:
                done = request.constraint.accept(token_id) or done
            if request.constraint and (problem := request.constraint.problem):
                self._events.append((request.emit, EngineError(problem)))
                done = True
            else:
                token = self._token(token_id, logprob, top, end=end)
                self._events.append((request.emit, token))
                self._events += [(request.emit, None)] if done else []
            if done:
                self._open.discard(request)
            going.append(not done)
        return drawn.ids, going

    def _token(
        self,
        token_id: int,
        logprob: float | None,
        top: list[tuple[int, float]],
        *,
        end: bool = False,
    ) -> Token:
        text = self._vocabulary.text
        likely = tuple(Candidate(i, p, text(i)) for i, p in top)
        return Token(token_id, b"" if end else text(token_id), logprob, likely, end)

    def _advance_scan(self, scan: Scan) -> None:
        """Score one chunk of a prompt against itself."""
        if scan.cancelled:
            self._prefill = None
            self._open.discard(scan)
            return
        if not scan.tokens:
            scan.tokens.append(self._token(scan.prompt[0], None, []))
        start = len(scan.tokens) - 1
        chunk = scan.prompt[start : start + SCANNED]
        targets = scan.prompt[start + 1 : start + 1 + SCANNED]
        if targets:
            ids = torch.tensor([chunk], device=self._device)
            logits = self._forward(ids, None, scan.cache, keep=0)
            choices = [Choice(0, 1, None, {}, scan.top)] * len(targets)
            scan.tokens += self._scored(logits[0, : len(targets)], targets, choices)
        if len(scan.tokens) == len(scan.prompt):
            self._prefill = None
            self._open.discard(scan)
            self._events.append((scan.emit, scan.tokens))

    def _scored(
        self, logits: Tensor, targets: list[int], choices: list[Choice]
    ) -> list[Token]:
        """Look up what came next in logits (T, V)."""
        logprobs = logits.float().log_softmax(-1)
        wanted = torch.tensor(targets, device=self._device)
        own = logprobs.gather(1, wanted[:, None])[:, 0].tolist()
        drawn = draw(logits, choices, None)
        return [
            self._token(i, max(p, IMPOSSIBLE), top)
            for i, p, (_, _, top) in zip(targets, own, drawn.rows, strict=True)
        ]
