"""Finding a model, and what its files say about it: nothing here needs torch."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils.hub import cached_file

from aios_conformance.reference_impl.errors import LoadError, Missing
from aios_conformance.reference_impl.tokenizing.vocabulary import Vocabulary

Kind = Literal["causal", "encoder", "cross-encoder"]
Say = Callable[[str], None]
Reader = Callable[[str], Path | None]  # a file of the model, by its name

# these families count positions from after the padding id
OFFSET_POSITIONS = frozenset(("roberta", "xlm-roberta", "camembert", "mpnet"))


@dataclass(frozen=True, slots=True)
class ModelSource:
    """What to load: a folder, or the name of a model on a hub."""

    path: str
    config: Any

    def file(self, name: str) -> Path | None:
        """Find one of the model's files."""
        found = cached_file(
            self.path,
            name,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return None if found is None else Path(found)


def find(text: str, cache: Path, say: Say) -> ModelSource:
    """Resolve PATH_OR_ID; a GGUF file is converted first.

    Raises Missing for what is not there, LoadError for an unknown architecture.
    """
    path = Path(text).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise LoadError(f"{text}: a file must be *.gguf; else name its folder")
        from aios_conformance.reference_impl.convert import converted  # noqa: PLC0415 - imports torch

        path = converted(path, cache, say)
    elif not path.exists() and (
        text.count("/") != 1
        or text.startswith((".", "/", "~"))
        or path.suffix == ".gguf"
    ):
        raise Missing(f"{text}: no such file or folder")
    if path.is_dir() and not (path / "config.json").is_file():
        raise Missing(f"{text}: the folder holds no model, for it has no config.json")
    place = str(path) if path.exists() else text
    try:
        return ModelSource(place, AutoConfig.from_pretrained(place))
    except (OSError, ValueError, KeyError) as error:
        raise _explained(text, error) from error


def _explained(text: str, error: Exception) -> LoadError:
    reason = str(error).split("\n", maxsplit=1)[0]
    if isinstance(error, OSError):
        return Missing(
            f"{text}: not a folder here, nor a model that the hub gives ({reason})"
        )
    return LoadError(f"{text}: this architecture is unknown to transformers ({reason})")


def kind_of(source: ModelSource) -> Kind:
    """Tell a model's kind from the architecture that its configuration names."""
    names = source.config.architectures or [""]
    if names[0].endswith("ForSequenceClassification"):
        return "cross-encoder"
    if names[0].endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")):
        has_pooling = source.file("modules.json") is not None
        return "encoder" if has_pooling else "causal"
    return "encoder"


def tokenizer_of(source: ModelSource) -> PreTrainedTokenizerBase:
    """Load a model's tokenizer; raises LoadError."""
    try:
        return AutoTokenizer.from_pretrained(source.path)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise LoadError(
            f"{source.path}: its tokenizer cannot be loaded: {error}"
        ) from error


def vocabulary_of(
    source: ModelSource, tokenizer: PreTrainedTokenizerBase, generation: Any
) -> Vocabulary:
    """Return a model's vocabulary; `generation` is its generation configuration.

    Raises LoadError where it has no end, or a tokenizer that cannot be used.
    """
    ends = generation.eos_token_id
    ends = [ends] if isinstance(ends, int) else list(ends or [])
    ends += [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    ends = [i for i in ends if i < len(tokenizer)]
    if not ends:
        raise LoadError(f"{source.path}: no end-of-sequence token is configured")
    try:
        return Vocabulary(tokenizer, source.config.get_text_config().vocab_size, ends)
    except ValueError as error:
        raise LoadError(
            f"{source.path}: its tokenizer cannot be used: {error}"
        ) from error


def limit_of(source: ModelSource, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that an encoder reads: of positions and tokenizer the smaller."""
    config = source.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None) or 2**31
    if config.model_type in OFFSET_POSITIONS:
        positions -= config.pad_token_id + 1
    return int(min(positions, tokenizer.model_max_length))


def named(source: ModelSource) -> str:
    """Return the name of a model's architecture."""
    return str((source.config.architectures or [source.config.model_type])[0])


def read_json(path: Path | None) -> Any:
    """Return what a JSON file holds; None for no file."""
    return None if path is None else json.loads(path.read_text("utf-8"))


def text_settings(read: Reader) -> tuple[int | None, str]:
    """Return an embedding model's own limit in tokens, and what stands before a text.

    Both are those of the model's sentence-transformers files.
    """
    limits = read_json(read("sentence_bert_config.json")) or {}
    extras = read_json(read("config_sentence_transformers.json")) or {}
    prompts = extras.get("prompts") or {}
    prompt = prompts.get(extras.get("default_prompt_name"), "")
    return limits.get("max_seq_length"), prompt


def is_matryoshka(source: ModelSource) -> bool:
    """Tell whether a model's vectors may be shortened."""
    config = source.config
    return bool(
        getattr(config, "is_matryoshka", False)
        or getattr(config, "matryoshka_dimensions", None)
    )
