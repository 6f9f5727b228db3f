"""The command `aios-conformance`, also `python -m aios_conformance.conformance`."""

import sys


def main() -> int:
    """Run the command; the exit code. Ctrl-C ends it while it is loaded, too."""
    try:
        from aios_conformance.conformance.cli import main as run  # noqa: PLC0415

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("aios-conformance: error: interrupted\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
