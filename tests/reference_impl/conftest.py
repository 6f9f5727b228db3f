"""Tiny models, loaded once, and an engine for each test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from reference_engines import Build, Tiny, built, loaded, on
from tiny import bert, cross_encoder, llama


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
    return loaded(folder, "float32")


@pytest.fixture
def build(tiny: Tiny) -> Build:
    """Make an engine with other limits than the usual ones."""
    return lambda **limits: built(tiny, **limits)


@pytest.fixture
def run(build: Build) -> Callable[..., Any]:
    """Run a coroutine function of an engine on a running engine."""
    return lambda test, **limits: on(build(**limits), test)
