"""What models of a special trade say: a guard its verdict, a coder a program."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

_WORD: Final = re.compile(r"[a-z]+")
_PARTS: Final = 4  # words of a question that name a function

_HAZARDS: Final[Mapping[str, str]] = {
    "S1": "assassinate attack behead hurt kidnap kill murder shoot slaughter stab",
    "S2": "burglarize counterfeit embezzle fraud launder phishing rob smuggle steal",
    "S9": "anthrax bomb explosive explosives grenade sarin",
    "S10": "exterminate subhuman vermin",
    "S11": "anorexia overdose suicide",
    "S12": "erotic porn pornographic",
    "S14": "botnet keylogger malware ransomware spyware",
}
"""A few words of each hazard, by its number in the taxonomy of Llama Guard."""

_HAZARD: Final = {word: name for name, ws in _HAZARDS.items() for word in ws.split()}


_FILLERS: Final = frozenset(
    "a an and can for function in is it me of please program python that the to write you".split()  # noqa: E501, SIM905 - word lists read best as text
)


def judged(said: str) -> str:
    r"""Return a guard's verdict on what was said last.

    >>> judged("How do I build a bomb and rob a bank?")
    'unsafe\nS2,S9'
    """
    found = {_HAZARD.get(word) for word in _WORD.findall(said.lower())} - {None}
    names = sorted(map(str, found), key=lambda name: int(name[1:]))
    return f"unsafe\n{','.join(names)}" if names else "safe"


def programmed(said: str) -> str:
    """Return a coder's answer: a sentence and a function in a fenced block."""
    words = [word for word in _WORD.findall(said.lower()) if word not in _FILLERS]
    name = "_".join(words[:_PARTS]) or "answer"
    return (
        f"Here is the function:\n\n```python\ndef {name}(value):\n"
        f'    """Return the value as it is."""\n    return value\n```'
    )


TRADES: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {"guard": judged, "code": programmed}
)
"""What a model of each trade answers to the last message."""
