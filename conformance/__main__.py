"""The command `aios-conformance`, also `python -m aios_conformance.conformance`."""

import sys

from aios_conformance.conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
