"""The page at `/_mock/`: what happens, as it happens, for people.

One HTML file that loads nothing from elsewhere. Whatever clients sent is put into it
as text, and its policy lets no other script or style act.
"""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from aiohttp import web


@cache
def _file() -> tuple[bytes, str]:
    """Return the page and the policy that lets its own script and style act."""
    text = files(__name__).joinpath("page.html").read_text("utf-8")
    hashes = {
        name: " ".join(
            f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
            for inside in re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        )
        for name in ("script", "style")
    }
    policy = (
        f"default-src 'none'; script-src {hashes['script']}; style-src "
        f"{hashes['style']}; connect-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return text.encode(), policy


def page() -> web.Response:
    """Return the page. It holds no data: it asks for them, with the key if need be."""
    body, policy = _file()
    return web.Response(
        body=body,
        content_type="text/html",
        charset="utf-8",
        headers={
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )
