"""GGUF files, read once and kept as safetensors.

transformers reads a GGUF file by dequantizing it, which takes half a minute even
for a small model. The result, in float32 and therefore exact, goes to the cache.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from aios_conformance.reference_impl.atomic_folders import staged
from aios_conformance.reference_impl.errors import LoadError

Say = Callable[[str], None]


def converted(source: Path, cache: Path, say: Say) -> Path:
    """Return the folder that holds a GGUF file's model, converting it if need be."""
    stat = source.stat()
    identity = f"{source.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    target = cache / "gguf" / f"{source.stem}-{key}"
    if not target.is_dir():
        say(f"converting {source.name} (once; about half a minute for 100 MB)")
        convert(source, target)
    return target


def convert(source: Path, target: Path) -> None:
    """Write a GGUF file's model and tokenizer to the folder `target`, atomically.

    Raises LoadError where transformers cannot read the file.
    """
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    folder, name = str(source.parent), source.name
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=torch.float32
        )
    except (ValueError, KeyError, NotImplementedError, OSError, TypeError) as error:
        raise LoadError(f"{source}: not a readable GGUF model: {error}") from error
    settings = model.config.to_dict()
    del settings["quantization_config"]  # with it save_pretrained refuses
    plain = type(model)(type(model.config).from_dict(settings))
    plain.load_state_dict(model.state_dict())
    plain.tie_weights()
    plain.generation_config = model.generation_config
    with staged(target) as result:
        plain.save_pretrained(result)
        tokenizer.save_pretrained(result)
