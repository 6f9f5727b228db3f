"""Answers that their limit ends with the first token: streams have it, as whole ones.

What a prompt begins with need not show: a part of a character, markup of a model that
reasons. So texts are looked for in all answers of a run together.
"""

from collections.abc import Iterator

from aios_conformance.conformance.checks.generated import Generated
from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.views import Record

_LIMITS = ("max_tokens", "max_completion_tokens")
_SEVERAL = 2
"""Answers without a text, and as many with one: a single one shows nothing."""


def _cut_at_once(record: Record, api: Api) -> Iterator[Generated]:
    """Answers that the limit ended, with a token for each choice and no echo."""
    for exchange in record.answers(api):
        answer = Generated.of(exchange, record.facts)
        if answer is None or answer.sent.get("echo"):
            continue
        limits = {answer.sent.get(name) for name in _LIMITS} - {None}
        ends = {choice.get("finish_reason") for choice in answer.choices}
        if limits == {1} and ends == {"length"}:
            yield answer


@check("META-059", evidence=0, witness=True)
def a_stream_says_its_only_token(record: Record) -> Iterator[Note]:
    """Under a limit of 1 streams have texts, if whole answers have."""
    apis: tuple[Api, ...] = ("chat", "completions")
    for api in apis:
        found = [*_cut_at_once(record, api)]
        told = [one for one in found if one.is_whole and _has_text(one)]
        streams = [one for one in found if not one.is_whole]
        is_silent = not any(map(_has_text, streams))
        if is_silent and min(len(told), len(streams)) >= _SEVERAL:
            yield Finding(
                expected="a text of one token, as whole answers have",
                actual=f"no text in {len(streams)} streams",
                pointer="/choices/0",
                exchange=streams[0].exchange.id,
                ids=("META-059",),
            )


def _has_text(answer: Generated) -> bool:
    return any(map(answer.text, answer.choices))
