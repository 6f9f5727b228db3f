"""Umbrellas: rows that state in one sentence what others state singly.

"Answer a valid request with 200" is refuted by every valid request that is refused,
whichever row says that it is valid; it cannot pass beside such a finding. What a row
consists of is said by `parts` in spec/requirements. A refutation is as hard as the
finding that it rests on: what is only recommended on its own row does no more than
warn here, and what is excused there, or does not apply, refutes nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

from aios_conformance.conformance.checks.acceptance import DOCUMENTED
from aios_conformance.conformance.judging.judge import Trace
from aios_conformance.conformance.judging.judged_recording import JudgedRecording
from aios_conformance.conformance.judging.reasons import out_of_scope
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.spec import Level, PartsOf, Requirement, apis


def refutations(run: JudgedRecording, row: Requirement) -> Iterator[Trace]:
    """The findings on other rows that refute a row, each with the rows it was on."""
    if row.parts is None:
        return
    known = run.known.requirements
    topics = row.parts.topics
    scope: dict[str, bool] = {}
    for trace in run.main.traces:
        if row.id in trace.rows or not _concerns(run, row, trace):
            continue
        parts = [
            known[name]
            for name in trace.rows
            if (not topics or known[name].topic in topics)
            and scope.setdefault(name, out_of_scope(run, known[name]) is None)
            and not run.is_unstable(trace, known[name])
        ]
        if parts:
            is_soft = trace.finding.soft or not any(
                part.level == Level.MUST and not part.statistical for part in parts
            )
            yield replace(
                trace,
                rows=tuple(part.id for part in parts),
                finding=replace(trace.finding, soft=is_soft),
            )


def _concerns(run: JudgedRecording, row: Requirement, trace: Trace) -> bool:
    """The finding speaks of what the row promises."""
    if row.parts is None or trace.exchange.request.operation not in row.operations:
        return False
    exchange, of = trace.exchange, row.parts.of
    if of == "acceptance":
        is_refused = exchange.status != 0 and exchange.status // 100 != 2
        return exchange.expect == "accept" and is_refused
    if of == "members":
        is_shape = trace.check in run.judging["shape"]
        return is_shape and trace.finding.actual == "absent" and not exchange.is_stream
    return of is None or (
        exchange.expect == "refuse"
        and trace.check in run.judging["acceptance"]
        # of some mistakes the documents do not say with which code they are refused
        and (exchange.codes == DOCUMENTED or bool(row.parts.topics))
        and _is_mistake(run, exchange, of)
    )


def _is_mistake(run: JudgedRecording, exchange: Exchange, of: PartsOf) -> bool:
    body = exchange.request.json
    if of == "omission":
        api = apis(run.known.dialect).get(exchange.api)
        return isinstance(body, dict) and not body.keys() >= {
            *(api.required if api else ())
        }
    return of == "refusal" or isinstance(body, dict) == (of == "breach")
