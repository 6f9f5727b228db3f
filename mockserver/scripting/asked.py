"""What a request says, as rules look at it; each part is found out once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from aios_conformance.mockserver.control.journal import hashed
from aios_conformance.serving.context import RequestContext

VIEW: Final = (
    *("body", "text", "system", "turn", "tool_result", "api", "path", "header"),
)
_ASKED: Final = "mock.asked"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool's message says, and of which call."""

    name: str = ""
    id: str = ""
    text: str = ""


class Asked:
    """One request."""

    def __init__(self, context: RequestContext) -> None:
        """Look at nothing yet."""
        self._context = context

    @cached_property
    def text(self) -> str:
        """What the client last said: message, prompt, input, query or text_1."""
        said = self._saying
        if said != "messages":
            return joined(self._context.body.get(said))
        from_user = [m for m in self.messages if m.get("role") == "user"]
        return joined(from_user[-1].get("content")) if from_user else ""

    @cached_property
    def folded(self) -> str:
        """The text, without regard to letter case."""
        return self.text.casefold()

    @cached_property
    def system(self) -> str:
        """What the system and developer messages say."""
        roles = ("system", "developer")
        said = [m.get("content") for m in self.messages if m.get("role") in roles]
        return "\n".join(map(joined, said))

    @cached_property
    def turn(self) -> int:
        """1 for the first request of a conversation, one more for each answer in it."""
        answers = [m for m in self.messages if m.get("role") == "assistant"]
        return 1 + len(answers)

    @cached_property
    def results(self) -> Sequence[ToolResult]:
        """The tools' messages after which the model is to speak, the last one first."""
        last = []
        for message in reversed(self.messages):
            if message.get("role") != "tool":
                break
            last.append(message)
        names = dict(_called(self.messages)) if last else {}
        return [
            ToolResult(
                names.get(message.get("tool_call_id"), str(message.get("name") or "")),
                str(message.get("tool_call_id") or ""),
                joined(message.get("content")),
            )
            for message in last
        ]

    @cached_property
    def messages(self) -> Sequence[dict[str, Any]]:
        """The messages of a conversation; none for what is no conversation."""
        return [m for m in _listed(self._context.body.get("messages")) if _is_object(m)]

    def view(self) -> dict[str, Any]:
        """Return the request as templates see it; keys and cookies are hashed.

        VIEW names the members.
        """
        context = self._context
        results = self.results
        return {
            "body": context.body,
            "text": self.text,
            "system": self.system,
            "turn": self.turn,
            "tool_result": (
                results
                and {
                    "name": results[0].name,
                    "id": results[0].id,
                    "text": results[0].text,
                }
            )
            or None,
            "api": context.api,
            "path": context.path,
            "header": {k.lower(): v for k, v in hashed(context.headers).items()},
        }

    @property
    def _saying(self) -> str:
        operation = self._context.operation
        required = operation.about.required if operation else ()
        return next((name for name in required if name != "model"), "")


def asked(context: RequestContext) -> Asked:
    """Return what a request says."""
    found: Asked | None = context.memory.get(_ASKED)
    if found is None:
        found = context.memory[_ASKED] = Asked(context)
    return found


def joined(value: Any) -> str:
    """Join strings, lists of strings, and text parts."""
    if isinstance(value, str):
        return value
    parts = [
        item.get("text", "") if isinstance(item, dict) else item
        for item in _listed(value)
    ]
    return "\n".join(part for part in parts if isinstance(part, str))


def _called(messages: Sequence[dict[str, Any]]) -> Iterator[tuple[Any, str]]:
    """Yield the id of each call, and the function that was called."""
    for message in messages:
        for call in _listed(message.get("tool_calls")):
            if _is_object(call) and _is_object(call.get("function")):
                yield call.get("id"), str(call["function"].get("name"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
