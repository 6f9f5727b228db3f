"""What is read again is counted again: one prompt has one count in a whole run.

The relation scenarios compare requests that stand together. Here are all answers of a
run, whatever was asked before them and beside them. Requests are alike that say the
same to a model of the same name, in the same form. That there are some is left to
chance, and no evidence that a row was exercised.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import usage_of
from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Api, Exchange
from aios_conformance.conformance.terms.views import Record

_READ = ("echo", "tools", "tool_choice", "truncate_prompt_tokens")
"""Members beside the required ones of which a count may depend."""

_FORM = ("n", "stream", *_READ)
"""And those on which other rows compare the counts."""

_COUNTED = {
    "sampling-keeps-prompt-tokens": "prompt_tokens",
    "batch-tokens-add-up": "prompt_tokens",
    "top-n-keeps-total-tokens": "total_tokens",
}
"""The topics of the rows about what is counted, and the member that counts it."""


def _alike(
    record: Record, api: Api, member: str, form: Sequence[str] = _FORM
) -> list[list[tuple[Exchange, int]]]:
    """Answers to what says the same, each with its count, where there are several."""
    found: dict[str, list[tuple[Exchange, int]]] = {}
    read = (*spec.apis(record.facts.dialect)[api].required, *form)
    for exchange in record.answers(api):
        count = usage_of(exchange, member)
        sent = exchange.request.json
        if count and exchange.expect == "accept" and isinstance(sent, dict):
            key = json.dumps([sent.get(name) for name in read])
            found.setdefault(key, []).append((exchange, count))
    return [group for group in found.values() if len(group) > 1]


def _recounted(record: Record, api: Api, member: str) -> Iterator[tuple[Exchange, int]]:
    """Answers that count another number than most to the same, with that number."""
    for group in _alike(record, api, member):
        usual = Counter(count for _, count in group).most_common(1)[0][0]
        yield from ((exchange, usual) for exchange, count in group if count != usual)


@check(witness=True)
def what_says_the_same_counts_the_same(record: Record) -> Iterator[Note]:
    """Requests that say the same to a model count the same tokens."""
    dialect = record.facts.dialect
    for api, (topic, member) in product(spec.apis(dialect), _COUNTED.items()):
        if not (rows := spec.rows(topic, api=api, dialect=dialect)):
            continue
        for exchange, usual in _recounted(record, api, member):
            yield Finding(
                expected=f"{usual}, as most answers to the same say",
                actual=usage_of(exchange, member),
                pointer=f"/usage/{member}",
                exchange=exchange.id,
                ids=rows,
            )


@check(witness=True)
def choices_share_the_count_of_their_prompt(record: Record) -> Iterator[Note]:
    """A prompt counts the same tokens for several choices as for one, in streams too.

    That a stream counts otherwise than a whole answer is META-062's matter.
    """
    for api in spec.apis(record.facts.dialect):
        rows = spec.rows("n-keeps-prompt-tokens", api=api, dialect=record.facts.dialect)
        for group in _alike(record, api, "prompt_tokens", _READ) if rows else ():
            single = Counter(count for each, count in group if not _is_several(each))
            several = [(each, count) for each, count in group if _is_several(each)]
            if not single:
                continue
            usual = single.most_common(1)[0][0]
            for exchange, count in several:
                if count != usual:
                    yield Finding(
                        expected=f"{usual}, as with one choice",
                        actual=count,
                        pointer="/usage/prompt_tokens",
                        exchange=exchange.id,
                        ids=rows,
                    )


def _is_several(exchange: Exchange) -> bool:
    """It asks for several choices of a prompt."""
    return (exchange.request.json.get("n") or 1) != 1
