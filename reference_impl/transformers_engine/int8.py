"""Linear layers in 8 bits, for models that generate text on a CPU.

A token of a single stream waits for weights to come from memory; in 8 bits they are a
quarter of float32's. Each row of weights has a scale, and each token's activations one
of their own when they come (vector-wise, Dettmers et al. 2022, arXiv:2208.07339), so
that no scale is shared with a neighbour of the batch. torchao's layers of the same
kind, without a compiler, were slower than float32, and those of torch.ao share one
scale among all tokens of a batch.
"""

import torch
from torch import Tensor, nn

_MOST = 127  # of a signed byte, alike on both sides of zero
_LEAST = 1e-12  # below any scale of use: a row of zeros stays zeros


def _bytes(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(N, K) → the same in bytes (N, K), and the scale of each row (N, 1)."""
    scale = rows.abs().amax(1, keepdim=True).clamp_min(_LEAST) / _MOST
    return (rows / scale).round().to(torch.int8), scale


class Int8Linear(nn.Module):
    """A linear layer whose product is one of bytes: (..., K) → (..., N)."""

    weight: Tensor  # (N, K) in bytes
    scale: Tensor  # (N,)

    def __init__(self, linear: nn.Linear) -> None:
        """Take over the weights of a layer in float32."""
        super().__init__()
        weight, scale = _bytes(linear.weight.detach())
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale.squeeze(1))
        self.bias = linear.bias

    def forward(self, given: Tensor) -> Tensor:
        """Activations in float32 in, the same out."""
        rows, scale = _bytes(given.reshape(-1, given.shape[-1]))
        sums = torch._int_mm(rows, self.weight.t())  # noqa: SLF001 - torch has no other
        made = sums * scale * self.scale
        if self.bias is not None:
            made += self.bias
        return made.reshape(*given.shape[:-1], -1)


def in_bytes(model: nn.Module) -> None:
    """Put every linear layer of a model in float32 into 8 bits."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, Int8Linear(child))
