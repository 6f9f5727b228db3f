"""The command line front end: arguments in, an exit code out."""

from aios_conformance.conformance.cli.command import main

__all__ = ["main"]
