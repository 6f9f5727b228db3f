"""Loading models with transformers, and saying clearly why one cannot be served."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerBase,
)

from aios_conformance.reference_impl.errors import (
    LoadError,
    ModelTooLarge,
    WrongKind,
)
from aios_conformance.reference_impl.sources import (
    Kind,
    ModelSource,
    is_matryoshka,
    kind_of,
    limit_of,
    named,
    tokenizer_of,
    vocabulary_of,
)
from aios_conformance.reference_impl.tokenizing.vocabulary import Vocabulary
from aios_conformance.reference_impl.transformers_engine import cache as kv
from aios_conformance.reference_impl.transformers_engine.grammars import Grammars
from aios_conformance.reference_impl.transformers_engine.int8 import in_bytes
from aios_conformance.reference_impl.transformers_engine.pooling import (
    Pooling,
    read_pooling,
)

CLASSES: Mapping[Kind, Any] = {
    "causal": AutoModelForCausalLM,
    "encoder": AutoModel,
    "cross-encoder": AutoModelForSequenceClassification,
}
SPARE = 1.1  # memory wanted over the size of the weights
CACHE_SHARE = 0.5  # of the memory left after loading, for keys and values
CACHE_BYTES_CPU = 4 * 2**30  # on a CPU at most so much of it


@dataclass(frozen=True, slots=True)
class Placement:
    """Where models live and in which precision."""

    device: torch.device
    dtype: torch.dtype
    int8: bool = False  # the linear layers of what generates text

    @property
    def precision(self) -> str:
        """As it is told: the models that read are never below bfloat16."""
        whole = str(self.dtype).removeprefix("torch.")
        return f"{whole}, texts generated in int8" if self.int8 else whole

    def free(self) -> int:
        """Bytes that may still be taken."""
        if self.device.type == "cuda":
            return int(torch.cuda.mem_get_info(self.device)[0])
        return int(psutil.virtual_memory().available)


def choose_place(device: str, dtype: str) -> Placement:
    """Resolve `auto`: a GPU with bfloat16 where there is one, else CPU, float32.

    Raises LoadError when a GPU is asked for and none is there, or 8 bits on one.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise LoadError("--device cuda: torch sees no CUDA device; use --device cpu")
    where = (
        torch.device("cuda", 0) if has_cuda and device != "cpu" else torch.device("cpu")
    )
    if dtype == "int8":
        if where.type != "cpu":
            raise LoadError("--dtype int8 is for a CPU; give --device cpu, or bfloat16")
        return Placement(where, torch.float32, int8=True)
    if dtype == "auto":
        half = where.type == "cuda" and torch.cuda.is_bf16_supported()
        dtype = "bfloat16" if half else "float32"
    return Placement(where, torch.bfloat16 if dtype == "bfloat16" else torch.float32)


def _weights(source: ModelSource, kind: Kind, place: Placement) -> Any:
    """Load a model, in inference mode, onto its place."""
    auto = CLASSES[kind]
    with _explaining(source.path):
        with torch.device("meta"):
            skeleton = auto.from_config(source.config)
        size = sum(p.numel() for p in skeleton.parameters()) * place.dtype.itemsize
        if size * SPARE > place.free():
            raise ModelTooLarge(
                f"{source.path}: needs about {size * SPARE / 2**30:.1f} GiB, "
                f"{place.free() / 2**30:.1f} GiB are free on {place.device}"
            )
        model, report = auto.from_pretrained(
            source.path, dtype=place.dtype, output_loading_info=True
        )
    missing = sorted(k for k in report["missing_keys"] if not k.startswith("pooler."))
    if missing:
        raise WrongKind(
            f"{source.path}: the checkpoint lacks weights that a {kind} model needs, "
            f"such as {missing[0]}"
        )
    return model.to(place.device).eval()


@contextlib.contextmanager
def _explaining(path: str) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelTooLarge(f"{path}: the device's memory is too small") from error
    except (
        OSError,
        ValueError,
        KeyError,
        ImportError,
        RuntimeError,
        SafetensorError,
    ) as error:
        raise LoadError(f"{path}: cannot be loaded: {error}") from error


@dataclass(frozen=True, slots=True)
class Causal:
    """A causal language model, ready to decode."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    vocabulary: Vocabulary
    grammars: Grammars
    context: int  # tokens of prompt and answer together
    cells: int  # cache columns that memory holds


@torch.inference_mode()
def load_causal(source: ModelSource, place: Placement) -> Causal:
    """Load a model for chat and completions."""
    if kind_of(source) != "causal":
        raise WrongKind(
            f"{source.path}: {named(source)} does not generate text; chat and "
            "completions need a causal language model"
        )
    model = _weights(source, "causal", place)
    if place.int8:
        in_bytes(model)
    tokenizer = tokenizer_of(source)
    text_config = source.config.get_text_config()
    vocabulary = vocabulary_of(source, tokenizer, model.generation_config)
    cell = _rehearse(model, source.path)
    budget = CACHE_SHARE * place.free()
    if place.device.type == "cpu":
        budget = min(budget, CACHE_BYTES_CPU)
    cells = int(budget / cell)
    positions = getattr(text_config, "max_position_embeddings", None)
    context = min(positions or tokenizer.model_max_length, cells)
    return Causal(model, tokenizer, vocabulary, Grammars(vocabulary), context, cells)


def _rehearse(model: Any, path: str) -> int:
    """Check that padding does not change an answer; return bytes per cache cell.

    The decode loop rests on this, and architectures without a plain key/value cache
    break it.
    """
    ids = torch.arange(4, 10, device=model.device)[None]  # (1, 6)
    shift = torch.nn.functional.pad(ids, (3, 0))  # (1, 9)
    columns = torch.arange(9, device=model.device)
    cache = kv.empty()
    try:
        alone = model(input_ids=ids, use_cache=True, past_key_values=cache).logits[
            0, -1
        ]
        padded = model(
            input_ids=shift,
            attention_mask=(columns >= 3)[None],
            position_ids=(columns - 3).clamp(min=0)[None],
            use_cache=True,
            past_key_values=kv.empty(),
        ).logits[0, -1]
    except (
        AttributeError,
        TypeError,
        ValueError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise LoadError(
            f"{path}: not supported by the batched decoder: {error}"
        ) from error
    same = torch.cosine_similarity(alone.float(), padded.float(), dim=0)
    if not kv.is_per_token(cache, 6) or not same > 0.99:
        raise LoadError(
            f"{path}: not supported by the batched decoder, because its answers depend "
            "on padding (no plain key/value cache)"
        )
    return kv.bytes_per_token(cache)


@dataclass(frozen=True, slots=True)
class Embedding:
    """An encoder with its own pooling: a head for the encoder lane."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    pooling: Pooling
    limit: int  # tokens of one text, special tokens included
    dimensions: int
    matryoshka: bool

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """(B, T) → one vector each, (B, H) in float32."""
        hidden = self.model(**inputs).last_hidden_state.float()  # (B, T, H)
        return self.pooling(hidden, inputs["attention_mask"])


@torch.inference_mode()
def load_embedding(source: ModelSource, place: Placement) -> Embedding:
    """Load a model for embeddings."""
    if kind_of(source) != "encoder":
        raise WrongKind(
            f"{source.path}: {named(source)} gives no embeddings; use an encoder, or "
            "a model with a sentence-transformers configuration"
        )
    pooling = read_pooling(source.file)
    model = _weights(source, "encoder", place)
    tokenizer = tokenizer_of(source)
    limit = min(limit_of(source, tokenizer), pooling.max_tokens or 2**31)
    probe = torch.ones((1, 2), dtype=torch.long, device=place.device)
    vector = pooling(model(input_ids=probe).last_hidden_state.float(), probe)
    return Embedding(
        model,
        tokenizer,
        pooling,
        limit,
        vector.shape[1],
        is_matryoshka(source),
    )


@dataclass(frozen=True, slots=True)
class CrossEncoder:
    """A model that reads pairs: a head for the encoder lane."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    limit: int  # tokens of a pair, special tokens included

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """(B, T) → one score each in [0, 1], (B, 1)."""
        return torch.sigmoid(self.model(**inputs).logits.float())


@torch.inference_mode()
def load_cross_encoder(source: ModelSource, place: Placement) -> CrossEncoder:
    """Load a model for rerank and score."""
    if kind_of(source) != "cross-encoder" or source.config.num_labels != 1:
        raise WrongKind(
            f"{source.path}: {named(source)} with {source.config.num_labels} labels "
            "is no cross-encoder; rerank and score need one with a single label, or "
            "an embedding model"
        )
    model = _weights(source, "cross-encoder", place)
    tokenizer = tokenizer_of(source)
    return CrossEncoder(model, tokenizer, limit_of(source, tokenizer))
