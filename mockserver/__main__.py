"""`aios-mock`: serve the mock until told to stop.

Exit codes: 0 stopped as told, 4 bad option or file or an address in use.
"""

import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from aios_conformance import spec
from aios_conformance.mockserver.defects import plantable
from aios_conformance.mockserver.options import MockOptions, read_options
from aios_conformance.serving.dialects import announced
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.run import Unavailable, quiet_pipe, serve

_BAD_OPTION = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    try:
        options = read_options(argv, os.environ)
        with quiet_pipe():
            if options.list_defects:
                _list_defects(options.dialects, as_json=options.as_json)
            else:
                _serve(options)
    except (OptionError, Unavailable) as error:
        sys.stderr.write(f"aios-mock: {error}\n")
        return _BAD_OPTION
    except SystemExit as leaving:  # argparse has said why
        return _BAD_OPTION if leaving.code else 0
    return 0


def _serve(options: MockOptions) -> None:
    from aios_conformance.mockserver.app import mock_application  # noqa: PLC0415 - --help is quick

    serve(
        mock_application(options),
        options.address,
        partial(_said, options),
        access_log=options.access_log,
        request_timeout=options.request_timeout,
        until_eof=options.until_eof,
    )


def _said(options: MockOptions, url: str) -> str:
    """Return a line that can be pasted into a shell, and what else is to be known."""
    documents = {name: spec.openapi(name) for name in options.dialects}
    more = announced(documents, url, keyed=options.api_key is not None)
    return "".join(f"{line}\n" for line in (_hint(options, url), *more))


_JSON = "-H 'Content-Type: application/json'"


def _hint(options: MockOptions, url: str) -> str:
    dialect = options.dialects[0]
    path, body = _tried(dialect)
    key = ""
    if options.api_key is not None:
        key = ' -H "Authorization: Bearer $AIOS_API_KEY"'
    elif spec.openapi(dialect).get("security"):
        key = " -H 'Authorization: Bearer any'"
    return f"try: curl {url}{path}{key} {_JSON} -d '{json.dumps(body)}'"


def _tried(dialect: str) -> tuple[str, dict[str, Any]]:
    """The path and the smallest body of a dialect's first API that takes one."""
    api = next(each for each in spec.apis(dialect).values() if each.required)
    names = (*api.models, *(model.name for model in spec.models(dialect)))
    body = {"model": names[0], **api.smallest} if names else dict(api.smallest)
    return api.operation.removeprefix("POST "), body


def _list_defects(dialects: Sequence[str], *, as_json: bool) -> None:
    described = [defect.describe() for defect in plantable(tuple(dialects)).values()]
    if as_json:
        sys.stdout.write(json.dumps(described, indent=2) + "\n")
    else:
        for one in described:
            sys.stdout.write(f"{one['name']}: {one['description']}\n")


if __name__ == "__main__":
    sys.exit(main())
