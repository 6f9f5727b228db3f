"""What a target wrote, shown as it is: no character hides, rings, or turns a line."""

import re

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but tab and line feed
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # unseen, turning
    "\ud800-\udfff\ufff0-\ufffb\ufffe\uffff"  # no characters
    "\U000e0000-\U000e0fff"  # tags
    "]"
)


def visible(text: str) -> str:
    r"""A text whose unseen characters are spelled as JSON does: `\u202e`.

    Within a JSON text it means the same.
    """
    return _HIDDEN.sub(_spelled, text)


_LONG = re.compile(r"(\S{200})\S{100,}")
"""A word that nobody reads to its end, such as a value of a megabyte."""


def brief(message: str) -> str:
    """A message of ours without the rest of its long words."""
    return _LONG.sub(r"\1…", message)


def _spelled(found: "re.Match[str]") -> str:
    number = ord(found[0])
    if number < 0x10000:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
