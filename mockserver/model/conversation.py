"""A conversation, read back from the tokens of its prompt."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from aios_conformance.mockserver.model.facts import says_something
from aios_conformance.mockserver.model.printed import spoken
from aios_conformance.mockserver.model.tokenizer import (
    ASSISTANT,
    END,
    SYSTEM,
    TOOL,
    TOOLS,
    USER,
    decode,
)

_ROLES: Final = frozenset({SYSTEM, USER, ASSISTANT, TOOL, TOOLS})
_CALLED: Final = re.compile(
    r"""(?:["']name["']: ?["']|\baction["']?: ?["']?|<tool_call>)([\w.-]{1,64})"""
    r"|\b([\w.-]{1,64})\(",
    re.IGNORECASE,
)
_TASK: Final = re.compile(r"(?:^|\n)\s*(?:Current Task|New task):\s*")
_AFTER: Final = re.compile(r"\n\s*(?:This is the expected criteria|Begin!)")
_OBSERVED: Final = re.compile(r"\s*observations?:\s*", re.IGNORECASE)
"""How a result begins that comes as a user's turn."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one role said; `role` is its token."""

    role: int
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of a prompt, and the tools that it offers."""

    tools: Sequence[Mapping[str, Any]]
    turns: Sequence[Turn]

    @property
    def question(self) -> str:
        """What the user wants, without the instructions that frameworks put around."""
        text = self.asked
        if task := _TASK.search(text):
            text = _AFTER.split(text[task.end() :], maxsplit=1)[0].strip()
        return spoken(text) if "{" in text else text

    @property
    def stated(self) -> str:
        """The question, or what the user said before it if that alone states facts.

        Frameworks ask for the form of an answer in a turn of its own.
        """
        if says_something(self.question):
            return self.question
        earlier = reversed(self.turns[: max(self._asked, 0)])
        said = (turn.text for turn in earlier if turn.role == USER)
        return next(filter(says_something, said), self.question)

    @property
    def asked(self) -> str:
        """What the user said last."""
        return self.turns[self._asked].text if self.turns and self._asked >= 0 else ""

    @property
    def system(self) -> str:
        """What the system says."""
        return "\n".join(t.text for t in self.turns if t.role == SYSTEM)

    @property
    def said(self) -> str:
        """What the user says in all turns."""
        return "\n".join(t.text for t in self.turns if t.role == USER)

    @property
    def called(self) -> frozenset[str]:
        """The functions called since then, however the calls are written."""
        said = "".join(t.text for t in self.since if t.role == ASSISTANT)
        return frozenset(one or other for one, other in _CALLED.findall(said))

    @property
    def results(self) -> tuple[str, ...]:
        """The results of those calls."""
        return tuple(
            _OBSERVED.sub("", t.text, count=1)
            for t in self.since
            if t.role in (TOOL, USER)
        )

    @property
    def _asked(self) -> int:
        places = range(len(self.turns) - 1, -1, -1)
        return next((i for i in places if _asks(self.turns[i])), -1)

    @property
    def since(self) -> Sequence[Turn]:
        """The turns after the question."""
        return self.turns[self._asked + 1 :]


def _asks(turn: Turn) -> bool:
    return turn.role == USER and not _OBSERVED.match(turn.text)


def read(prompt: Sequence[int]) -> Conversation:
    """Read a prompt that `chat.render` made; of other tokens nothing is understood."""
    starts = [i for i, token in enumerate(prompt) if token in _ROLES]
    turns = [
        Turn(prompt[start], _text(prompt[start + 1 : end]))
        for start, end in pairwise([*starts, len(prompt)])
    ]
    if turns and turns[-1].role == ASSISTANT and prompt[-1] == ASSISTANT:
        turns.pop()
    tools: Any = ()
    if turns and turns[0].role == TOOLS:
        try:
            tools = json.loads(turns.pop(0).text)
        except ValueError:
            tools = ()
    offered = [
        tool
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
    ]
    return Conversation(offered, turns)


def _text(ids: Sequence[int]) -> str:
    return decode([i for i in ids if i != END]).decode(errors="replace")
