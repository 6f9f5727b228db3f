"""A key/value cache for a batch whose rows come and go between steps.

Rows are right-aligned: column W-1 holds the newest token of every row and the
columns left of a shorter row are padding, which the attention mask hides:

    row 0   k k k k k k      transformers' own dynamic cache copies everything
    row 1   . . . k k k      at every token; here a step writes one column into
    row 2   . k k k k k      spare room, and rows are copied only when one joins
            <--- W --->      or leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

SPARE = 64  # columns to grow by


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values of one attention layer: two buffers (B, H, C, D), C ≥ W."""

    keys: Any  # Tensor (B, H, C, D), once initialized
    values: Any
    is_sliding = False

    def __init__(self) -> None:
        """Start empty; the first update tells shape, type and device."""
        super().__init__()
        self.width = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Allocate for these states (B, H, T, D) and some room to grow."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys = _room(key_states, key_states.shape[2] + SPARE)
        self.values = _room(value_states, value_states.shape[2] + SPARE)
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Append (B, H, T, D) on the right; return everything (B, H, W, D)."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self.width + key_states.shape[2]
        if end > self.keys.shape[2]:
            self.keys = _grown(self.keys, self.width, end + SPARE)
            self.values = _grown(self.values, self.width, end + SPARE)
        self.keys[:, :, self.width : end] = key_states
        self.values[:, :, self.width : end] = value_states
        self.width = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        """Columns in use."""
        return self.width

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Columns after the next update, and the offset of the first."""
        return self.width + query_length, 0

    def get_max_length(self) -> int:
        """-1: no limit of its own."""
        return -1


def _room(like: Tensor, columns: int) -> Tensor:
    b, h, _, d = like.shape
    return like.new_zeros((b, h, columns, d))


def _grown(buffer: Tensor, width: int, columns: int) -> Tensor:
    bigger = _room(buffer, columns)
    bigger[:, :, :width] = buffer[:, :, :width]
    return bigger


def layers(cache: Cache) -> list[SlotLayer]:
    """Return a cache's layers, which `empty` made what they are."""
    return cast("list[SlotLayer]", cache.layers)


def empty() -> Cache:
    """Return a cache without rows, for a prefill."""
    return Cache(layer_class_to_replicate=SlotLayer)


@dataclass(frozen=True, slots=True)
class CacheSlice:
    """Some rows of a cache, and how many of their right columns to take."""

    cache: Cache
    rows: Tensor  # (b,) row numbers; a row may be taken more than once
    width: int


def joined(parts: Sequence[CacheSlice]) -> Cache:
    """Stack rows of several caches, right-aligned, padding with zeros.

    Padding must be finite: the mask gives it weight 0, and 0 x NaN is NaN.
    The sources lose each layer once it is copied, so that the peak is one layer.
    """
    width = max(part.width for part in parts)
    height = sum(len(part.rows) for part in parts)
    result = empty()
    for number in range(max(len(layers(part.cache)) for part in parts)):
        sources = [layers(part.cache)[number] for part in parts]
        layer = SlotLayer()
        result.layers.append(layer)
        if not sources[0].is_initialized:  # a layer that shares another's cache
            continue
        _, h, _, d = sources[0].keys.shape
        _, _, _, dv = sources[0].values.shape
        layer.keys = sources[0].keys.new_zeros((height, h, width + SPARE, d))
        layer.values = sources[0].values.new_zeros((height, h, width + SPARE, dv))
        layer.width, layer.is_initialized = width, True
        top = 0
        for part, source in zip(parts, sources, strict=True):
            below = top + len(part.rows)
            take = slice(source.width - part.width, source.width)
            put = slice(width - part.width, width)
            layer.keys[top:below, :, put] = source.keys[part.rows, :, take]
            layer.values[top:below, :, put] = source.values[part.rows, :, take]
            top = below
        for source in sources:
            source.keys = source.values = None
    return result


def bytes_per_token(cache: Cache) -> int:
    """Bytes that one more column of one row costs over all layers."""
    return sum(
        int(side.shape[1] * side.shape[3] * side.element_size())
        for layer in layers(cache)
        if layer.is_initialized
        for side in (layer.keys, layer.values)
    )


def is_per_token(cache: Cache, tokens: int) -> bool:
    """Tell whether every layer really kept one column a token.

    Recurrent and other architectures keep a state that cannot be aligned so.
    """
    return bool(cache.layers) and any(
        isinstance(layer, SlotLayer) and layer.width == tokens for layer in cache.layers
    )
