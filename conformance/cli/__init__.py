"""The command line front end: arguments in, an exit code out."""

from conformance.cli.command import main

__all__ = ["main"]
