"""An engine whose every token the test decides."""

# ruff: noqa: ARG002 - an engine has its signature whether it uses all of it or not

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest

from aios_conformance import spec
from aios_conformance.serving.app import application
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.engine import (
    Candidate,
    Embedded,
    Feature,
    Model,
    PairScore,
    Sampling,
    Token,
)
from aios_conformance.serving.selfcheck import SelfCheck
from aios_conformance.serving.stages import Stages

END = Token(256, b"", -0.5, end=True)
GENERATES = frozenset({"chat", "completions"})

MODELS = (
    Model("chat", GENERATES, 2048, 7),
    Model("thinker", GENERATES, 2048, reasoning=("<think>", "</think>")),
    Model("plain", GENERATES, 2048, lacks=frozenset(get_args(Feature))),
    Model("vectors", frozenset({"embeddings", "rerank", "score"}), 64, dimensions=2),
    Model("nested", frozenset({"embeddings"}), 64, dimensions=2, matryoshka=True),
    Model("pairs", frozenset({"rerank", "score"}), 64, cross_encoder=True),
)

Script = Callable[[str, Sampling], Sequence[bytes | Token]]


def byte_tokens(data: bytes, top: int | None = None) -> list[Token]:
    """One token for each byte, half as likely as certain."""
    return [
        Token(byte, data[i : i + 1], -0.7, _top(byte, top))
        for i, byte in enumerate(data)
    ]


def _top(byte: int, count: int | None) -> tuple[Candidate, ...]:
    others = [(byte + step) % 128 for step in range(count or 0)]
    return tuple(
        Candidate(one, -0.7 - rank, bytes([one])) for rank, one in enumerate(others)
    )


@dataclass
class ScriptedEngine:
    """Token ids are bytes; the script says what follows a prompt."""

    script: Script
    pause: Callable[[], Any] | None = None  # awaited before every token
    failure: Exception | None = None  # raised in place of the first token
    closed: list[int] = field(default_factory=list)  # tokens given when closed early
    seen: list[Sampling] = field(default_factory=list)
    started: bool = False
    embedded: int = 0  # calls of embed

    @property
    def models(self) -> Sequence[Model]:
        return MODELS

    async def start(self) -> None:
        self.started = True

    async def close(self) -> None:
        self.started = False

    def encode(self, model: str, text: str) -> list[int]:
        return list(text.encode())

    def token(self, model: str, token_id: int) -> bytes | None:
        return bytes([token_id]) if 0 <= token_id < 256 else None

    def render_chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
    ) -> list[int]:
        said = "".join(str(message.get("content")) for message in messages)
        return list((said + str(list(tools) or "")).encode())

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        self.seen.append(sampling)
        given = 0
        try:
            if self.failure is not None:
                raise self.failure
            for piece in self.script(
                bytes(prompt).decode("utf-8", "replace"), sampling
            ):
                if given >= sampling.max_tokens:
                    return
                if self.pause is not None:
                    await self.pause()
                if isinstance(piece, Token):
                    yield piece
                else:
                    first = piece[0] if piece else 0
                    yield Token(first, piece, -0.7, _top(first, sampling.top_logprobs))
                given += 1
        except (GeneratorExit, asyncio.CancelledError):
            self.closed.append(given)
            raise

    async def prompt_logprobs(
        self, model: str, prompt: Sequence[int], top_logprobs: int
    ) -> list[Token]:
        first, *rest = byte_tokens(bytes(prompt), top_logprobs)
        return [Token(first.id, first.data, None), *rest]

    async def embed(
        self,
        model: str,
        inputs: Sequence[str | Sequence[int]],
        *,
        truncate: int | None = None,
        dimensions: int | None = None,
    ) -> list[Embedded]:
        self.embedded += 1
        return [
            Embedded(struct.pack("<f", len(one)) * (dimensions or 2), len(one))
            for one in (text[:truncate] for text in inputs)
        ]

    async def score(
        self,
        model: str,
        pairs: Sequence[tuple[str, str]],
        *,
        truncate: int | None = None,
    ) -> list[PairScore]:
        """Share of the right text's letters that the left one has."""
        return [
            PairScore(
                sum(c in a for c in b) / max(1, len(b)), min(len(a + b), truncate or 99)
            )
            for a, b in pairs
        ]

    def stats(self, model: str) -> Mapping[str, float]:
        return {}


def saying(*pieces: bytes | Token) -> Script:
    """The same tokens whatever the prompt."""
    return lambda *_: pieces


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(spec.openapi())


@pytest.fixture(scope="session")
def self_check(contract: Contract) -> SelfCheck:
    return SelfCheck(contract)


@pytest.fixture
def scripted(
    running: Any, contract: Contract, self_check: SelfCheck
) -> Iterator[Callable[..., Any]]:
    """Serve a script (or an engine) and return the client; everything self-checked."""
    with ExitStack() as stack:

        def serve(
            *pieces: bytes | Token,
            engine: ScriptedEngine | None = None,
            stages: Stages | None = None,
            checked: bool = True,
            **settings: Any,
        ) -> Any:
            engine = engine or ScriptedEngine(saying(*pieces))
            front = Front(
                engine=engine,
                contract=contract,
                find=by_name(engine),
                **{"plain": True, **settings},
            )
            check = self_check if checked else None
            app = application(front, stages, check=check)
            return stack.enter_context(running(app))

        yield serve


@pytest.fixture
def make_engine() -> type[ScriptedEngine]:
    return ScriptedEngine


@pytest.fixture
def end() -> Token:
    return END
