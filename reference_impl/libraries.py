"""Which libraries an engine needs, and how they are installed."""

from importlib.util import find_spec

from aios_conformance.reference_impl.options import ReferenceOptions

_TOKENS = ("transformers", "llguidance", "jinja2", "numpy")
LIBRARIES = {
    "reference": (*_TOKENS, "torch", "accelerate", "gguf", "psutil"),
    "upstream": _TOKENS,
    "vllm": (*_TOKENS, "vllm"),
}
"""What must be installed, by the extra of this package that installs it."""


def extra_of(options: ReferenceOptions) -> str:
    """Return the extra that installs what the chosen engine needs."""
    if options.engine == "transformers":
        return "reference"
    return "upstream" if options.upstreams else "vllm"


def lacking(extra: str) -> list[str]:
    """Return the libraries of an extra that are not installed."""
    return [name for name in LIBRARIES[extra] if find_spec(name) is None]


def command(extra: str) -> str:
    """Return the command that installs them."""
    without_gpu = " (without a GPU: tools/vllm_cpu.sh of the repository)"
    return f"pip install 'aios-conformance[{extra}]'" + (
        without_gpu if extra == "vllm" else ""
    )
