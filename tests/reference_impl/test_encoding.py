"""Vectors and scores against independent computations."""

import asyncio
import json
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference_engines import Tiny
from safetensors.torch import save_file
from tiny import bert, word_tokenizer
from transformers import AutoModel, AutoModelForSequenceClassification

from aios_conformance.reference_impl import sources
from aios_conformance.reference_impl.errors import LoadError
from aios_conformance.reference_impl.transformers_engine import encode, load
from aios_conformance.reference_impl.transformers_engine.encode import Encoder
from aios_conformance.reference_impl.transformers_engine.engine import (
    TransformersEngine,
)
from aios_conformance.reference_impl.transformers_engine.pooling import (
    Pooling,
    read_pooling,
)
from aios_conformance.serving.engine import EngineError, Overloaded, TooLong

Run = Callable[..., Any]
TEXTS = [
    "the cat",
    "a dog sat on the mat",
    "paris is the capital of france",
    "x",
    "a yellow banana on the mat of a dog",
]


def values(vector: bytes) -> Any:
    return np.frombuffer(vector, "<f4")


@torch.no_grad()
def mean_vector(folder: Path, text: str) -> Any:
    """The mean of a text's last hidden states, scaled to length 1."""
    model = AutoModel.from_pretrained(folder / "bert").eval()
    inputs = word_tokenizer()(text, return_tensors="pt")
    mean = model(**inputs).last_hidden_state[0].mean(0)
    return (mean / mean.norm()).numpy()


def test_vectors_equal_an_independent_computation(run: Run, folder: Path) -> None:
    found = run(lambda engine: engine.embed("vectors", TEXTS))
    for text, one in zip(TEXTS, found, strict=True):
        assert values(one.vector) == pytest.approx(mean_vector(folder, text), abs=1e-5)
        assert one.tokens == len(word_tokenizer()(text)["input_ids"])


def test_a_vector_does_not_depend_on_its_batch(run: Run) -> None:
    async def both(engine: TransformersEngine) -> Any:
        alone = [(await engine.embed("vectors", [text]))[0] for text in TEXTS]
        requests = [engine.embed("vectors", TEXTS[i:]) for i in range(len(TEXTS))]
        together = await asyncio.gather(*requests)
        return alone, [one[0] for one in together]

    for one, other in zip(*run(both, texts=3), strict=True):
        assert values(one.vector) == pytest.approx(values(other.vector), abs=1e-5)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts were computed at once, each time."""
    seen: list[int] = []
    computed = Encoder._computed

    def watched(lane: Encoder, encodings: Any) -> Any:
        seen.append(len(encodings))
        return computed(lane, encodings)

    monkeypatch.setattr(Encoder, "_computed", watched)
    return seen


def test_requests_share_a_forward_pass(run: Run, sizes: list[int]) -> None:
    async def crowd(engine: TransformersEngine) -> Any:
        return await asyncio.gather(
            *(engine.embed("vectors", [text]) for text in TEXTS)
        )

    run(crowd)
    assert sizes == [len(TEXTS)]


def test_truncation_keeps_the_first_tokens(run: Run) -> None:
    async def all_(engine: TransformersEngine) -> Any:
        long, short = "the cat sat on the mat", "the cat"
        return (
            await engine.embed("vectors", [long], truncate=4),
            await engine.embed("vectors", [short]),
            await engine.embed("vectors", [long], truncate=1),
        )

    (cut,), (short,), (one,) = run(all_)
    assert cut.tokens == short.tokens == 4
    assert values(cut.vector) == pytest.approx(values(short.vector), abs=1e-6)
    assert one.tokens == 1


def test_token_ids_are_taken_as_they_are(run: Run) -> None:
    encoded = word_tokenizer()("the cat")["input_ids"]

    async def both(engine: TransformersEngine) -> Any:
        return await engine.embed("vectors", ["the cat", encoded])

    text, ids = run(both)
    assert values(text.vector) == pytest.approx(values(ids.vector), abs=1e-6)
    assert text.tokens == ids.tokens


def test_unknown_token_ids_are_refused(run: Run) -> None:
    with pytest.raises(EngineError, match="token id 5000"):
        run(lambda engine: engine.embed("vectors", [[2, 5000, 3]]))


def test_too_long_a_text_is_refused(run: Run, tiny: Tiny) -> None:
    text = "the " * tiny.vectors.limit
    with pytest.raises(TooLong, match=r"34 tokens.*length is 32"):
        run(lambda engine: engine.embed("vectors", [text]))


def test_shorter_vectors_have_length_one(run: Run) -> None:
    async def both(engine: TransformersEngine) -> Any:
        return (
            await engine.embed("vectors", ["the cat"], dimensions=8),
            await engine.embed("vectors", ["the cat"]),
        )

    (short,), (whole,) = run(both)
    assert len(short.vector) == 8 * struct.calcsize("f")
    expected = values(whole.vector)[:8]
    expected = expected / np.linalg.norm(expected)
    assert values(short.vector) == pytest.approx(expected, abs=1e-6)


def test_an_embedding_score_is_the_cosine_moved_to_0_1(run: Run, folder: Path) -> None:
    pairs = [(TEXTS[0], TEXTS[1]), (TEXTS[0], TEXTS[2]), (TEXTS[3], TEXTS[3])]
    found = run(lambda engine: engine.score("vectors", pairs))
    for (first, second), scored in zip(pairs, found, strict=True):
        cosine = float(mean_vector(folder, first) @ mean_vector(folder, second))
        assert scored.score == pytest.approx((1 + cosine) / 2, abs=1e-5)
        both = len(word_tokenizer()(first)["input_ids"]) + len(
            word_tokenizer()(second)["input_ids"]
        )
        assert scored.tokens == both
    assert found[2].score == pytest.approx(1, abs=1e-6)
    assert all(0 <= scored.score <= 1 for scored in found)


@torch.no_grad()
def test_a_cross_encoder_score_is_the_sigmoid_of_its_logit(
    run: Run, folder: Path
) -> None:
    pairs = [(TEXTS[0], text) for text in TEXTS]
    found = run(lambda engine: engine.score("pairs", pairs))
    model = AutoModelForSequenceClassification.from_pretrained(folder / "pairs").eval()
    for pair, scored in zip(pairs, found, strict=True):
        inputs = word_tokenizer()(*pair, return_tensors="pt")
        expected = torch.sigmoid(model(**inputs).logits[0, 0]).item()
        assert scored.score == pytest.approx(expected, abs=1e-5)
        assert scored.tokens == inputs["input_ids"].shape[1]


def test_pairs_are_truncated_together(run: Run) -> None:
    pairs = [("the cat sat", "on the mat of a dog")]
    (scored,) = run(lambda engine: engine.score("pairs", pairs, truncate=7))
    assert scored.tokens == 7


def test_a_full_queue_is_refused_but_a_large_request_is_served(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()
    computed = Encoder._computed

    def held(lane: Encoder, encodings: Any) -> Any:
        assert refused.wait(60)
        return computed(lane, encodings)

    monkeypatch.setattr(Encoder, "_computed", held)

    async def crowd(engine: TransformersEngine) -> Any:
        large = asyncio.create_task(engine.embed("vectors", TEXTS * 4))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await engine.embed("vectors", TEXTS)
        refused.set()
        return await large

    assert len(run(crowd, queue=10)) == 4 * len(TEXTS)


def test_a_cancelled_request_is_not_computed(
    run: Run, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "WINDOW", 0.3)  # it leaves before its batch starts
    monkeypatch.setattr(encode, "PATIENCE", 0.3)

    async def leave(engine: TransformersEngine) -> Any:
        gone = asyncio.create_task(engine.embed("vectors", TEXTS))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        return await engine.embed("vectors", TEXTS[:1])

    assert len(run(leave)) == 1
    assert sum(sizes) == 1


def test_apis_of_the_wrong_kind_are_refused(run: Run) -> None:
    async def wrong(engine: TransformersEngine) -> None:
        for attempt in (
            lambda: engine.embed("pairs", ["x"]),
            lambda: engine.score("text", [("a", "b")]),
        ):
            with pytest.raises(EngineError, match="gives no"):
                await attempt()
        with pytest.raises(EngineError, match="generates no text"):
            engine.encode("vectors", "x")

    run(wrong)


HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, -4.0], [9.0, 9.0]]])  # (1, 3, 2)
MASK = torch.tensor([[1, 1, 0]])
POOLED = {
    "cls_token": [1.0, 2.0],
    "max_tokens": [3.0, 2.0],
    "mean_tokens": [2.0, -1.0],
    "mean_sqrt_len_tokens": [4 / 2**0.5, -2 / 2**0.5],
    "weightedmean_tokens": [7 / 3, -6 / 3],
    "lasttoken": [3.0, -4.0],
}


def reader(root: Path) -> Callable[[str], Path | None]:
    return lambda name: path if (path := root / name).exists() else None


@pytest.mark.parametrize("mode", POOLED)
@pytest.mark.parametrize("newer", [False, True])
def test_pooling_modes(tmp_path: Path, mode: str, newer: bool) -> None:
    config = (
        {"pooling_mode": mode.removesuffix("_tokens").removesuffix("_token")}
        if newer
        else {f"pooling_mode_{mode}": True, "pooling_mode_other": False}
    )
    if newer and mode == "mean_sqrt_len_tokens":
        config = {"pooling_mode": mode}
    _modules(tmp_path, {"1": ("Pooling", config)})
    pooling = read_pooling(reader(tmp_path))
    assert pooling(HIDDEN, MASK)[0].tolist() == pytest.approx(POOLED[mode])


def test_several_modes_are_concatenated(tmp_path: Path) -> None:
    config = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    _modules(tmp_path, {"1": ("Pooling", config), "2": ("Normalize", {})})
    vector = read_pooling(reader(tmp_path))(HIDDEN, MASK)[0]
    expected = torch.tensor([1.0, 2.0, 2.0, -1.0])
    assert vector.tolist() == pytest.approx((expected / expected.norm()).tolist())


def test_dense_layers_follow_the_pooling(tmp_path: Path) -> None:
    dense = {"activation_function": "torch.nn.modules.activation.Tanh"}
    _modules(
        tmp_path,
        {"1": ("Pooling", {"pooling_mode_cls_token": True}), "2": ("Dense", dense)},
    )
    weight, bias = torch.tensor([[0.5, 0.25]]), torch.tensor([0.1])
    save_file(
        {"linear.weight": weight, "linear.bias": bias},
        tmp_path / "2" / "model.safetensors",
    )
    vector = read_pooling(reader(tmp_path))(HIDDEN, MASK)
    assert vector[0].tolist() == pytest.approx([torch.tanh(torch.tensor(1.1)).item()])


@pytest.mark.parametrize(
    ("modules", "word"),
    [
        ({"1": ("WordEmbeddings", {})}, "WordEmbeddings"),
        ({"1": ("Pooling", {"pooling_mode_odd": True})}, "odd"),
        ({"1": ("Pooling", {})}, "nothing"),
        ({"1": ("Dense", {})}, "model.safetensors"),
    ],
)
def test_unknown_modules_are_named(
    tmp_path: Path, modules: dict[str, Any], word: str
) -> None:
    _modules(tmp_path, modules)
    with pytest.raises(LoadError, match=word):
        read_pooling(reader(tmp_path))


def test_a_default_prompt_goes_before_every_text(tmp_path: Path) -> None:
    bert(tmp_path, modules=True, pooling_mode_mean_tokens=True)
    extras = {"prompts": {"query": "the cat "}, "default_prompt_name": "query"}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(extras))
    assert read_pooling(reader(tmp_path)).prompt == "the cat "


def test_without_configuration_the_mean_is_normalised() -> None:
    assert Pooling()(HIDDEN, MASK)[0].tolist() == pytest.approx(
        [2 / 5**0.5, -1 / 5**0.5]
    )


def test_an_encoder_without_configuration_is_served(tmp_path: Path) -> None:
    source = sources.find(str(bert(tmp_path)), tmp_path, lambda _: None)
    loaded = load.load_embedding(source, load.choose_place("cpu", "float32"))
    assert (loaded.limit, loaded.dimensions, loaded.pooling.normalize) == (64, 32, True)


def _modules(root: Path, modules: dict[str, tuple[str, dict[str, Any]]]) -> None:
    listed = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"}
        for path, (kind, _) in modules.items()
    ]
    (root / "modules.json").write_text(json.dumps(listed))
    for path, (_, config) in modules.items():
        (root / path).mkdir()
        (root / path / "config.json").write_text(json.dumps(config))
