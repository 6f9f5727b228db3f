"""The options of a run, read once for pytest and for the command.

`read_options` turns parsed words into `RunOptions`. Whatever is wrong with them is an
OptionError that says what was given, and what is valid.
"""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from aios_conformance.conformance.options.config_file import located
from aios_conformance.conformance.options.lost_values import refuse_lost_values
from aios_conformance.conformance.options.saved import read_baseline
from aios_conformance.conformance.options.table import (
    DEFAULT_KEY_VARIABLE,
    OPTIONS,
    TARGET,
    declare,
)
from aios_conformance.conformance.options.values import (
    AGAINST_DIR,
    FAIL_ON,
    PRESETS,
    OptionError,
    Preset,
    RunOptions,
)
from aios_conformance.conformance.options.waivers import read_waivers
from aios_conformance.spec import (
    DIALECTS,
    MODEL_APIS,
    SpecError,
    edition,
    known_dialects,
    requirements,
    sound_dialect,
)

BUNDLED = ("mock", "reference")
ALL_DIALECTS = "all"  # of `aios-conformance run` alone: compare the dialects
PATIENCE_S = {"reference": 300.0}
"""Real models on the user's own processor: slow is no reason to leave a row open."""

# Needs that are found out about a target, not claimed by its vendor.
_FACTS = frozenset({"api_key", "cross_encoder", "embedding_model", "real_model"})
_LARGEST = 2**63 - 1
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_TOKEN = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(message, code="bad-option")


def take_options(words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Take our options out of a foreign command line; return them and the rest.

    Raises OptionError where one of ours lacks its value.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    declare(parser.add_argument, (TARGET, *OPTIONS))
    refuse_lost_values(parser, words)
    values, rest = parser.parse_known_args(list(words))
    return vars(values), rest


def read_options(values: Mapping[str, Any], environ: Mapping[str, str]) -> RunOptions:
    """Make the options of a run of parsed words.

    `values` maps option names (as `Option.name` spells them) to what was given; None
    or a missing name means not given. Raises OptionError.
    """
    try:
        return _read(values, environ)
    except OptionError as error:
        raise located(error, values) from error


def _read(values: Mapping[str, Any], environ: Mapping[str, str]) -> RunOptions:
    def given(name: str) -> str | None:
        value: str | None = values.get(name)
        if value and "\0" in value:  # from a file: no path or name has one
            raise _bad(f"--{name.replace('_', '-')}: holds a NUL character")
        return value

    defaults = RunOptions(target="")
    target = read_target(given("target") or "")
    if given("dialect") == ALL_DIALECTS:
        raise _bad(
            f"--dialect {ALL_DIALECTS}: here a run has one dialect; valid are "
            f"{', '.join(DIALECTS)}",
            hint=f"`aios-conformance run URL --dialect {ALL_DIALECTS}` compares them",
        )
    dialect = read_dialect(given("dialect") or "aios")
    ca_bundle = _file("--ca-bundle", given("ca_bundle"))
    insecure = bool(values.get("insecure"))
    if ca_bundle and insecure:
        raise _bad("--ca-bundle and --insecure contradict each other: give one")
    key_env = given("api_key_env")
    waivers = _file("--waivers", given("waivers"))
    baseline = given("baseline")
    max_time_s = _positive("--max-time", given("max_time")) or defaults.max_time_s
    return RunOptions(
        target=target,
        dialect=dialect,
        models=_models(values.get("model") or ()),
        apis=_listed("--apis", given("apis"), MODEL_APIS),
        without=_listed("--without", given("without"), capabilities()),
        api_key=_key("--api-key-env", key_env, environ),
        api_key_env=key_env or DEFAULT_KEY_VARIABLE,
        headers=tuple(map(_header, values.get("header") or ())),
        preset=_preset(given("preset")),
        max_requests=_whole("--max-requests", given("max_requests"), least=1),
        max_tokens=_whole("--max-tokens", given("max_tokens"), least=1),
        concurrency=_whole("--concurrency", given("concurrency"), least=1)
        or defaults.concurrency,
        rate=_rate(given("rate"), max_time_s),
        request_timeout_s=_positive("--request-timeout", given("request_timeout"))
        or PATIENCE_S.get(target, defaults.request_timeout_s),
        max_time_s=max_time_s,
        waivers=read_waivers(waivers, dialect) if waivers else (),
        baseline=read_baseline(baseline, dialect) if baseline else None,
        edition=_edition(given("requirements"), dialect),
        fail_on=_fail_on(given("fail_on")),
        report_dir=_report_dir(given("report_dir")) or defaults.report_dir,
        resume=bool(values.get("resume")),
        ca_bundle=ca_bundle,
        insecure=insecure,
        proxy=_proxy(given("proxy"), target, environ),
        seed=_whole("--hypothesis-seed", given("hypothesis_seed")) or 0,
    )


def read_against(
    values: Mapping[str, Any], environ: Mapping[str, str], first: RunOptions
) -> RunOptions:
    """The options of the target that `first` is compared with. Raises OptionError.

    A key or header goes to another host only where it is named for it.
    """
    target = read_target(str(values["against"]), "--against")
    is_neighbour = urlsplit(target).hostname == urlsplit(first.target).hostname
    variable = values.get("against_api_key_env")
    key, key_env = (first.api_key if is_neighbour else None), first.api_key_env
    if variable:
        key, key_env = _key("--against-api-key-env", variable, environ), variable
    models = _models(values.get("against_model") or (), "--against-model")
    headers = tuple(
        _header(each, "--against-header") for each in values.get("against_header") or ()
    )
    return replace(
        first,
        target=target,
        models=models if "*" in models else {**first.models, **models},
        api_key=key,
        api_key_env=key_env,
        headers=headers or (first.headers if is_neighbour else ()),
        request_timeout_s=max(first.request_timeout_s, PATIENCE_S.get(target, 0.0)),
        proxy=_proxy(values.get("proxy"), target, environ),
        report_dir=first.report_dir / AGAINST_DIR,
    )


def capabilities() -> tuple[str, ...]:
    """What `--without` may name: what some requirement of any dialect needs."""
    rows = chain.from_iterable(map(requirements, known_dialects()))
    needs = {need for row in rows for need in row.needs}
    return tuple(sorted(needs - _FACTS))


def read_dialect(word: str, flag: str = "--dialect") -> str:
    """The name of a dialect that is given by its name or folder. Raises OptionError."""
    try:
        return sound_dialect(word)
    except SpecError as error:
        raise _bad(f"{flag} {word}: {error}") from None


def is_target(word: str) -> bool:
    """The word is plainly meant for us: a bundled server or an address."""
    return word in BUNDLED or "://" in word


def read_target(word: str, flag: str = "--target") -> str:
    """Check the target; a URL loses its last slash. Raises OptionError."""
    if word in BUNDLED:
        return word
    valid = "give a base URL such as http://127.0.0.1:8000, mock or reference"
    if "://" not in word:
        if near := get_close_matches(word, BUNDLED, n=1):
            raise _bad(f"{flag} {word}: did you mean {near[0]}?", hint=valid)
        guess = f"http://{word}" if word else ""
        meant = f": did you mean {_keyless(guess)}?" if _is_address(guess) else ""
        told = _keyless(word) or "(empty)"
        raise _bad(f"{flag} {told}: not a URL{meant}", hint=valid)
    if not _is_address(word):
        raise _bad(f"{flag} {_keyless(word)}: not an http or https address", hint=valid)
    parts = urlsplit(word)
    if parts.username is not None:
        raise _bad(
            f"{flag}: a key in the address would end up in reports",
            hint="use --api-key-env VAR or --header 'Authorization: …'",
        )
    if parts.query or parts.fragment:
        told = _keyless(word)
        raise _bad(f"{flag} {told}: a base URL has no query and no fragment")
    return word.rstrip("/")


def _key(flag: str, variable: str | None, environ: Mapping[str, str]) -> str | None:
    """What a variable holds; the usual one need not hold anything."""
    key = environ.get(variable or DEFAULT_KEY_VARIABLE) or None
    if key is None and variable:
        if not re.fullmatch(r"[A-Za-z_]\w*", variable):  # the key itself, maybe
            raise _bad(f"{flag}: give the name of the variable that holds the key")
        raise _bad(f"{flag}: the variable {variable} is not set")
    if key and not key.isprintable():
        name = variable or DEFAULT_KEY_VARIABLE
        raise _bad(f"{flag}: {name} holds characters no header may hold")
    return key


def _keyless(word: str) -> str:
    """What was meant as an address, without the parts that may be a key."""
    _, at, place = word.rpartition("@")
    return ("…@" if at else "") + re.sub(r"(?s)([?#]).*", r"\1…", place)


def _is_address(word: str) -> bool:
    try:
        parts = urlsplit(word)
        _ = parts.port  # raises where it is no port
        (parts.hostname or "").encode("idna")  # or no name of a host
    except ValueError:
        return False
    known = parts.scheme in {"http", "https"}
    is_name = bool(parts.hostname) and not re.search(r"\s", parts.netloc)
    return known and is_name and word.isprintable()


def _bad(message: str, *, hint: str = "") -> OptionError:
    return OptionError(message, code="bad-option", hint=hint)


def _one_of(flag: str, word: str, valid: Sequence[str]) -> str:
    if word in valid:
        return word
    near = get_close_matches(word, valid, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise _bad(f"{flag} {word}: valid are {', '.join(valid)}{meant}")


def _listed(flag: str, words: str | None, valid: Sequence[str]) -> tuple[str, ...]:
    if words is None:
        return ()
    each = [word.strip() for word in words.split(",") if word.strip()]
    if not each:
        raise _bad(f"{flag}: the list is empty; valid are {', '.join(valid)}")
    return tuple(dict.fromkeys(_one_of(flag, word, valid) for word in each))


def _preset(word: str | None) -> Preset:
    chosen = _one_of("--preset", word or "standard", PRESETS)
    return next(preset for preset in PRESETS if preset == chosen)


def _models(words: Iterable[str], flag: str = "--model") -> dict[str, str]:
    models: dict[str, str] = {}
    for word in words:
        api, equals, name = word.partition("=")
        if not equals or (
            api not in MODEL_APIS and not get_close_matches(api, MODEL_APIS, n=1)
        ):
            api, name = "*", word  # names may hold an equals sign
        elif api not in MODEL_APIS:
            _one_of(flag, api, MODEL_APIS)
        if not name.strip() or not word.partition("=")[0].strip():
            raise _bad(f"{flag} {word}: the name is empty")
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise _bad(f"{flag} {word!a}: the name is not valid UTF-8")
        if api in models:
            whom = "all APIs" if api == "*" else api
            raise _bad(f"{flag}: two names for {whom}, {models[api]} and {name}")
        models[api] = name
    return models


def _header(word: str, flag: str = "--header") -> tuple[str, str]:
    name, colon, value = word.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not name or not _TOKEN.issuperset(name):
        raise _bad(f"{flag}: give 'Name: value', for example 'X-Tenant: blue'")
    if not value.isprintable() or not value.isascii():
        raise _bad(f"{flag} {name}: the value holds characters no header may hold")
    if name.lower() in _FRAMING:
        raise _bad(f"{flag} {name}: each request has its own")
    return name, value


def _whole(flag: str, word: str | None, *, least: int | None = None) -> int | None:
    if word is None:
        return None
    try:
        number = int(word)
    except ValueError:
        raise _bad(f"{flag} {word}: not a whole number") from None
    if least is not None and number < least:
        raise _bad(f"{flag} {word}: must be at least {least}")
    if abs(number) > _LARGEST:
        raise _bad(f"{flag} {word[:30]}: must be at most {_LARGEST}")
    return number


def _positive(flag: str, word: str | None) -> float | None:
    if word is None:
        return None
    try:
        number = float(word)
    except ValueError:
        raise _bad(f"{flag} {word}: not a number") from None
    if not 0 < number < float("inf"):
        raise _bad(f"{flag} {word}: must be above 0")
    return number


def _rate(word: str | None, max_time_s: float) -> float | None:
    rate = _positive("--rate", word)
    if rate is not None and rate * max_time_s < 1:
        raise _bad(
            f"--rate {word}: is only one request within --max-time {max_time_s:g} s"
        )
    return rate


def _file(flag: str, word: str | None) -> Path | None:
    if word is None:
        return None
    path = Path(word)
    if not path.is_file():
        there = "is no plain file" if path.exists() else "no such file"
        raise _bad(f"{flag} {word}: {there}")
    return path


def _proxy(word: str | None, target: str, environ: Mapping[str, str]) -> str | None:
    """The proxy on the way to a target: the one named, or the environment's."""
    if word is not None and not _is_address(word):
        raise _bad("--proxy: not an http or https address")
    if target in BUNDLED:
        return None
    parts = urlsplit(target)
    known = {name.lower(): value for name, value in environ.items() if value}
    known |= {name: value for name, value in environ.items() if name.islower()}
    bypassed = known.get("no_proxy", "")
    is_near = _is_in_network(parts.hostname or "", bypassed)
    if is_near or proxy_bypass_environment(parts.netloc, {"no": bypassed}):
        return None
    found = word or known.get(f"{parts.scheme}_proxy") or known.get("all_proxy")
    if found and "://" not in found:
        found = f"http://{found}"  # as curl does
    if found and not _is_address(found):
        raise _bad(f"{parts.scheme}_proxy: not an http or https address")
    return found or None


def _is_in_network(host: str, networks: str) -> bool:
    """An address within one of the networks among some names: 10.0.0.0/8."""
    for each in networks.split(","):
        with suppress(ValueError):  # a name
            if ip_address(host) in ip_network(each.strip(), strict=False):
                return True
    return False


def _report_dir(word: str | None) -> Path | None:
    if word is None:
        return None
    path = Path(word)
    with suppress(OSError):  # a name that is too long: who writes there tells so
        if not word.strip() or (path.exists() and not path.is_dir()):
            raise _bad(f"--report-dir {word}: not a folder")
    return path


def _edition(word: str | None, dialect: str) -> str | None:
    try:
        return word and edition(word, dialect).name
    except SpecError as error:
        raise _bad(f"--requirements {word}: {error}") from None


def _fail_on(words: str | None) -> tuple[str, ...]:
    chosen = _listed("--fail-on", words, FAIL_ON)
    return tuple(each for each in FAIL_ON if each == "must" or each in chosen)
