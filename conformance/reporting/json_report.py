"""report.json: the result as data, under spec/report.schema.json; and back again."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import orjson
from msgspec import convert, to_builtins

from aios_conformance.conformance.options.values import Baseline
from aios_conformance.conformance.reporting.causes import causes
from aios_conformance.conformance.reporting.presentable import plain
from aios_conformance.conformance.reporting.wording import in_short, scored_edition
from aios_conformance.conformance.terms.exchange import Exchange, Facts
from aios_conformance.conformance.terms.result import (
    Cause,
    CheckCoverage,
    Evidence,
    RequirementResult,
    Resumed,
    RunResult,
    Shown,
    Usage,
)
from aios_conformance.spec import (
    LEVEL_RULE,
    locators,
    requirement,
    requirements_sha256,
)

NAME = "aios-conformance"
SCHEMA_VERSION = 1


def suite_version() -> str:
    """The version of this distribution."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "0+unknown"


def render(result: RunResult) -> str:
    """The report as JSON text."""
    return orjson.dumps(report(result), option=orjson.OPT_INDENT_2).decode() + "\n"


def report(result: RunResult) -> dict[str, Any]:
    """The report as data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "suite": {
            "name": NAME,
            "version": suite_version(),
            "requirements_sha256": requirements_sha256(result.dialect),
        },
        "edition": _edition(result),
        "target": {
            "url": _address(result.url),
            "given": result.target or _address(result.url),
            "models": {
                api: name
                for api, name in result.facts.models.items()
                if api != "models"
            },
            "kinds": {
                api: kind
                for api, kind in result.facts.kinds.items()
                if api in {"rerank", "score"}
            },
            "server": result.server,
        },
        "dialect": result.dialect,
        "preset": result.preset,
        "seed": result.seed,
        "started": result.started,
        "duration_s": result.duration_s,
        "complete": result.complete,
        "cut_short": result.cut_short,
        "resumed": [to_builtins(each) for each in result.resumed],
        "claim": result.claim,
        "selection": None if result.selection is None else list(result.selection),
        "summary": dict(result.summary),
        "usage": {
            "requests": result.usage.requests,
            "prompt_tokens": result.usage.prompt_tokens,
            "completion_tokens": result.usage.completion_tokens,
            "shrink_requests": result.usage.shrink_requests,
        },
        "timing": {key: dict(value) for key, value in result.timing.items()},
        "level_rule": LEVEL_RULE,
        "not_scored": list(result.not_scored),
        "stale_waivers": list(result.stale_waivers),
        "excluded": [{"id": row.id, "reason": row.excluded} for row in result.excluded],
        "baseline": _baseline(result),
        "causes": [_cause(each) for each in causes(result)],
        "requirements": [_requirement(each) for each in result.requirements],
    }


def _edition(result: RunResult) -> dict[str, Any]:
    """Which rows were scored; by their hash, where no edition holds exactly these."""
    name, sha256 = scored_edition(result)
    return {"name": name, "sha256": sha256, "asked_for": result.edition is not None}


def _read_edition(data: Mapping[str, Any]) -> str | None:
    told: Mapping[str, Any] = data.get("edition", {})
    return told["name"] if told.get("asked_for") else None


def _baseline(result: RunResult) -> dict[str, Any] | None:
    """The run that this one is held against; the verdicts stand with the rows."""
    if result.baseline is None:
        return None
    members: dict[str, Any] = to_builtins(result.baseline)
    del members["verdicts"]
    return members


def _cause(cause: Cause) -> dict[str, Any]:
    """One fault of the target: where it shows, and all that it breaks."""
    found = cause.lead.findings[0] if cause.lead.findings else None
    return {
        "title": cause.title or in_short(cause.lead),
        "verdict": cause.lead.verdict,
        "requirements": [each.requirement.id for each in cause.rows],
        "follows": [each.requirement.id for each in cause.follows],
        "exchange": found.exchange if found else None,
        "curl": found.curl if found else None,
    }


def _address(target: str) -> str:
    """The address; a bundled server that never started has none (RFC 2606)."""
    return target if "://" in target else f"http://{target}.invalid"


def _requirement(result: RequirementResult) -> dict[str, Any]:
    row = result.requirement
    return {
        "id": row.id,
        "topic": row.topic,
        "level": str(row.level),
        "operations": list(row.operations),
        "statement": row.statement,
        "sources": list(row.sources),
        "where": [each.words for each in locators(row) if each.words],
        "ruling": row.ruling,
        "reading": result.reading,
        "verdict": result.verdict,
        "before": result.before,
        "change": result.change,
        "scored": result.is_scored,
        "reason": result.reason,
        "evidence": result.evidence,
        "reproduced": result.reproduced,
        "occurrence": result.occurrence,
        "refuted_by": list(result.refuted_by),
        "shown": to_builtins(result.shown),
        "checks": [
            {**to_builtins(each), "exchanges": list(each.exchanges)}
            for each in result.coverage
        ],
        "findings": [
            {
                **to_builtins(replace(each, actual=plain(each.actual))),
                "parts": list(each.parts),
            }
            for each in result.findings
        ],
    }


def read(data: Mapping[str, Any], exchanges: Iterable[Exchange] = ()) -> RunResult:
    """The result that a report was written from, with the exchanges it refers to.

    Raises SpecError where the report names a requirement that no longer exists.
    """
    target = data["target"]
    rows = [_read_requirement(each) for each in data["requirements"]]
    facts = Facts(data["dialect"], target["models"], target.get("kinds", {}))
    return RunResult(
        url=target["url"],
        dialect=data["dialect"],
        preset=data["preset"],
        seed=data["seed"],
        facts=facts,
        server=target["server"],
        started=data["started"],
        duration_s=data["duration_s"],
        complete=data["complete"],
        claim=data["claim"],
        selection=data["selection"],
        requirements=rows,
        excluded=[
            replace(requirement(each["id"]), excluded=each["reason"])
            for each in data["excluded"]
        ],
        usage=convert(data["usage"], Usage),
        timing=data["timing"],
        stale_waivers=data["stale_waivers"],
        edition=_read_edition(data),
        exchanges=tuple(exchanges),
        cut_short=data.get("cut_short"),
        baseline=_read_baseline(data),
        target=target.get("given", ""),
        resumed=convert(data.get("resumed", ()), tuple[Resumed, ...]),
        causes=_read_causes(data, rows),
    )


def _read_causes(
    data: Mapping[str, Any], rows: Iterable[RequirementResult]
) -> list[Cause] | None:
    if "causes" not in data:
        return None
    named = {each.requirement.id: each for each in rows}
    made = []
    for told in data["causes"]:
        broken = tuple(named[name] for name in told["requirements"])
        follows = tuple(named[name] for name in told["follows"])
        title = "" if told["title"] == in_short(broken[0]) else told["title"]
        made.append(Cause(broken, follows, title))
    return made


def _read_baseline(data: Mapping[str, Any]) -> Baseline | None:
    if data.get("baseline") is None:
        return None
    rows = data["requirements"]
    before = {each["id"]: each["before"] for each in rows if each.get("before")}
    return Baseline(**data["baseline"], verdicts=before)


def _read_requirement(data: Mapping[str, Any]) -> RequirementResult:
    row = replace(
        requirement(data["id"]),
        level=type(requirement(data["id"]).level)(data["level"]),
        statement=data["statement"],
        operations=tuple(data["operations"]),
        sources=tuple(data["sources"]),
    )
    return RequirementResult(
        requirement=row,
        verdict=data["verdict"],
        reason=data["reason"],
        reading=data["reading"],
        evidence=data["evidence"],
        reproduced=data["reproduced"],
        findings=convert(data["findings"], tuple[Evidence, ...]),
        coverage=convert(data.get("checks", ()), tuple[CheckCoverage, ...]),
        occurrence=data.get("occurrence"),
        refuted_by=tuple(data.get("refuted_by", ())),
        shown=convert(data.get("shown"), Shown | None),
        before=data.get("before"),
        change=data.get("change"),
        is_scored=data.get("scored", True),
    )
