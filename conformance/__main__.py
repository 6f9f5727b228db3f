"""The command `aios-conformance`, also `python -m aios_conformance.conformance`."""

import sys

from aios_conformance.conformance.running.signals import stopped_by_signals


def main() -> int:
    """Run the command; the exit code. Ctrl-C ends it while it is loaded, too."""
    try:
        with stopped_by_signals():
            from aios_conformance.conformance.cli import main as run  # noqa: PLC0415

            return run()
    except KeyboardInterrupt:
        sys.stderr.write("aios-conformance: error: interrupted\n")
        return 2
    except OSError as error:  # when it is loaded: later ones are told
        told = f"cannot be loaded: {error} (is the current folder there?)"
        sys.stderr.write(f"aios-conformance: error: {told}\n")
        return 4


if __name__ == "__main__":
    sys.exit(main())
