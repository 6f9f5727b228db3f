"""From logits to tokens, for every row of a batch at once.

A row's choice depends on that row alone, so that a seeded request draws the
same tokens whatever shares its batch. Logits are adjusted in the order of the
documents' formula (penalties and bias first, then temperature, then top_p), and
log probabilities are those of the adjusted logits at temperature 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

COLDEST = 1e-4  # a temperature below this is greedy; dividing by it overflows
IMPOSSIBLE = -9999.0  # log probability of a token that cannot be drawn


@dataclass(frozen=True, slots=True)
class Choice:
    """How to draw one row's token."""

    temperature: float
    top_p: float
    random: torch.Generator | None  # the row's own random numbers
    shift: dict[int, float]  # token id: what to add to its logit
    top: int  # how many of the most likely tokens to report


@dataclass(frozen=True, slots=True)
class DrawnTokens:
    """Tokens of one step."""

    ids: Tensor  # (B,) on the device, ready for the next step
    rows: list[tuple[int, float, list[tuple[int, float]]]]  # id, logprob, top


def draw(
    logits: Tensor, choices: Sequence[Choice], allowed: Tensor | None
) -> DrawnTokens:
    """Draw one token for each row of logits (B, V).

    `allowed` (B, V) forbids tokens where false. Reads from the device once.
    """
    logits = _shifted(logits.float(), choices)
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    ids = logits.argmax(-1)  # (B,)
    warm = [i for i, c in enumerate(choices) if c.temperature > COLDEST]
    if len(warm) == len(choices):
        ids = _sampled(logits, choices)
    elif warm:
        rows = torch.tensor(warm, device=logits.device)
        ids[rows] = _sampled(logits[rows], [choices[i] for i in warm])

    logprobs = logits.log_softmax(-1)  # (B, V)
    report = [ids[:, None].double(), logprobs.gather(1, ids[:, None]).double()]
    most = max(c.top for c in choices)
    if most:
        values, tokens = logprobs.topk(most, -1)  # (B, K) each
        report += [tokens.double(), values.double()]
    # ids are exact in a double, so that everything comes over in one transfer
    table = torch.cat(report, 1).tolist()
    return DrawnTokens(
        ids, [_row(line, c.top, most) for line, c in zip(table, choices, strict=True)]
    )


def _row(
    line: list[float], top: int, most: int
) -> tuple[int, float, list[tuple[int, float]]]:
    tokens, values = line[2 : 2 + most], line[2 + most :]
    likely = [(int(t), max(v, IMPOSSIBLE)) for t, v in zip(tokens, values, strict=True)]
    return int(line[0]), max(line[1], IMPOSSIBLE), likely[:top]


def _shifted(logits: Tensor, choices: Sequence[Choice]) -> Tensor:
    """Add each row's penalties and biases: logits (B, V)."""
    rows = [i for i, c in enumerate(choices) for _ in c.shift]
    if not rows:
        return logits
    columns = [t for c in choices for t in c.shift]
    amounts = [a for c in choices for a in c.shift.values()]
    at = (
        torch.tensor(rows, device=logits.device),
        torch.tensor(columns, device=logits.device),
    )
    return logits.index_put(
        at, torch.tensor(amounts, device=logits.device), accumulate=True
    )


def _sampled(logits: Tensor, choices: Sequence[Choice]) -> Tensor:
    """Draw from each row by the Gumbel-max trick: (B,).

    Noise belongs to a token id, so the rounding differences between a row alone and
    the same row in a batch change a draw only when two tokens tie. Inverting the
    cumulative distribution would let each of V boundaries change it.
    """
    temperature = torch.tensor([c.temperature for c in choices], device=logits.device)
    logits = logits / temperature[:, None]
    narrow = [i for i, c in enumerate(choices) if c.top_p < 1]
    if narrow:
        rows = torch.tensor(narrow, device=logits.device)
        top_p = torch.tensor([choices[i].top_p for i in narrow], device=logits.device)
        logits[rows] = _nucleus(logits[rows], top_p)
    noise = torch.empty_like(logits)  # (B, V), each in [0, 1)
    for row, choice in zip(noise, choices, strict=True):
        row.uniform_(generator=choice.random)
    gumbel = noise.log_().neg_().log_().neg_()  # 0 becomes -inf, which never wins
    return gumbel.add_(logits).argmax(-1)


def _nucleus(logits: Tensor, top_p: Tensor) -> Tensor:
    """Keep the fewest likely tokens that together reach top_p: (B, V)."""
    ordered = logits.sort(-1, descending=True).values  # (B, V)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities
    kept = before < top_p[:, None]
    kept[:, 0] = True
    least = ordered.masked_fill(~kept, torch.inf).amin(-1, keepdim=True)  # (B, 1)
    return logits.masked_fill(logits < least, -torch.inf)
