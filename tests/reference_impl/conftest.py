"""Tiny models, loaded once, and an engine for each test."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from reference_engines import Build, Tiny, built
from tiny import bert, cross_encoder, llama

from aios_conformance.reference_impl import sources
from aios_conformance.reference_impl.transformers_engine import load


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny models on disk."""
    root = tmp_path_factory.mktemp("models")
    llama(root / "llama")
    bert(root / "bert", modules=True, pooling_mode_mean_tokens=True)
    cross_encoder(root / "pairs")
    return root


@pytest.fixture(scope="session")
def tiny(folder: Path) -> Tiny:
    """The tiny models, loaded."""
    place = load.choose_place("cpu", "float32")

    def find(name: str) -> sources.ModelSource:
        return sources.find(str(folder / name), folder, lambda _: None)

    return Tiny(
        load.load_causal(find("llama"), place),
        load.load_embedding(find("bert"), place),
        load.load_cross_encoder(find("pairs"), place),
    )


@pytest.fixture
def build(tiny: Tiny) -> Build:
    """Make an engine with other limits than the usual ones."""
    return lambda **limits: built(tiny, **limits)


@pytest.fixture
def run(build: Build) -> Callable[..., Any]:
    """Run a coroutine function of an engine on a running engine."""

    def run_(test: Callable[[Any], Awaitable[Any]], **limits: int) -> Any:
        async def main() -> Any:
            engine = build(**limits)
            await engine.start()
            try:
                return await test(engine)
            finally:
                await engine.close()

        return asyncio.run(asyncio.wait_for(main(), 60))

    return run_
