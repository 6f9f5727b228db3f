"""The parallel lists in which completions give log probabilities (A-113)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from aios_conformance.conformance.checks.generated import Generated
from aios_conformance.conformance.checks.scored import ScoredChoice, WithLogprobs
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)

_LISTS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")


@check(
    "META-088",
    "COMP-RES-017",
    on=("completions.", "common."),
    when=lambda a: not a.is_chat,
    witness=True,
)
def parallel_lists_agree(answer: WithLogprobs) -> Iterator[Note]:
    """The four lists have one length, and offsets lead to the tokens in the text."""
    for choice in answer.read:
        lists = {name: choice.listed(name) for name in _LISTS}
        lengths = {name: len(each) for name, each in lists.items() if each is not None}
        yield Witness(("META-088", "COMP-RES-017"))
        if len(set(lengths.values())) > 1:
            yield Finding(
                expected="lists of equal length",
                actual=lengths,
                pointer=f"{choice.pointer}/logprobs",
                ids=("META-088", "COMP-RES-017"),
            )
            continue
        yield from _offsets(choice)


@check(
    "COMP-RES-017",
    on=("completions.", "common."),
    when=lambda a: not a.is_chat,
    witness=True,
)
def offsets_begin_alike(answer: Generated) -> Iterator[Note]:
    """The texts of one prompt begin at one offset, those with an echo at 0.

    Without an echo that may be where the text begins, or where the prompt ends.
    """
    rows = ("COMP-RES-017",)
    begins: dict[object, int] = {}
    for i, choice in enumerate(answer.choices):
        match choice:
            case {"index": int(index), "logprobs": {"text_offset": [int(begin), *_]}}:
                number = index // answer.n
            case _:
                continue
        prompt = answer.prompts[number] if number < len(answer.prompts) else ""
        is_echoed = answer.sent.get("echo") is True
        wanted = 0 if is_echoed else begins.setdefault(prompt or number, begin)
        yield Witness(rows)
        if begin != wanted:
            yield Finding(
                expected=f"{wanted}, where a text of this prompt begins",
                actual=begin,
                pointer=f"/choices/{i}/logprobs/text_offset/0",
                ids=rows,
            )
            return


def _offsets(choice: ScoredChoice) -> Iterator[Note]:
    offsets = choice.listed("text_offset") or []
    tokens = choice.listed("tokens") or []
    pointer = f"{choice.pointer}/logprobs/text_offset"
    if not all(isinstance(offset, int) for offset in offsets):
        return
    for i, (before, after) in enumerate(pairwise(offsets)):
        if after < before:
            yield Finding(
                expected=f"at least {before}",
                actual=after,
                pointer=f"{pointer}/{i + 1}",
                ids=("META-088",),
            )
            return
    yield from _misplaced(choice.text, tokens, offsets, pointer)


def _misplaced(
    text: str, tokens: Sequence[str], offsets: Sequence[int], pointer: str
) -> Iterator[Note]:
    """A token that does not begin at its offset, counted from that of the first.

    Where parts of a character came before, it is looked for in the text.
    """
    begin: int | None = 0
    for i, (token, offset) in enumerate(zip(tokens, offsets, strict=False)):
        place = offset - offsets[0]
        if "\ufffd" in token or token.startswith("bytes:"):
            begin = None
            continue
        if begin is None and not token.strip():
            continue  # it might stand in many places
        is_there = text.startswith(token, place) if begin is None else place == begin
        if not is_there:
            where = "" if begin is None else f"{begin + offsets[0]}, "
            yield Finding(
                expected=f"{where}where {token!r} begins",
                actual=offset,
                pointer=f"{pointer}/{i}",
                ids=("COMP-RES-017",),
            )
            return
        begin = place + len(token)
