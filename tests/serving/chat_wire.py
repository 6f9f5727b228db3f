"""What the tests of chat ask, and how they read a stream."""

from typing import Any

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hey"}]}


def joined(chunks: list[Any], index: int = 0, member: str = "content") -> str:
    """Join the pieces of a member over the chunks of one choice."""
    return "".join(
        choice["delta"].get(member) or ""
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["index"] == index
    )
