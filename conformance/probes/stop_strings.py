"""Stop strings: what no text holds, and what is made of a text that is known."""

NEVER = "\u2403\u2403never\u2403\u2403"  # a stop string that no text holds
PATTERNS = (".{2}", "(\u2403")
"""Nor these: as regular expressions the one is found at once, the other is broken."""


def stop_within(text: str, after: int = 1) -> str | None:
    """A stop string from inside a text: the end of a word, a space, a beginning.

    It stands behind `after` words, where there are so many, and spans tokens.
    """
    words = text.split()
    if len(words) >= 3:
        number = max(1, min(after, len(words) - 2))
        spot = 0
        for word in words[: number + 1]:
            spot = text.index(word, spot) + len(word)
        return text[spot - 1 : spot + 2]
    return text[len(text) // 2 :][:1] or None


def around_a_letter(text: str) -> str | None:
    """A stop string around the first letter beyond ASCII, which may span tokens."""
    beyond = (i for i, letter in enumerate(text) if letter.isalpha() and i)
    spot = next((i for i in beyond if not text[i].isascii()), None)
    return None if spot is None else text[spot - 1 : spot + 2]


def behind(text: str, stop: str, thought: str) -> list[str]:
    """A word that a text says behind a stop string only: one at most, and its last.

    Nor is it in the thought before the text, which it may end as well.
    """
    before, _, after = text.partition(stop)
    said = thought + before + stop
    words = (word for word in reversed(after.split()) if word not in said)
    return [*words][:1]


def end_of(text: str) -> str | None:
    """The shortest end of a text that stands nowhere else in it.

    None of one that is cut within a character.
    """
    ends = (text[-size:] for size in range(1, len(text) + 1))
    known = (end for end in ends if text.find(end) + len(end) == len(text))
    return None if text.endswith("\ufffd") else next(known, None)


def last_words(text: str) -> str:
    """The end of a text: some words, or all that there is."""
    return " ".join(text.rsplit(" ", 3)[-3:])


def feints(text: str) -> list[str]:
    """Stop strings that a text begins here and there, at its end too, and never ends.

    They hold all that is held back of a stream while one of them may still come. A
    text of nothing begins none.
    """
    words = text.split(" ")
    inner = [f" {word}" for word in words[1:-1:2] if word][:2]
    begun = [each for each in (words[0], *inner, last_words(text)) if each]
    return [each + NEVER for each in begun or [""]]
