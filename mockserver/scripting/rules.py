"""Rules: what to answer when a request looks so and so.

The first rule that matches and is not used up answers; without one the mock answers
by itself. How rules are written is for `rule_reader`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Final

from aios_conformance.mockserver.faults.kinds import Fault
from aios_conformance.mockserver.scripting.asked import asked
from aios_conformance.mockserver.scripting.conditions import Match, Miss
from aios_conformance.mockserver.scripting.expressions import ExpressionError
from aios_conformance.mockserver.scripting.script import Script
from aios_conformance.mockserver.scripting.templates import LONGEST, filled, written
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Broken, NotFound
from aios_conformance.serving.located import unknown

_COMPARED: Final = 20  # rules that meet as many conditions, whose texts are compared


@dataclass(frozen=True, slots=True)
class RuleResponse:
    """What a rule answers; what it leaves out the mock does by itself."""

    script: Script = field(default_factory=Script)
    json: Any = None  # instead of the whole answer
    status: int | None = None  # a refusal
    message: str | None = None
    fault: Fault | None = None
    delay_ms: float = 0.0  # before anything else
    headers: Mapping[str, str] = field(default_factory=dict)  # beside the usual ones


@dataclass(frozen=True, slots=True)
class Rule:
    """Who, what, and how often; `responses` come in turn, the last one stays."""

    name: str
    match: Match
    responses: Sequence[RuleResponse]
    times: int | None = None  # None: without limit
    holes: bool = False  # the responses have texts that are filled in
    off: bool = False  # kept, and not tried
    source: Mapping[str, Any] = field(default_factory=dict)  # as it was written

    def response(self, used: int, context: RequestContext) -> RuleResponse:
        """Return the response of a use, its holes filled. Raises Broken."""
        response = self.responses[min(used, len(self.responses) - 1)]
        if not self.holes:
            return response
        request = asked(context)
        view = request.view()
        groups = self.match.regex.groups(request.text) if self.match.regex else None
        view["groups"], view["named"] = groups or ([], {})
        try:
            return _filled(response, view)
        except ExpressionError as error:
            raise Broken(
                f"the template of {self.name!r} does not fit this request: {error}",
                code="rule_template",
            ) from None


def _filled(response: RuleResponse, view: Mapping[str, Any]) -> RuleResponse:
    def text(value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return written(filled(value, view))[:LONGEST]

    script = response.script
    return replace(
        response,
        script=replace(
            script,
            text=text(script.text),
            reasoning=text(script.reasoning),
            tool_calls=filled(script.tool_calls, view),
        ),
        json=filled(response.json, view),
        message=text(response.message),
    )


class Rules:
    """A list of rules that keeps count of how often each was used."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        """Begin with all counts at zero."""
        self.rules = tuple(rules)
        self.used = [0] * len(self.rules)
        self._finding = Lock()  # large requests are prepared in threads

    def find(self, context: RequestContext) -> tuple[Rule, RuleResponse] | None:
        """Return the first rule that matches and its next response, and count it.

        Raises Broken for a template that does not fit.
        """
        with self._finding:
            for position, rule in enumerate(self.rules):
                used = self.used[position]
                if rule.off:
                    continue
                if rule.times is not None and used >= rule.times:
                    continue
                if next(rule.match.misses(context), None) is None:
                    self.used[position] += 1
                    return rule, rule.response(used, context)
        return None

    def named(self, name: str, context: RequestContext) -> tuple[Rule, RuleResponse]:
        """Return a rule by its name, whatever its match says, and count it.

        Raises NotFound; Broken for a template that does not fit.
        """
        for position, rule in enumerate(self.rules):
            if rule.name == name:
                with self._finding:
                    self.used[position] += 1
                return rule, rule.response(self.used[position] - 1, context)
        names = [rule.name for rule in self.rules]
        raise NotFound(unknown("Prefer: example", name, names), code="no_example")

    def nearest(self, context: RequestContext) -> str:
        """Say which rule came closest to a request, and why it missed.

        That is the one that meets the largest share of its conditions; of several
        the one whose texts are most like those of the request, or else the first.
        """
        ranked = [
            (_share(rule, misses), rule, misses)
            for rule, used in zip(self.rules, self.used, strict=True)
            if (misses := _misses(rule, used, context))
        ]
        if not ranked:
            return "there are no rules"
        best = max(share for share, _, _ in ranked)
        equals = [each for each in ranked if each[0] == best][:_COMPARED]
        _, rule, misses = max(
            equals, key=lambda each: sum(miss.likeness for miss in each[2])
        )
        wanted = len(rule.match) + (rule.times is not None)
        return (
            f"{rule.name!r} meets {wanted - len(misses)} of {wanted} conditions, but "
            f"{'; '.join(miss.reason for miss in misses)}"
        )


def _misses(rule: Rule, used: int, context: RequestContext) -> list[Miss]:
    misses = list(rule.match.misses(context))
    if rule.off:
        misses.append(Miss("it is switched off"))
    if rule.times is not None and used >= rule.times:
        misses.append(Miss(f"it was used {used} times already"))
    return misses


def _share(rule: Rule, misses: Sequence[Miss]) -> float:
    """Return the share of conditions that are met; the last use counts as one."""
    wanted = len(rule.match) + (rule.times is not None)
    return (wanted - len(misses)) / wanted
