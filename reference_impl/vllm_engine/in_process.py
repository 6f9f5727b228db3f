"""vLLM in this process: one engine for each model, token ids in and out.

vLLM computes in processes of its own; here are its scheduler's front and its words in
the log, which begin with `vllm`.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any
from uuid import uuid4

import psutil

from aios_conformance.reference_impl.errors import LoadError
from aios_conformance.reference_impl.options import ReferenceOptions
from aios_conformance.reference_impl.plans import ModelPlan, plans
from aios_conformance.reference_impl.sources import Kind, Say, kind_of
from aios_conformance.reference_impl.tokenizing.texts import TokenizedPair

for _name, _value in {
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_LOGGING_PREFIX": "vllm ",
    "VLLM_NO_USAGE_STATS": "1",
}.items():
    os.environ.setdefault(_name, _value)

from vllm import SamplingParams  # noqa: E402 - reads the environment
from vllm.exceptions import VLLMClientError  # noqa: E402
from vllm.inputs.engine import tokens_input  # noqa: E402
from vllm.platforms import current_platform  # noqa: E402
from vllm.pooling_params import PoolingParams  # noqa: E402
from vllm.sampling_params import (  # noqa: E402
    RequestOutputKind,
    StructuredOutputsParams,
)
from vllm.v1.engine.async_llm import AsyncLLM  # noqa: E402
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError  # noqa: E402

from aios_conformance.reference_impl.vllm_engine.arguments import (  # noqa: E402
    engine_args,
)
from aios_conformance.reference_impl.vllm_engine.assembly import served  # noqa: E402
from aios_conformance.reference_impl.vllm_engine.engine import ServedModel  # noqa: E402
from aios_conformance.reference_impl.vllm_engine.runner import (  # noqa: E402
    Drawn,
    Likely,
    TokenPiece,
    finished,
    grammar,
    parameters,
)
from aios_conformance.serving.engine import (  # noqa: E402
    EngineError,
    Sampling,
    Unwell,
)

SHARE = 0.9  # of a GPU's memory, for all models together
CACHE_SHARE_CPU = 0.5  # of a CPU's free memory, for keys and values of all models
CACHE_BYTES_CPU = 4 * 2**30  # at most so much of it
LOOK = 1.0  # seconds between two looks at whether an engine lives


def found(options: ReferenceOptions, say: Say) -> list[ServedModel]:
    """Start an engine for every model; raises LoadError."""
    wanted = plans(options, say)
    if options.threads and current_platform.is_cpu():
        cores = sorted(os.sched_getaffinity(0))[: options.threads]
        os.environ["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, cores))
    # all options are read before the first engine starts, which takes minutes
    arguments = [
        engine_args(
            options.engine_args,
            plan.wanted.job,
            _preset(plan, kind, options, 1 / len(wanted)),
        )
        for plan in wanted
        for kind in (_kind(plan),)
    ]
    return [
        _started(plan, args, say) for plan, args in zip(wanted, arguments, strict=True)
    ]


def _kind(plan: ModelPlan) -> Kind:
    """Tell what a model is, or is to be."""
    return "encoder" if plan.wanted.job == "embeddings" else kind_of(plan.source)


def _preset(
    plan: ModelPlan, kind: Kind, options: ReferenceOptions, share: float
) -> Mapping[str, Any]:
    """Return what our options are among vLLM's."""
    on_cpu = current_platform.is_cpu()
    if options.device != "auto" and on_cpu != (options.device == "cpu"):
        there = "CPU" if on_cpu else "GPU"
        raise LoadError(
            f"--device {options.device}: the vLLM that is installed is built for a "
            f"{there}"
        )
    if options.dtype == "int8":
        raise LoadError(
            "--dtype int8 is of the engine of transformers; vLLM takes --engine-arg "
            "quantization=METHOD"
        )
    preset: dict[str, Any] = {
        "model": plan.source.path,
        "served_model_name": [plan.name],
        "runner": "generate" if kind == "causal" else "pooling",
        "dtype": "float32" if on_cpu and options.dtype == "auto" else options.dtype,
        "disable_log_stats": True,
    }
    if on_cpu:
        preset["enforce_eager"] = True  # compiling takes minutes and gains little
        # else each engine wants 0.92 of the whole memory
        room = min(CACHE_BYTES_CPU, CACHE_SHARE_CPU * psutil.virtual_memory().available)
        preset["kv_cache_memory_bytes"] = int(room * share)
    else:
        preset["gpu_memory_utilization"] = SHARE * share
    if options.context is not None and kind == "causal":
        config = plan.source.config.get_text_config()
        own = getattr(config, "max_position_embeddings", options.context)
        preset["max_model_len"] = min(own, options.context)
    if options.batch is not None:
        preset["max_num_seqs"] = options.batch
    if kind == "causal":
        preset["structured_outputs_config"] = {
            "backend": "guidance",  # ours; what it cannot enforce it refuses
            "disable_any_whitespace": True,
        }
    elif kind == "encoder" and plan.source.file("modules.json") is None:
        preset["pooler_config"] = {"seq_pooling_type": "MEAN"}
    return preset


def _started(plan: ModelPlan, args: Any, say: Say) -> ServedModel:
    began = time.monotonic()
    kind = _kind(plan)
    try:
        engine = AsyncLLM.from_engine_args(args)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise LoadError(
            f"{plan.name}: vLLM cannot serve it: {reason}; its lines in the log say why"
        ) from error
    config = engine.model_config
    say(f"{plan.name}: vLLM started in {time.monotonic() - began:.1f} s")
    return served(
        plan.source,
        kind,
        InProcess(engine, kind),
        name=plan.name,
        job=plan.wanted.job,
        context=int(config.max_model_len),
        created=int(time.time()),
        dimensions=int(config.embedding_size) if kind == "encoder" else 0,
    )


class InProcess:
    """One model of a vLLM in this process."""

    def __init__(self, engine: AsyncLLM, kind: Kind) -> None:
        """`engine` is this model's own."""
        self._engine = engine
        self._kind = kind

    async def start(self) -> None:
        """Be ready for requests: the engine is."""

    async def close(self) -> None:
        """End the engine and its processes."""
        await asyncio.to_thread(self._engine.shutdown)

    def illness(self) -> str | None:
        """Return why the engine is of no use."""
        if not self._engine.errored:
            return None
        return "vLLM's engine has died; its last lines in the log say why"

    async def death(self) -> str:
        """Wait until the engine has died."""
        while (reason := self.illness()) is None:  # noqa: ASYNC110
            await asyncio.sleep(LOOK)  # it tells nobody
        return reason

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[TokenPiece, None]:
        """Yield tokens as they come."""
        schema = grammar(sampling)
        with _explaining():
            settings = SamplingParams(
                **parameters(sampling),
                logit_bias=dict(sampling.logit_bias) or None,
                structured_outputs=schema and StructuredOutputsParams(json=schema),
                detokenize=False,
                output_kind=RequestOutputKind.DELTA,
            )
            outputs = self._engine.generate(_prompt(prompt), settings, uuid4().hex)
            async with aclosing(outputs) as all_:
                async for output in all_:
                    (choice,) = output.outputs
                    known = choice.logprobs or [{}] * len(choice.token_ids)
                    yield TokenPiece(
                        [
                            Drawn(token_id, _likely(places))
                            for token_id, places in zip(
                                choice.token_ids, known, strict=True
                            )
                        ],
                        finished(choice.finish_reason),
                    )

    async def prompt_logprobs(
        self, prompt: Sequence[int], top: int
    ) -> list[Likely | None]:
        """Return what is known at each place of a prompt."""
        settings = SamplingParams(
            max_tokens=1, temperature=0.0, prompt_logprobs=top, detokenize=False
        )
        with _explaining():
            outputs = self._engine.generate(_prompt(prompt), settings, uuid4().hex)
            last = [output async for output in outputs][-1]
        return [place and _likely(place) for place in last.prompt_logprobs or ()]

    async def embed(
        self, inputs: Sequence[Sequence[int]], dimensions: int | None
    ) -> list[bytes]:
        """Return a vector for each input."""
        settings = PoolingParams(task="embed", dimensions=dimensions)
        found = await asyncio.gather(*(self._pooled(ids, settings) for ids in inputs))
        return [data.float().numpy().astype("<f4").tobytes() for data in found]

    async def score(
        self, pairs: Sequence[TokenizedPair], truncate: int | None
    ) -> list[float]:
        """Return a score for each pair; they are cut already."""
        del truncate
        found = await asyncio.gather(*map(self._scored, pairs))
        return [float(data.float().reshape(-1)[0]) for data in found]

    async def _scored(self, pair: TokenizedPair) -> Any:
        types = pair.encoding.types
        extra = None
        if types is not None:  # where the second text begins
            first = types.index(1) if 1 in types else len(types)
            extra = {"compressed_token_type_ids": first}
        settings = PoolingParams(task="classify", extra_kwargs=extra)
        return await self._pooled(pair.encoding.ids, settings)

    async def _pooled(self, ids: Sequence[int], settings: PoolingParams) -> Any:
        with _explaining():
            outputs = self._engine.encode(_prompt(ids), settings.clone(), uuid4().hex)
            return [output async for output in outputs][-1].outputs.data


def _prompt(ids: Sequence[int]) -> Any:
    return tokens_input(list(ids))


def _likely(places: Mapping[int, Any]) -> Likely:
    return {token_id: one.logprob for token_id, one in places.items()}


@contextmanager
def _explaining() -> Iterator[None]:
    """Raise vLLM's errors as those of an engine."""
    try:
        yield
    except EngineDeadError as error:
        raise Unwell("vLLM's engine has died; its lines in the log say why") from error
    except EngineGenerateError as error:
        raise Unwell(f"vLLM failed: {error.__cause__ or error}") from error
    except (VLLMClientError, ValueError) as error:
        raise EngineError(f"vLLM refuses: {error}") from error
