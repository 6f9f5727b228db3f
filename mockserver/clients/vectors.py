"""Whether a client reads base64 vectors, as far as the wire shows it."""

from collections.abc import Iterator

from aios_conformance.mockserver.clients.rule import Finding, rule, unseen, warn
from aios_conformance.mockserver.clients.session import Session


@rule(
    why="base64 holds float32 numbers, the low byte first; read otherwise they are "
    "other vectors, and nothing complains.",
    mend="Decode with numpy.frombuffer(data, '<f4') or let OpenAI's client do it, and "
    "compare one vector with encoding_format float.",
)
def base64_vectors_are_read(session: Session) -> Iterator[Finding]:
    """Who asks for base64 vectors can use them.

    The wire does not show what a client makes of a vector; it shows who has to ask
    again for the same as plain numbers.
    """
    asked: dict[str, int] = {}
    by_number = {seen.number: seen for seen in session.exchanges}
    for seen in session.of("embeddings"):
        coded = seen.members.get("encoding_format") == "base64"
        text = repr(seen.members.get("input"))
        if coded and seen.status == 200:
            asked[text] = seen.number
        elif not coded and text in asked:
            first = by_number[asked.pop(text)]
            yield warn(
                "asked for base64, then for the same input as numbers", first, seen
            )
    for number in asked.values():
        yield unseen(
            "asked for base64; how it was read cannot be seen", by_number[number]
        )


RULES = (base64_vectors_are_read,)
