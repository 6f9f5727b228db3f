"""What the mock says when it is ready: what to paste into a client and a shell."""

import json
from collections.abc import Iterator
from typing import Final

from aios_conformance import spec
from aios_conformance.mockserver.options import MockOptions
from aios_conformance.serving.dialects import announced

_JSON: Final = "-H 'Content-Type: application/json'"
_SDK: Final = ("/chat/completions", "/embeddings")
"""The paths below the OpenAI SDK's base URL that are shown first."""


def said(options: MockOptions, url: str) -> str:
    """Return how to reach the mock at `url`, and what else is to be known."""
    documents = {name: spec.openapi(name) for name in options.dialects}
    more = announced(documents, url, keyed=options.api_key is not None)
    page = [f"requests as they come: {url}/_mock/"] if options.control else []
    return "".join(f"{line}\n" for line in (*_shown(options, url), *page, *more))


def _shown(options: MockOptions, url: str) -> Iterator[str]:
    dialect = options.dialects[0]
    apis = spec.apis(dialect)
    asked = [name for name, api in apis.items() if api.required]
    paths = {each: apis[each].operation.removeprefix("POST ") for each in asked}
    shown = ((n, end) for end in _SDK for n in asked if paths[n].endswith(end))
    name, sdk = next(shown, (asked[0], ""))
    path = paths[name]
    names = (*apis[name].models, *(model.name for model in spec.models(dialect)))
    model = next((each for each in names if not each.startswith("/")), "any")
    body = {"model": model, **apis[name].smallest}
    keyed = options.api_key is not None
    if sdk:
        base = url + path.removesuffix(sdk)
        call = f"client{sdk.replace('/', '.')}.create"
        given = ", ".join(f"{key}={json.dumps(value)}" for key, value in body.items())
        yield f"base URL for clients: {base}"
        yield "in Python:"
        yield f"    from openai import OpenAI{'; import os' if keyed else ''}"
        key = 'os.environ["AIOS_API_KEY"]' if keyed else '"any"'
        yield f'    client = OpenAI(base_url="{base}", api_key={key})'
        yield f"    print({call}({given}))"
    header = ""
    if keyed:
        header = ' -H "Authorization: Bearer $AIOS_API_KEY"'
    elif spec.openapi(dialect).get("security"):
        header = " -H 'Authorization: Bearer any'"
    yield f"try: curl {url}{path}{header} {_JSON} -d '{json.dumps(body)}'"
