"""The profiles that `--profile` knows, and how they are explained."""

from collections.abc import Iterator, Mapping
from typing import Final

from aios_conformance.mockserver.profile.vllm import VLLM
from aios_conformance.serving.profile import DOCUMENTS, Profile
from aios_conformance.spec import sources

PROFILES: Final[Mapping[str, Profile]] = {one.name: one for one in (DOCUMENTS, VLLM)}


def explained(profile: Profile) -> Iterator[str]:
    """Yield a line for each deviation, with the documents' lines it departs from."""
    if profile.deviations:
        number, title = len(profile.deviations), sources()["000"].title
        yield f"{profile.name} deviates in {number} ways (000 is the {title}):"
    for one in profile.described():
        yield "  {name}: {does} ({departs})".format(**one)
    if not profile.deviations:
        yield "documents: no deviation"
