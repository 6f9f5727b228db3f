"""What can be loaded, and why something cannot."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer, cross_encoder, llama
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from aios_conformance.reference_impl import sources
from aios_conformance.reference_impl.app import load_engine
from aios_conformance.reference_impl.errors import (
    LoadError,
    Missing,
    ModelTooLarge,
    WrongKind,
)
from aios_conformance.reference_impl.options import read_options
from aios_conformance.reference_impl.transformers_engine import load

CPU = load.choose_place("cpu", "float32")


def quiet(text: str) -> None:
    del text


def found(path: Path) -> sources.ModelSource:
    return sources.find(str(path), path.parent, quiet)


@pytest.mark.parametrize(
    "text", ["./nowhere", "nowhere", "a/b/c", "/nowhere/x.gguf", "x/y.gguf"]
)
def test_what_is_not_there_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Missing, match=f"{text}: no such file or folder"):
        sources.find(text, tmp_path, quiet)


def test_a_hub_model_that_cannot_be_had_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(
        "aios_conformance.reference_impl.sources.AutoConfig.from_pretrained",
        offline,
    )
    with pytest.raises(Missing, match=r"org/model: .*no network"):
        sources.find("org/model", tmp_path, quiet)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Missing, match=r"config\.json"):
        found(tmp_path / "empty")


def test_other_files_than_gguf_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(LoadError, match="gguf"):
        found(tmp_path / "model.bin")


def test_a_broken_gguf_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"not a model")
    with pytest.raises(LoadError, match="not a readable GGUF"):
        found(tmp_path / "x.gguf")


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "neverheardof"}')
    with pytest.raises(LoadError, match="neverheardof"):
        found(tmp_path)


@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("bert", load.load_causal),
        ("pairs", load.load_causal),
        ("llama", load.load_embedding),
        ("pairs", load.load_embedding),
        ("llama", load.load_cross_encoder),
        ("bert", load.load_cross_encoder),
    ],
)
def test_a_model_of_the_wrong_kind_is_refused(
    folder: Path, name: str, loader: Callable[..., Any]
) -> None:
    with pytest.raises(WrongKind, match=name):
        loader(found(folder / name), CPU)


def test_a_classifier_of_several_labels_is_no_cross_encoder(tmp_path: Path) -> None:
    with pytest.raises(WrongKind, match="3 labels"):
        load.load_cross_encoder(found(cross_encoder(tmp_path / "x", labels=3)), CPU)


def test_too_little_memory_is_said_before_loading(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load.Placement, "free", lambda _: 1000)
    with pytest.raises(ModelTooLarge, match="needs about"):
        load.load_causal(found(folder / "llama"), CPU)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    folder = cross_encoder(tmp_path / "x")
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WrongKind, match=r"classifier\.weight"):
        load.load_cross_encoder(found(folder), CPU)


def test_weights_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    folder = llama(tmp_path / "x")
    (folder / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(LoadError, match="cannot be loaded"):
        load.load_causal(found(folder), CPU)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(LoadError, match="--device cpu"):
        load.choose_place("cuda", "auto")


def test_8_bits_are_refused_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(LoadError, match="--device cpu"):
        load.choose_place("auto", "int8")
    assert load.choose_place("cpu", "int8").int8


@pytest.mark.parametrize(
    ("has_gpu", "device", "dtype", "expected"),
    [
        (False, "auto", "auto", ("cpu", torch.float32)),
        (True, "auto", "auto", ("cuda", torch.bfloat16)),
        (True, "cpu", "auto", ("cpu", torch.float32)),
        (True, "cuda", "float32", ("cuda", torch.float32)),
        (False, "cpu", "bfloat16", ("cpu", torch.bfloat16)),
    ],
)
def test_auto_takes_the_gpu_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
    has_gpu: bool,
    device: str,
    dtype: str,
    expected: tuple[str, torch.dtype],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    place = load.choose_place(device, dtype)
    assert (place.device.type, place.dtype) == expected


def test_another_architecture_is_decoded_too(tmp_path: Path) -> None:
    """GPT-2: learned positions, no grouped heads, no logits_to_keep of old."""
    torch.manual_seed(3)
    config = GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=2, n_positions=64)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    byte_tokenizer().save_pretrained(tmp_path)
    assert load.load_causal(found(tmp_path), CPU).context == 64


def test_an_architecture_without_a_plain_cache_is_refused(tmp_path: Path) -> None:
    from transformers import MambaConfig, MambaForCausalLM  # noqa: PLC0415

    config = MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=1)
    MambaForCausalLM(config).save_pretrained(tmp_path)
    byte_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(LoadError, match="not supported by the batched decoder"):
        load.load_causal(found(tmp_path), CPU)


def gguf_llama(path: Path, folder: Path) -> Path:
    """Write a Llama of `tiny` as an unquantized GGUF file."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    tokenizer = json.loads(byte_tokenizer().backend_tokenizer.to_str())
    vocabulary = tokenizer["model"]["vocab"]
    names = sorted(vocabulary, key=vocabulary.__getitem__)
    names += [f"unused{i}" for i in range(config.vocab_size - len(names))]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(names)
    writer.add_token_types([3 if n.startswith("<|") else 1 for n in names])
    writer.add_token_merges([" ".join(m) for m in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    heads = {"q": config.num_attention_heads, "k": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        renamed, value = _gguf_name(name), tensor.numpy()
        if (kind := name.split(".")[-2][:1]) in heads and "self_attn" in name:
            # GGUF keeps rotary pairs side by side
            shape = (heads[kind], 2, value.shape[0] // heads[kind] // 2, -1)
            value = value.reshape(shape).swapaxes(1, 2).reshape(value.shape)
        writer.add_tensor(renamed, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _gguf_name(name: str) -> str:
    for old, new in {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "lm_head": "output",
        "model.layers": "blk",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "post_attention_layernorm": "ffn_norm",
        "input_layernorm": "attn_norm",
    }.items():
        name = name.replace(old, new)
    return name


def test_a_gguf_file_is_converted_once_and_exactly(
    folder: Path, tmp_path: Path
) -> None:
    path = gguf_llama(tmp_path / "small.gguf", folder / "llama")
    said: list[str] = []
    first = sources.find(str(path), tmp_path / "cache", said.append)
    second = sources.find(str(path), tmp_path / "cache", said.append)
    assert first.path == second.path
    assert len(said) == 1
    loaded = load.load_causal(second, CPU)
    original = AutoModelForCausalLM.from_pretrained(folder / "llama").state_dict()
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, original[name]), name
    assert loaded.vocabulary.encode("the <|im_end|>") == byte_tokenizer().encode(
        "the <|im_end|>"
    )


def engine_of(tmp_path: Path, *arguments: str) -> Any:
    options = read_options(["--cache-dir", str(tmp_path), *arguments], {})
    return load_engine(options, quiet)


def test_models_serve_what_they_were_named_for(folder: Path, tmp_path: Path) -> None:
    engine = engine_of(
        tmp_path,
        *("--model", f"chat={folder / 'llama'}"),
        *("--model", f"completions={folder / 'llama'}"),
        *("--model", f"embeddings={folder / 'bert'}"),
        *("--model", f"score={folder / 'pairs'}"),
        *("--alias", "sds/bge-m3=bert"),
        *("--context", "100"),
    )
    cards = {model.name: model for model in engine.models}
    assert {name: sorted(card.apis) for name, card in cards.items()} == {
        "llama": ["chat", "completions"],
        "bert": ["embeddings", "rerank", "score"],
        "pairs": ["rerank", "score"],
        "sds/bge-m3": ["embeddings", "rerank", "score"],
    }
    assert cards["llama"].context_length == 100
    assert cards["pairs"].cross_encoder
    assert cards["bert"].dimensions == 32


def test_an_encoder_may_rank(folder: Path, tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "--model", f"rerank={folder / 'bert'}")
    assert [model.cross_encoder for model in engine.models] == [False]


def test_chat_needs_a_template_completions_do_not(tmp_path: Path) -> None:
    base = llama(tmp_path / "base", template=None)
    with pytest.raises(WrongKind, match=f"--model completions={base}"):
        engine_of(tmp_path, "--model", f"chat={base}")
    engine = engine_of(tmp_path, "--model", f"completions={base}")
    assert [sorted(model.apis) for model in engine.models] == [["completions"]]


def test_two_models_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    other = llama(tmp_path / "llama")
    with pytest.raises(LoadError, match="two models are named llama"):
        engine_of(
            tmp_path,
            *("--model", f"chat={folder / 'llama'}"),
            *("--model", f"chat={other}"),
        )


@pytest.mark.parametrize("alias", ["x=nobody", "llama=llama"])
def test_an_alias_is_a_new_name_of_a_served_model(
    folder: Path, tmp_path: Path, alias: str
) -> None:
    with pytest.raises(LoadError, match="--alias"):
        engine_of(tmp_path, "--model", f"chat={folder / 'llama'}", "--alias", alias)


def test_every_job_of_one_model_is_held_to(folder: Path, tmp_path: Path) -> None:
    """In whatever order they are named."""
    base, pairs = llama(tmp_path / "base", template=None), folder / "pairs"
    for easy, demanding in (
        (f"completions={base}", f"chat={base}"),
        (f"score={pairs}", f"embeddings={pairs}"),
    ):
        with pytest.raises(WrongKind):
            engine_of(tmp_path, "--model", easy, "--model", demanding)


def test_what_is_not_there_is_told_before_anything_is_loaded(
    folder: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    arguments = ["--cache-dir", str(tmp_path), "--model", f"chat={folder / 'llama'}"]
    arguments += ["--model", f"embeddings={tmp_path / 'nowhere'}"]
    with pytest.raises(Missing, match="nowhere"):
        load_engine(read_options(arguments, {}), said.append)
    assert said == []
