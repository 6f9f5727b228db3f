"""The options of a run as pytest and the command show and declare them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aios_conformance.conformance.options.values import PRESETS
from aios_conformance.spec import DIALECTS, MODEL_APIS

DEFAULT_KEY_VARIABLE = "AIOS_API_KEY"


@dataclass(frozen=True, slots=True)
class Option:
    """One option as a user sees it. Without a metavar it is a switch."""

    flag: str
    help: str
    metavar: str | None = None
    repeatable: bool = False

    @property
    def name(self) -> str:
        """The key of its value: the flag without dashes."""
        return self.flag.removeprefix("--").replace("-", "_")

    def declaration(self, prefix: str = "") -> dict[str, Any]:
        """Keywords for argparse's add_argument, or for pytest's addoption."""
        keywords: dict[str, Any] = {"dest": prefix + self.name, "help": self.help}
        if self.metavar is None:
            return keywords | {"action": "store_true", "default": False}
        if self.repeatable:
            keywords |= {"action": "append"}
        return keywords | {"metavar": self.metavar, "default": None}


TARGET = Option(
    "--target",
    "what to judge: a base URL, or `mock` / `reference`, which start the bundled "
    "server on a free port and stop it again",
    "URL|mock|reference",
)
OPTIONS = (
    Option(
        "--dialect",
        "which document set is the law, or the folder of one (default: aios); "
        "`aios-conformance run URL --dialect all` compares them",
        "|".join((*DIALECTS, "DIR")),
    ),
    Option(
        "--model",
        f"model for all APIs, or for one of {', '.join(MODEL_APIS)}; "
        "repeatable (default: what GET /v1/models lists)",
        "NAME|API=NAME",
        repeatable=True,
    ),
    Option(
        "--apis",
        "declared scope, comma-separated: an API named here is never absent, one "
        "outside is not applicable (default: discover)",
        "LIST",
    ),
    Option(
        "--without",
        "capabilities that the vendor does not claim, comma-separated: tools, "
        "logprobs, n, dimensions, …",
        "LIST",
    ),
    Option(
        "--api-key-env",
        f"environment variable that holds the bearer key (default: "
        f"{DEFAULT_KEY_VARIABLE}, used if set); never printed",
        "VAR",
    ),
    Option(
        "--header",
        "a header to send with every request, 'Name: value'; repeatable, its value "
        "is never printed",
        "HEADER",
        repeatable=True,
    ),
    Option(
        "--preset",
        "how much evidence to gather (default: standard)",
        "|".join(PRESETS),
    ),
    Option("--max-requests", "send at most N requests", "N"),
    Option("--max-tokens", "spend at most N tokens, prompt and completion", "N"),
    Option("--concurrency", "requests in flight at once (default: 8)", "N"),
    Option("--rate", "at most N requests a second", "N"),
    Option(
        "--request-timeout",
        "seconds to wait for an answer (default: 60, of `reference` 300)",
        "S",
    ),
    Option(
        "--max-time",
        "seconds that the whole run may take (default: 7200); what is recorded by "
        "then is judged",
        "S",
    ),
    Option(
        "--waivers",
        "YAML list of known deviations: id (or topic), reason, expires (a date)",
        "FILE",
    ),
    Option(
        "--baseline",
        "an earlier run, its folder or report.json: red is only what has become "
        "worse since, the rest is known",
        "RUN|FILE",
    ),
    Option(
        "--requirements",
        "score exactly the rows of an edition, such as 2026.1; newer ones run "
        "unscored (default: all rows; `aios-conformance editions` lists them)",
        "EDITION",
    ),
    Option(
        "--fail-on",
        "what else than a broken MUST is red, comma-separated: should, "
        "unstable, inconclusive-must, inconclusive",
        "LIST",
    ),
    Option("--report-dir", "where the reports go (default: reports/latest)", "DIR"),
    Option(
        "--resume",
        "go on with the run in --report-dir that was cut short: only what is missing "
        "is sent",
    ),
    Option(
        "--plan",
        "print the plan with its request and token ceilings, send nothing",
    ),
    Option("--ca-bundle", "certificates to trust, a PEM file", "FILE"),
    Option("--insecure", "accept any certificate"),
    Option(
        "--proxy",
        "send everything through this proxy (default: http_proxy, https_proxy, "
        "all_proxy and no_proxy of the environment, as curl reads them)",
        "URL",
    ),
    Option(
        "--hypothesis-seed",
        "another draw of requests (default: 0, always the same)",
        "N",
    ),
    Option(
        "--config",
        "TOML file with these options, named as they are (`max-requests = 300`); the "
        "command line goes first, paths are relative to the file",
        "FILE",
    ),
)

ONLY = Option(
    "--only",
    "judge these requirements alone: ids or topics, comma-separated (pytest's -k)",
    "LIST",
    repeatable=True,
)
AGAINST = (
    Option(
        "--against",
        "ask another target the same at the same time, and compare the answers "
        "(parity.html): exit 0 if they do the same, 1 if not",
        "URL|mock|reference",
    ),
    Option(
        "--against-model",
        "--model of the other target (default: as --model, else the names that the "
        "first one serves, else what GET /v1/models lists)",
        "NAME|API=NAME",
        repeatable=True,
    ),
    Option(
        "--against-api-key-env",
        "variable that holds the other target's key (default: the first one's key, "
        "if both are on the same host)",
        "VAR",
    ),
    Option(
        "--against-header",
        "a header for the other target, 'Name: value'; repeatable (default: those of "
        "--header, if both are on the same host)",
        "HEADER",
        repeatable=True,
    ),
)
"""Options of `aios-conformance run` alone: a second target."""


def declare(
    add: Callable[..., Any],
    options: Iterable[Option] = OPTIONS,
    *,
    prefix: str = "",
) -> None:
    """Declare options with argparse's `add_argument` or a look-alike."""
    for option in options:
        add(option.flag, **option.declaration(prefix))
