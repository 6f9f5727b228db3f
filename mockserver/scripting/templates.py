"""Texts with holes: `{{ text }}`, filled with values of the request.

In a hole stands a JMESPath expression over the request as `Asked.view` shows it, with
`groups` and `named`, the groups of the rule's regex. There are no loops and no calls
of anything else, so that a template ends, and soon.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from aios_conformance.mockserver.scripting.asked import VIEW, ToolResult
from aios_conformance.mockserver.scripting.expressions import (
    Expression,
    ExpressionError,
)
from aios_conformance.serving.codec import encode
from aios_conformance.serving.located import Path, Problems, unknown

_NAMES: Final = (*VIEW, "groups", "named")
_MEMBERS: Final[Mapping[str, Sequence[str]]] = {
    **dict.fromkeys(("text", "system", "turn", "api", "path"), ()),
    "tool_result": tuple(one.name for one in fields(ToolResult)),
}
LONGEST: Final = 20_000
"""Characters that a hole is filled with, and a text that has holes."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with holes."""

    parts: Sequence[str | Expression]

    def filled(self, view: Mapping[str, Any]) -> Any:
        """Return the text; what stands alone keeps its type. Raises ExpressionError."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].value(view)
        return "".join(
            written(part.value(view))[:LONGEST]
            if isinstance(part, Expression)
            else part
            for part in self.parts
        )


def written(value: Any) -> str:
    """Return a value as text: strings as they are, nothing for null, else JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else encode(value).decode()


def templated(value: Any, path: Path, problems: Problems) -> Any:
    """Return plain data with its texts that have holes as templates.

    Without any hole the data itself is returned; what cannot be read is a problem.
    """
    if isinstance(value, str):
        return _template(value, path, problems) if "{{" in value else value
    if isinstance(value, dict):
        made = {k: templated(v, (*path, k), problems) for k, v in value.items()}
        return made if any(made[k] is not value[k] for k in value) else value
    if isinstance(value, list):
        items = [templated(v, (*path, n), problems) for n, v in enumerate(value)]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else items
    return value


def _template(text: str, path: Path, problems: Problems) -> Any:
    parts: list[str | Expression] = []
    for number, piece in enumerate(_pieces(text)):
        try:
            if number % 2:
                parts.append(_hole(piece.strip()))
            elif piece:
                parts.append(piece)
        except ExpressionError as error:
            problems.at(
                path,
                f"{{{{{piece}}}}}: {error}; to say {{{{ itself, write {{{{ '{{{{' }}}}",
            )
    return Template(parts) if any(isinstance(p, Expression) for p in parts) else text


def _pieces(text: str) -> Iterator[str]:
    """Yield what stands before a hole, and the hole, in turn, and then the rest."""
    at = 0
    while (start := text.find("{{", at)) >= 0 and (end := text.find("}}", start)) >= 0:
        yield text[at:start]
        yield text[start + 2 : end]
        at = end + 2
    yield text[at:]


def _hole(source: str) -> Expression:
    expression = Expression(source)
    for name, *below in expression.paths:
        if name not in _NAMES:
            raise ExpressionError(unknown("a template", name, _NAMES))
        members = _MEMBERS.get(name, below)
        if below and not members:
            raise ExpressionError(f"{name} is plain, it has no {below[0]!r}")
        if below and below[0] not in members:
            raise ExpressionError(unknown(name, below[0], members))
    return expression


def filled(value: Any, view: Mapping[str, Any]) -> Any:
    """Return data with its templates filled. Raises ExpressionError."""
    if isinstance(value, Template):
        return value.filled(view)
    if isinstance(value, dict):
        return {key: filled(inner, view) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [filled(inner, view) for inner in value]
    return value
