"""`aios-mock drift RECORDING|URL`: where a test that passes here would fail there.

Exit codes: 0 nothing that a test could trip over, 1 something, 4 bad option, or a
recording that cannot be read, or a server that cannot be reached.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aios_conformance import spec
from aios_conformance.mockserver.catalogue import documented
from aios_conformance.mockserver.drift.asking import (
    LISTING,
    Asking,
    from_recording,
    from_url,
    listed,
)
from aios_conformance.mockserver.drift.comparison import (
    AnswerPair,
    Finding,
    Kind,
    compare,
)
from aios_conformance.mockserver.options import read_options
from aios_conformance.serving.codec import encode
from aios_conformance.serving.located import shown
from aios_conformance.serving.options import OptionError, OptionParser
from aios_conformance.serving.server_options import seconds

_SHOWN: Final = 160  # characters of a request
_PATHS: Final = 3  # operations that are named in a line
_NAMED: Final = 12  # models that are served there
_ABOUT: Final = """\
Lists where a test that passes on the mock would fail at a real server, the most
important first. RECORDING is a report folder of `aios-conformance run` (or its
exchanges.jsonl), or a tape: what is recorded there is asked of the mock, and nothing is
sent to anybody. A URL is asked some 50 short requests, or those of --requests. Other
options are those of aios-mock, such as --profile vllm or --dialect infinity.
"""


def parser() -> argparse.ArgumentParser:
    """Return what parses the command's own options."""
    parser = OptionParser(
        prog="aios-mock drift",
        description=_ABOUT,
        epilog="Exit codes: 0 nothing to trip over, 1 something, 4 not possible.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", metavar="RECORDING|URL")
    parser.add_argument(
        "--requests",
        type=Path,
        metavar="RECORDING",
        help="ask the URL what was asked here, as it stands",
    )
    parser.add_argument(
        "--use",
        action="append",
        default=[],
        metavar="API=MODEL",
        help="the model to ask for an API; else the first listed one that answers",
    )
    parser.add_argument(
        "--api-key",
        default=os.environ.get("AIOS_API_KEY"),
        metavar="KEY",
        help="the key for the URL [$AIOS_API_KEY]",
    )
    parser.add_argument("--timeout", type=seconds, default=60.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code. Raises OptionError."""
    options, rest = parser().parse_known_args(argv)
    chosen = dict(pair.split("=", 1) for pair in options.use if "=" in pair)
    if len(chosen) < len(options.use) or chosen.keys() - set(spec.MODEL_APIS):
        valid = ", ".join(spec.MODEL_APIS)
        raise OptionError(f"--use must be API=MODEL, with API one of {valid}")
    wanted = Asking(
        options.target,
        options.requests,
        chosen,
        options.api_key,
        options.timeout,
        rest,
        read_options(rest, {}),
    )
    remote = "://" in wanted.target
    if remote and not _is_address(wanted.target):
        raise OptionError(f"{wanted.target} is no address such as http://host:8000")
    if options.requests and not remote:
        raise OptionError("--requests is what a URL is asked; of a recording it is all")
    pairs = asyncio.run(from_url(wanted) if remote else from_recording(wanted))
    findings = [*_models(wanted, pairs), *compare(pairs)]
    findings.sort(key=lambda one: one.kind)
    serious = [one for one in findings if one.kind is not Kind.NOTE]
    if options.json:
        described = [_described(one) for one in findings]
        text = encode({"requests": len(pairs), "findings": described}).decode()
        sys.stdout.write(text + "\n")
    else:
        sys.stdout.writelines(map(shown, _report(len(pairs), findings, len(serious))))
    return 1 if serious else 0


def _is_address(word: str) -> bool:
    try:
        parts = urlsplit(word)
        _ = parts.port  # raises where it is none
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _models(wanted: Asking, pairs: Sequence[AnswerPair]) -> Iterator[Finding]:
    """Yield which of the mock's models are not served there, or hold less."""
    both = next((pair for pair in pairs if pair.request.path == LISTING.path), None)
    if both is None or not both.there.accepted:
        return
    there, here = listed(both.there), listed(both.here)
    ours = (model.name for model in documented(wanted.dialect))
    missing = [name for name in ours if name not in there]
    if missing:
        text = f"served by the mock, not listed there: {', '.join(missing)}"
        more = f"; there are {', '.join(list(there)[:_NAMED]) or 'none'}"
        yield Finding(Kind.MODEL, (LISTING.operation,), text + more)
    for name in there.keys() & here.keys():
        theirs, mine = (side[name].get("max_model_len") for side in (there, here))
        if isinstance(theirs, int) and isinstance(mine, int) and theirs < mine:
            text = f"{name} takes {theirs} tokens there, {mine} on the mock"
            yield Finding(Kind.LIMIT, (LISTING.operation,), text)


def _named(operations: Sequence[str]) -> str:
    more = len(operations) - _PATHS
    return ", ".join(operations[:_PATHS]) + (f" and {more} more" if more > 0 else "")


def _described(finding: Finding) -> dict[str, Any]:
    request = finding.request
    return {
        "kind": finding.kind.name.lower(),
        "operations": finding.operations,
        "text": finding.text,
        "count": finding.count,
        "of": finding.of,
        "request": request and request.body.decode("utf-8", "replace"),
    }


def _report(asked: int, findings: Sequence[Finding], serious: int) -> Iterator[str]:
    if serious:
        differences = "1 difference" if serious == 1 else f"{serious} differences"
        yield f"{asked} requests, {differences} that a test may trip over:\n"
    else:
        yield f"{asked} requests: a test that passes on the mock should pass there\n"
    noted = False
    for finding in findings:
        if finding.kind is Kind.NOTE and not noted:
            noted = True
            yield "\nNotes, which break no test that passes on the mock:\n"
        share = f" ({finding.count} of {finding.of})" if finding.of > 1 else ""
        kind = "" if finding.kind is Kind.NOTE else f"{finding.kind.name.lower():8} "
        yield f"  {kind}{_named(finding.operations)}: {finding.text}{share}\n"
        if finding.request and finding.request.body and not noted:
            body = finding.request.body.decode("utf-8", "replace")
            yield f"           {body[:_SHOWN]}{'…' * (len(body) > _SHOWN)}\n"
