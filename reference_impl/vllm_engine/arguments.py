"""`--engine-arg KEY=VALUE`: vLLM's own options, read by vLLM's own parser."""

from argparse import ArgumentError
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from difflib import get_close_matches
from io import StringIO
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.utils.argparse_utils import FlexibleArgumentParser

from aios_conformance.serving.options import OptionError

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def engine_args(given: Sequence[str], job: str, ours: Mapping[str, Any]) -> Any:
    """Return vLLM's options of a model: what `ours` sets, and over it what was given.

    Raises OptionError with the nearest name for one that vLLM does not have, and with
    vLLM's own words for a value that it does not take.
    """
    parser = AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(exit_on_error=False))
    known = {
        text.removeprefix("--"): action
        for action in parser._actions  # noqa: SLF001 - argparse has no other list
        for text in action.option_strings
        if text.startswith("--") and not text.startswith("--no-")
    }
    words: list[str] = []
    for text in given:
        head, _, value = text.partition("=")
        wanted, colon, key = head.partition(":")
        if not colon:
            key = head
        elif wanted != job:
            continue
        words += _words(text, key.replace("_", "-"), value, known)
    return _read(parser, words, ours)


def _words(text: str, key: str, value: str, known: Mapping[str, Any]) -> list[str]:
    action = known.get(key.partition(".")[0])
    if action is None:
        near = get_close_matches(key, known, 1, 0.5)
        hint = f"; did you mean {near[0].replace('-', '_')}?" if near else ""
        raise OptionError(f"--engine-arg {text}: vLLM has no such option{hint}")
    if action.nargs != 0:
        return [f"--{key}", value]
    if value.lower() not in _TRUTH:
        raise OptionError(f"--engine-arg {text}: must be true or false")
    return [f"--{key}" if _TRUTH[value.lower()] else f"--no-{key}"]


def _read(parser: Any, words: Sequence[str], ours: Mapping[str, Any]) -> Any:
    errors = StringIO()
    try:
        with redirect_stderr(errors):
            parser.set_defaults(**ours)
            return AsyncEngineArgs.from_cli_args(parser.parse_args(list(words)))
    except (SystemExit, ArgumentError, ValueError, TypeError) as error:
        said = errors.getvalue().strip().splitlines()
        reason = said[-1] if said else error
        raise OptionError(f"--engine-arg {' '.join(words)}: {reason}") from None
