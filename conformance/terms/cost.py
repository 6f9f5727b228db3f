"""What a request may cost at most, and what it has cost.

A ceiling is known before anything is sent and is never exceeded by a server that
obeys the request: a generation ends at its limit, and a text has no more tokens than
its measure says. There are two measures. No tokenizer at all makes more tokens of a
text than it has UTF-8 bytes: limits that a user sets are kept by that one. Tokenizers
that learnt subwords join letters to words, which plans count on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_letters
from typing import Any

from aios_conformance.conformance.terms.exchange import Exchange, Json
from aios_conformance.conformance.terms.probe import Step
from aios_conformance.spec import api_of

SPECIAL_TOKENS = 4
"""Begin, end and separator tokens that a tokenizer adds to each text or pair."""

CHAT_TEMPLATE = 72
"""Tokens that a chat template adds to a conversation: system text, date, markers."""

PER_MESSAGE = 8
"""Tokens that a chat template adds to each message: its role and markers."""

TOOLS_TEMPLATE = 192
"""Tokens by which a chat template explains the tools that it lists."""

UNLIMITED_CHAT = 1024
"""Completion tokens of a chat without a limit: there is no default."""

UNLIMITED = 16
"""Completion tokens of a completion without a limit (000:579)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens, prompt and completion apart; one request unless said otherwise."""

    prompt: int = 0
    completion: int = 0
    requests: int = 1

    def __add__(self, other: "Cost") -> "Cost":
        """The cost of both."""
        return Cost(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.requests + other.requests,
        )

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt + self.completion


NOTHING = Cost(0, 0, 0)


Measure = Callable[[str], int]
"""The most tokens that a text can have."""

_KINDS = bytes(ord("a" if chr(n) in ascii_letters else " ") for n in range(256))
"""A letter of ASCII as an a, all else as a blank."""


def utf8(text: str) -> int:
    """The measure that holds for every tokenizer: a token for each UTF-8 byte."""
    return len(text.encode(errors="surrogatepass"))


def subwords(text: str) -> int:
    """The measure that holds for tokenizers that learnt subwords of some language.

    A word of ASCII letters is at least one token, and at most half as many as it has
    letters. A blank belongs to its word. All else is a token for each byte.
    """
    data = text.encode(errors="surrogatepass")
    kinds = data.translate(_KINDS)
    single = b" %b " % kinds.replace(b" ", b"  ")  # each word has blanks of its own
    halved = kinds.count(b"a") - single.count(b" a ")
    return len(data) - data.count(b" ") - halved // 2


def ceilings(steps: tuple[Step, ...], measure: Measure = utf8) -> Iterator[Cost]:
    """The ceiling of each step, in order.

    A body that is made from earlier answers is made of what stood in bodies and of
    what was generated before it in the scenario, or has the prompt of the step that
    it is `like`; it generates no more than the costliest of them. Bytes may be `like`
    a step too.
    """
    material = 0
    prompts: dict[str, int] = {}
    costliest = 0
    for step in steps:
        is_later = callable(step.body) and step.raw is None
        if is_later:
            prompt = prompts.get(step.like, material + CHAT_TEMPLATE) + step.beyond
            may_generate = api_of(step.operation) in ("chat", "completions")
            cost = Cost(prompt, costliest or UNLIMITED * may_generate)
        else:
            cost = ceiling(step.operation, step.body, step.raw, measure)
        if step.raw is not None and step.like:
            cost = Cost(prompts[step.like] + step.beyond)
        if step.prompt_tokens is not None:
            cost = Cost(step.prompt_tokens, cost.completion)
        if step.completion_tokens is not None:
            cost = Cost(cost.prompt, step.completion_tokens)
        prompts[step.label] = cost.prompt
        material += cost.completion if is_later else cost.tokens
        costliest = max(costliest, cost.completion)
        yield cost


def ceiling(
    operation: str, body: Json, raw: bytes | None = None, measure: Measure = utf8
) -> Cost:
    """The most tokens that one request can cost."""
    if operation.startswith("GET "):
        return Cost()
    if raw is not None or not isinstance(body, dict):
        return Cost(len(raw) if raw is not None else _size(body, measure), 0)
    match api_of(operation):
        case "chat":
            generated = _generated(body, UNLIMITED_CHAT, 1)
            return Cost(_chat_prompt(body, measure), generated)
        case "completions":
            prompt = body.get("prompt")
            count = _texts(prompt)
            size = _size(prompt, measure) + _size(body.get("suffix"), measure)
            size += SPECIAL_TOKENS * count
            return Cost(size, _generated(body, UNLIMITED, count))
        case "rerank":
            return Cost(_pairs(body.get("query"), body.get("documents"), measure))
        case "score":
            return Cost(_pairs(body.get("text_1"), body.get("text_2"), measure))
    given = body.get("input", body.get("inputs"))
    return Cost(_size(given, measure) + SPECIAL_TOKENS * _texts(given))


def _chat_prompt(body: Mapping[str, Any], measure: Measure) -> int:
    size = CHAT_TEMPLATE
    for message in _listed(body.get("messages")):
        if isinstance(message, dict):  # a template shows values and no names
            size += sum(_size(value, measure) for value in message.values())
        else:
            size += _size(message, measure)
        size += PER_MESSAGE
    tools = body.get("tools")
    size += _size(tools, measure) + TOOLS_TEMPLATE if tools else 0
    for name in ("tool_choice", "response_format"):
        size += _size(body.get(name), measure)
    return size


def _generated(body: Mapping[str, Any], unlimited: int, prompts: int) -> int:
    given = (_count(body.get(k)) for k in ("max_completion_tokens", "max_tokens"))
    limit = min((count for count in given if count is not None), default=unlimited)
    choices = max(_count(body.get("n")) or 1, _count(body.get("best_of")) or 1)
    return limit * choices * prompts


_MOST = 10**9
"""No request costs as many tokens: what is more is no count."""


def _count(value: Json) -> int | None:
    is_count = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_count and 0 <= value < _MOST and value % 1 == 0 else None


def _pairs(one: Json, many: Json, measure: Measure) -> int:
    """Tokens of all pairs of a query and its documents, or of paired texts."""
    left, right = _listed(one), _listed(many)
    rows = max(len(left), len(right), 1)
    repeat_left = rows if len(left) == 1 else 1
    repeat_right = rows if len(right) == 1 else 1
    size = _size(left, measure) * repeat_left + _size(right, measure) * repeat_right
    return size + SPECIAL_TOKENS * rows


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _texts(value: Json) -> int:
    """How many prompts or inputs a value holds: a list of token ids is one."""
    if isinstance(value, list) and not all(isinstance(v, int) for v in value):
        return max(len(value), 1)
    return 1


def _size(value: Json, measure: Measure) -> int:
    """Tokens of a value's texts; a number is a token or little more."""
    if isinstance(value, str):
        return measure(value)
    if isinstance(value, dict):
        parts = [(measure(k), _size(v, measure)) for k, v in value.items()]
        return sum(key + inner + 6 for key, inner in parts)
    if isinstance(value, list | tuple):
        return sum(_size(item, measure) for item in value) + 2
    return 0 if value is None else 6 if isinstance(value, bool) else 1


def spent(exchange: Exchange, most: Cost) -> Cost:
    """What an exchange really cost, by its usage; by its ceiling if it tells none."""
    if exchange.response is None:
        return most if (exchange.failure or "").startswith("timeout") else NOTHING
    usage = last_usage(exchange)
    if usage is None:
        return most if exchange.is_success else NOTHING
    prompt = _count(usage.get("prompt_tokens"))
    if prompt is None:
        prompt = _count(usage.get("total_tokens"))
    completion = _count(usage.get("completion_tokens"))
    # a completion that is not counted is an embedding, a score, or not to be known
    return Cost(
        most.prompt if prompt is None else prompt,
        0 if completion is None else completion,
    )


def last_usage(exchange: Exchange) -> Mapping[str, Any] | None:
    """The usage object of an answer; of a stream, the last one that it carries."""
    if exchange.response is None or not exchange.is_success:
        return None
    if exchange.is_stream:
        if b'"usage"' not in exchange.response.body:
            return None
        bodies = [event.json for event in exchange.response.events]
    else:
        bodies = [exchange.response.json]
    usages = [body.get("usage") for body in bodies if isinstance(body, dict)]
    return next((u for u in reversed(usages) if isinstance(u, dict)), None)
