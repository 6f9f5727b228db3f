"""Tiny models with random weights, one of each kind, made on the spot."""

# ruff: noqa: S106 - special tokens are no passwords

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = [("t", "h"), ("th", "e"), ("Ġ", "the"), ('"', "}"), ('"', ":")]
PADDED_VOCABULARY = 300  # larger than the tokenizer's, as real models often are
WORDS = ["the", "a", "cat", "dog", "sat", "on", "mat", "paris", "is", "of", "france"]
WORDS += ["capital", "banana", "yellow"]


def byte_tokenizer(template: str | None = CHATML) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with a few merges and ChatML's special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merged = ["".join(pair) for pair in MERGES]
    vocabulary = {t: i for i, t in enumerate([*SPECIAL, *alphabet, *merged])}
    tokenizer = Tokenizer(models.BPE(vocabulary, MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        bos_token="<|endoftext|>",
    )
    fast.chat_template = template
    return fast


def llama(folder: Path, template: str | None = CHATML, **changes: Any) -> Path:
    """Save a Llama of two layers with grouped heads."""
    torch.manual_seed(5)
    settings = {
        "vocab_size": PADDED_VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "initializer_range": 0.4,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 2,
    }
    model = LlamaForCausalLM(LlamaConfig(**(settings | changes)))
    model.save_pretrained(folder)
    byte_tokenizer(template).save_pretrained(folder)
    return folder


def word_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of words and letters with BERT's layout of pairs."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters]
    pieces += [f"##{letter}" for letter in letters]
    vocabulary = {t: i for i, t in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def _bert_config(**changes: Any) -> BertConfig:
    settings = {
        "vocab_size": 128,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "initializer_range": 0.3,
        "pad_token_id": 0,
    }
    return BertConfig(**(settings | changes))


def bert(
    folder: Path, *, modules: bool = False, width: int = 32, **pooling: Any
) -> Path:
    """Save a BERT encoder, with sentence-transformers files if wanted."""
    torch.manual_seed(7)
    BertModel(_bert_config(hidden_size=width)).save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    if modules:
        listed = [
            {"path": "", "type": "sentence_transformers.models.Transformer"},
            {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ]
        (folder / "modules.json").write_text(json.dumps(listed))
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
        limits = {"max_seq_length": 32, "do_lower_case": False}
        (folder / "sentence_bert_config.json").write_text(json.dumps(limits))
    return folder


def cross_encoder(folder: Path, labels: int = 1, width: int = 32) -> Path:
    """Save a BERT that reads pairs."""
    torch.manual_seed(9)
    config = _bert_config(num_labels=labels, hidden_size=width)
    BertForSequenceClassification(config).save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return folder
