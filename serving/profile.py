"""Where servers of the family are known to depart from the documents, on request.

A **profile** is a set of **deviations**, each with a name, one sentence, and the line
of the documents that it departs from. The profile `documents` has none and is what
every front has by default. What serves asks for a deviation by its constant::

    if JOINED_FINISH in context.front.profile:

A deviation that widens or narrows what a request may hold says so as `edits` of the
OpenAPI document; validation, defaults and `/openapi.json` then follow by themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True, eq=False)
class Deviation:
    """One departure from the documents.

    `edits` is laid over the OpenAPI document as a merge patch (RFC 7396): objects are
    merged member by member, None takes a member away.
    """

    name: str  # as users write it: "joined-finish"
    does: str  # one sentence about the server
    departs: str  # DOCUMENT:LINE, one or more
    edits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of deviations."""

    name: str
    deviations: frozenset[Deviation] = frozenset()

    def __contains__(self, deviation: Deviation) -> bool:
        """Tell whether servers of this profile deviate so."""
        return deviation in self.deviations

    def described(self) -> list[dict[str, str]]:
        """Return each deviation as plain JSON values, by name."""
        return [
            {"name": one.name, "does": one.does, "departs": one.departs}
            for one in self._sorted()
        ]

    def _sorted(self) -> list[Deviation]:
        return sorted(self.deviations, key=lambda one: one.name)

    def document(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the OpenAPI document that holds under this profile."""
        edited: Any = document
        for deviation in self._sorted():
            edited = merged(edited, deviation.edits)
        return edited  # type: ignore[no-any-return]


DOCUMENTS: Final = Profile("documents")
"""The documents to the letter."""


def merged(value: Any, patch: Any) -> Any:
    """Return a value with a merge patch applied; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for name, change in patch.items():
        if change is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), change)
    return result


def edits(schemas: Iterable[str], **members: Any) -> dict[str, Any]:
    """Return edits of the members that some schemas have."""
    node = {"properties": members}
    return {"components": {"schemas": dict.fromkeys(schemas, node)}}


_GENERATING: Final = ("ChatCompletionRequest", "CompletionRequest")
"""The requests that ask for text."""

JOINED_FINISH: Final = Deviation(
    "joined-finish",
    "the chunk with finish_reason carries the last text too, where OpenAI's API (and "
    "this mock otherwise) closes a choice with an empty chunk",
    "000:387",
)

LONG_ANSWERS: Final = Deviation(
    "long-answers",
    "min_tokens and ignore_eos are members of chat and completions requests",
    "000:376-405, 000:568-583",
    edits(
        _GENERATING,
        min_tokens={"type": "integer", "minimum": 0, "default": 0},
        ignore_eos={"type": "boolean", "default": False},
    ),
)

THINKING_SWITCHES: Final = Deviation(
    "thinking-switches",
    "a reasoning model answers at once with chat_template_kwargs.enable_thinking "
    "false, reasoning_effort none or include_reasoning false",
    "000:376-405, 000:459",
    edits(
        ["ChatCompletionRequest"],
        chat_template_kwargs={
            "type": "object",
            "properties": {"enable_thinking": {"type": "boolean"}},
        },
        reasoning_effort={
            "enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
        },
        include_reasoning={"type": "boolean"},
    ),
)
