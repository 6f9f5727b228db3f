"""What sampling parameters do where tools are offered, and nothing calls for them."""

from collections.abc import Iterator

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import texts_of
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Observation

_WORDS = 16
"""Words of lines, among which line breaks at least are repeated."""

_TOP_P = spec.rows("top-p-effect", "tiny-top-p-greedy", api="chat")
_PENALTIES = spec.rows(
    "frequency-penalty-effect", "presence-penalty-effect", api="chat"
)


@check(
    *_TOP_P,
    *_PENALTIES,
    on="chat.tools",
    evidence=0,  # who calls a tool, or says little, shows nothing here
    witness=True,
)
def what_is_drawn_beside_tools(seen: Observation) -> Iterator[Note]:
    """A top_p of 0.01 draws one text twice; penalties of 2 make it another one."""
    one, other, plain = (
        texts_of(seen, label, index=index)
        for label, index in (("pushed", 0), ("pushed", 1), ("other_auto", 0))
    )
    if one and other and one[0] and other[0]:
        yield Witness(_TOP_P)
        if one != other:
            yield Finding(
                expected=f"{one[0]!r}, as in the first choice",
                actual=other[0],
                pointer="/choices/1",
                step="pushed",
                kind="silent",
                ids=_TOP_P,
                drift=is_drift(one[0], other[0]),
            )
            return
    if one and plain and len(plain[0].split()) >= _WORDS:
        yield Witness(_PENALTIES)
        if one == plain:
            yield Finding(
                expected="another text than without penalties",
                actual=one[0],
                step="pushed",
                kind="silent",
                ids=_PENALTIES,
            )
