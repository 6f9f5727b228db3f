"""From hidden states to one vector, as a model's own configuration says.

The layout is that of sentence-transformers: modules.json lists a transformer, a
pooling, and perhaps dense layers and a normalization. A model without it gets
the common default: the mean of its token vectors, scaled to length 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from aios_conformance.reference_impl.errors import LoadError
from aios_conformance.reference_impl.sources import Reader, read_json, text_settings

Reduction = Callable[[Tensor, Tensor], Tensor]  # (B, T, H), (B, T, 1) → (B, H)


def _mean(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)


def _mean_sqrt_len(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9).sqrt()


def _weighted_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    weights = mask * mask.cumsum(1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _max(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(mask == 0, -torch.inf).amax(1)


def _first(hidden: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG001
    return hidden[:, 0]


def _last(hidden: Tensor, mask: Tensor) -> Tensor:
    ends = mask[..., 0].sum(1).long() - 1  # (B,) texts are padded on the right
    return hidden[torch.arange(len(hidden), device=hidden.device), ends]


REDUCTIONS: Mapping[str, Reduction] = {
    "cls": _first,
    "cls_token": _first,
    "lasttoken": _last,
    "max": _max,
    "max_tokens": _max,
    "mean": _mean,
    "mean_tokens": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt_len,
    "weightedmean": _weighted_mean,
    "weightedmean_tokens": _weighted_mean,
}
ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "Tanh": torch.tanh,
    "Identity": lambda x: x,
    "ReLU": torch.relu,
    "GELU": functional.gelu,
}


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer after the pooling."""

    weight: Tensor  # (out, in)
    bias: Tensor | None
    activation: Callable[[Tensor], Tensor]

    def __call__(self, vectors: Tensor) -> Tensor:
        """(B, in) → (B, out)."""
        return self.activation(
            functional.linear(
                vectors,
                self.weight.to(vectors),
                None if self.bias is None else self.bias.to(vectors),
            )
        )


@dataclass(frozen=True, slots=True)
class Pooling:
    """How hidden states become one vector."""

    reductions: tuple[Reduction, ...] = (_mean,)
    dense: tuple[Dense, ...] = ()
    normalize: bool = True
    max_tokens: int | None = None  # the model's own limit, special tokens included
    prompt: str = ""  # text that the model expects before every input

    def __call__(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) and (B, T) → (B, H); several reductions are concatenated."""
        weights = mask[..., None].to(hidden)  # (B, T, 1)
        vectors = torch.cat([r(hidden, weights) for r in self.reductions], -1)
        for layer in self.dense:
            vectors = layer(vectors)
        return functional.normalize(vectors) if self.normalize else vectors


def read_pooling(read: Reader) -> Pooling:
    """Read a model's sentence-transformers files; `read` finds them.

    Raises LoadError for a module that this implementation does not know.
    """
    modules = read_json(read("modules.json"))
    if modules is None:
        return Pooling()
    reductions: tuple[Reduction, ...] = (_mean,)
    dense: list[Dense] = []
    normalize = False
    for module in modules:
        kind, path = module["type"].rsplit(".", 1)[-1], module["path"]
        match kind:
            case "Transformer":
                pass
            case "Pooling":
                config = read_json(read(f"{path}/config.json")) or {}
                reductions = tuple(_reductions(config))
            case "Dense":
                dense.append(_dense(read, path))
            case "Normalize":
                normalize = True
            case _:
                raise LoadError(
                    f"modules.json names {module['type']}, which is not supported; "
                    "known are Transformer, Pooling, Dense and Normalize"
                )
    return Pooling(reductions, tuple(dense), normalize, *text_settings(read))


def _reductions(config: Mapping[str, Any]) -> list[Reduction]:
    named = config.get("pooling_mode")
    names = (
        [named]
        if isinstance(named, str)
        else [
            key.removeprefix("pooling_mode_")
            for key, on in config.items()
            if key.startswith("pooling_mode_") and on
        ]
    )
    unknown = [name for name in names if name not in REDUCTIONS]
    if unknown or not names:
        raise LoadError(
            f"the pooling configuration asks for {unknown or 'nothing'}; "
            f"known are {', '.join(REDUCTIONS)}"
        )
    return [REDUCTIONS[name] for name in names]


def _dense(read: Reader, path: str) -> Dense:
    config = read_json(read(f"{path}/config.json")) or {}
    weights = read(f"{path}/model.safetensors")
    name = str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    if weights is None or name not in ACTIVATIONS:
        raise LoadError(
            f"{path} needs model.safetensors and one of the activations "
            f"{', '.join(ACTIVATIONS)}, not {name}"
        )
    tensors = load_file(weights)
    return Dense(
        tensors["linear.weight"], tensors.get("linear.bias"), ACTIVATIONS[name]
    )
