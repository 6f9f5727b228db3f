"""Bugs that chat and completions share: leaks, caches, limits, company."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast

from aios_conformance.mockserver.defects.museum.planting import (
    ACCEPTED,
    OtherEngine,
    in_company,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_engine,
    in_parameters,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine, Sampling, Token
from aios_conformance.serving.errors import Broken, Meaningless
from aios_conformance.serving.stages import Answer

API = "chat completions"
_STAMPS = ("id", "created")
LIMITS = ("max_tokens", "max_completion_tokens")
REPEATED = {
    "META-050": "an equal seed gives another text",
    "CHAT-SEM-012": "likewise",
    "COMP-SEM-009": "likewise",
}


# META-057 is about the forms of an empty bias; here a request that names none, sent
# before and after one with a bias, has two texts.
@remembering(
    in_parameters,
    "META-051",
    api=API,
    also=REPEATED
    | {
        "META-057": "the text depends on the request before",
        "META-052": "likewise",
        "META-059": "likewise",
        "META-043": "likewise",
        "META-044": "likewise",
        "META-047": "likewise",
        "META-048": "likewise",
        "META-073": "likewise",
        "META-084": "likewise",
        "META-119": "likewise",
        "META-079": "likewise",
        "CHAT-REQ-045": "likewise",
        "META-117": "likewise",
        "META-056": "likewise",
        "COMP-SEM-014": "likewise",
    }
    | dict.fromkeys(
        (
            *("CHAT-SEM-004", "CHAT-SEM-022", "COMMON-RES-001", "COMP-REQ-034"),
            *("CHAT-REQ-027", "CHAT-REQ-040", "COMP-REQ-011", "COMP-SEM-015"),
            "CHAT-SEM-008",
            *("META-036", "META-055", "META-058", "META-086", "META-087", "META-118"),
        ),
        "what the bias of another request does",
    )
    | dict.fromkeys(
        ("COMMON-REQ-015", "COMP-REQ-012", "COMP-REQ-017", "COMP-REQ-021"),
        "a bias for an id that no model has is refused",
    ),
    source="000:379",
    origin="ggml-org/llama.cpp#9477",
)
def gen_bias_leaks_to_next() -> Any:
    """logit_bias acts on the next request too."""
    before: list[Any] = [None]

    def edit(context: RequestContext) -> bool:
        leaked = before[0]
        before[0] = context.parameters.get("logit_bias")
        if not leaked or before[0]:
            return False
        context.parameters["logit_bias"] = leaked
        return True

    return edit


@remembering(in_parameters, "META-058", api=API, also={
    "CHAT-SEM-004": "the first bias acts for all", "COMP-SEM-015": "likewise",
    "META-057": "a bias of before acts where none is given",
}, source="000:379", origin="BerriAI/litellm#894")  # fmt: skip
def gen_cache_key_lacks_bias() -> Any:
    """Answers are cached under a key that lacks logit_bias."""
    first: dict[str, Any] = {}

    def edit(context: RequestContext) -> bool:
        items = sorted(context.parameters.items(), key=lambda item: item[0])
        rest = [item for item in items if item[0] != "logit_bias"]
        given = context.parameters.get("logit_bias")
        known = first.setdefault(repr((context.api, rest)), given)
        context.parameters["logit_bias"] = known
        return (known or None) != (given or None)

    return edit


@remembering(in_answer, "META-115", also={
    "COMMON-RES-005": "an id comes twice", "META-116": "created falls",
    "COMMON-RES-006": "created is of the first answer",
    **{f"{name}-RES-001": "an id comes twice"
       for name in ("RERANK", "SCORE", "CHAT", "COMP", "EMB")},
}, source="000:450", origin="BerriAI/litellm#894")  # fmt: skip
def cache_repeats_id() -> Any:
    """A cached answer comes with its first id and created."""
    first: dict[tuple[str, bytes], dict[str, Any]] = {}

    def edit(context: RequestContext, answer: Answer) -> bool:
        new: dict[str, Any] = {k: v for k, v in answer.items() if k in _STAMPS}
        old = first.setdefault((context.path, context.raw), new)
        answer |= old
        return old is not new

    return edit


@remembering(in_parameters, "META-051", api="completions", also={
    "META-119": "the same request is sent before and after",
}, source="000:587", origin="vllm-project/vllm#40896")  # fmt: skip
def comp_second_greedy_differs() -> Any:
    """From the second time on the same greedy request gives another text."""
    seen: Counter[bytes] = Counter()

    def edit(context: RequestContext) -> bool:
        if context.parameters["temperature"] != 0:
            return False
        seen[context.raw] += 1
        if seen[context.raw] < 2:
            return False
        context.parameters |= {"temperature": 1.0, "seed": 7}
        return True

    return edit


@in_company("META-050", api=API, also={
    "CHAT-SEM-012": "the same statement", "COMP-SEM-009": "the same statement",
    "META-052": "no text repeats", "CHAT-REQ-040": "no text repeats",
    "COMP-REQ-034": "no text repeats", "CHAT-REQ-054": "no text repeats",
    "COMP-REQ-038": "no text repeats", "CHAT-REQ-013": "no text repeats",
    "CHAT-REQ-027": "no text repeats", "COMP-REQ-011": "no text repeats",
    "COMP-REQ-026": "no text repeats",
}, source="000:385", origin="vllm-project/vllm#51226")  # fmt: skip
def gen_seed_lost_in_company(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """A seed is ignored while a request without one is in flight."""
    seeded = context.parameters.get("seed") is not None
    if not seeded or all(other.body.get("seed") is not None for other in others):
        return False
    context.parameters["seed"] = 1_000_000 + context.number
    return True


@in_company("META-058", api=API, also={
    "CHAT-SEM-004": "the bias has no effect", "COMP-SEM-015": "likewise",
}, source="000:379", origin="torch-spyre/sendnn-inference#508")  # fmt: skip
def gen_bias_lost_under_load(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """logit_bias is lost while other requests are in flight."""
    return bool(context.parameters.pop("logit_bias", None))


@in_company("META-051", api="chat", also=REPEATED | {
    **{f"META-{n:03}": "an answer to another question"
       for n in (36, 37, 38, 39, 43, 44, 47, 48, 49, 52, 54, 55, 56, 57, 58, 59, 61,
                 62, 64, 73, 75, 77, 79, 83, 117, 118)},
    **{f"CHAT-{n}": "likewise"
       for n in ("REQ-013", "REQ-014", "REQ-026", "REQ-027", "REQ-028", "REQ-032",
                 "REQ-040", "REQ-045", "REQ-046", "REQ-054", "SEM-004", "SEM-008",
                 "SEM-013", "SEM-016", "SEM-019", "SEM-020", "SEM-022")},
    "COMMON-RES-001": "the other one may be refused",
}, source="000:389", origin="ml-explore/mlx-lm#965")  # fmt: skip
def chat_answers_the_neighbour(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """While other chats are in flight, the question of one of them is answered."""
    mine = context.body["messages"]
    asked = [o.body["messages"] for o in others if o.body["messages"] != mine]
    if not asked:
        return False
    context.parameters["messages"] = asked[0]
    return True


def _clamped(context: RequestContext, most: int) -> bool:
    values = context.parameters
    given = [values[name] for name in LIMITS if values.get(name) is not None]
    if not given or min(given) <= most:
        return False
    for name in LIMITS:
        values[name] = most
    return True


@in_parameters("META-042", api=API, also={
    "META-041": "fewer than the limit", "META-044": "cut too early",
    "CHAT-SEM-010": "cut before the limit", "COMP-SEM-007": "cut before the limit",
}, source="000:381", origin="JustVugg/colibri#260")  # fmt: skip
def gen_cap_64_length(context: RequestContext) -> object:
    """A limit above 64 tokens is clamped to 64, finish_reason length."""
    return _clamped(context, 64)


@in_parameters("CHAT-REQ-020", api=API, also=ACCEPTED | {
    "CHAT-REQ-023": "the other limit", "COMP-REQ-020": "the same statement",
    "COMP-REQ-022": "the other limit",
}, source="000:381", origin="vllm-project/vllm#9336")  # fmt: skip
def gen_limit_0_refused(context: RequestContext) -> object:
    """A limit of 0 tokens is refused, though the range begins there."""
    if all(context.parameters.get(name) != 0 for name in LIMITS):
        return False
    raise Meaningless("max_tokens must be at least 1", code="refused")


@in_parameters("CHAT-REQ-053", api=API, also=ACCEPTED | {
    "CHAT-REQ-055": "a low top_p is valid", "COMP-REQ-039": "a low top_p is valid",
    "COMP-REQ-016": "logprobs are valid", "CHAT-REQ-051": "logprobs are valid",
    "CHAT-REQ-018": "logprobs are valid", "COMP-REQ-017": "logprobs are valid",
    "COMP-REQ-037": "a low top_p is valid",
}, source="000:447", origin="sgl-project/sglang#5984")  # fmt: skip
def gen_penalty_logprobs_500(context: RequestContext) -> object:
    """A low top_p with logprobs is a 500."""
    wanted = context.parameters.get("logprobs")
    if wanted is None or wanted is False or context.parameters["top_p"] >= 0.5:
        return False
    raise Broken("probabilities of nothing", code="crashed")


@in_parameters(
    "META-051",
    api=API,
    also=REPEATED
    | {
        **{
            f"META-0{n}": "greedy text is drawn"
            for n in (
                43,
                44,
                47,
                48,
                49,
                52,
                54,
                55,
                57,
                58,
                59,
                69,
                73,
                75,
                84,
                86,
                87,
            )
        },
        "META-119": "greedy text is drawn",
        "META-117": "greedy text is drawn",
        "CHAT-SEM-016": "0 is as warm as 1",
        "COMP-SEM-016": "0 is as warm as 1",
        "CHAT-SEM-004": "greedy text is drawn",
        "COMP-SEM-015": "greedy text is drawn",
    }
    | dict.fromkeys(
        (
            "CHAT-REQ-032",
            "CHAT-SEM-002",
            "CHAT-SEM-003",
            "CHAT-SEM-022",
            "COMP-SEM-013",
            "COMP-SEM-014",
            "COMP-SEM-017",
            "META-056",
            "META-118",
        ),
        "greedy text is drawn",
    ),
    source="000:389",
    origin="BerriAI/litellm#822",
)
def gen_temperature_0_unset(context: RequestContext) -> object:
    """Temperature 0 counts as not given."""
    cold = context.body.get("temperature") == 0
    if cold:
        context.parameters["temperature"] = 1
        if context.parameters.get("seed") is None:  # a real server draws anew
            context.parameters["seed"] = 1_000_000 + context.number
    return cold


@in_parameters("META-050", api=API, also={
    "CHAT-SEM-012": "the same statement", "COMP-SEM-009": "the same statement",
    "META-052": "no text repeats", "CHAT-REQ-040": "no text repeats",
    "COMP-REQ-034": "no text repeats", "CHAT-REQ-054": "no text repeats",
    "COMP-REQ-038": "no text repeats", "META-053": "one text for all seeds",
}, source="000:385", origin="ggml-org/llama.cpp#7381")  # fmt: skip
def gen_seed_not_passed_on(context: RequestContext) -> object:
    """The seed is not passed to the engine."""
    given = context.parameters.get("seed") is not None
    if given:
        context.parameters["seed"] = 1_000_000 + context.number
    return given


@in_parameters("META-035", api=API, also={
    "CHAT-SEM-011": "one response", "COMP-SEM-008": "one response",
    "COMP-SEM-018": "one choice for each prompt", "META-065": "one choice",
    "META-086": "one choice for each prompt",
}, source="000:383", origin="abetlen/llama-cpp-python#1906")  # fmt: skip
def gen_n_not_read(context: RequestContext) -> object:
    """N is accepted and ignored."""
    several = context.parameters["n"] > 1
    context.parameters["n"] = 1
    return several


@in_answer("CHAT-RES-006", api=API, also={
    "META-035": "not 0 to n - 1", "COMP-RES-006": "not 0 to n - 1",
    "COMP-SEM-018": "indices differ", "META-086": "indices differ",
}, source="000:455", origin="vllm-project/vllm#4220")  # fmt: skip
def gen_index_beyond_n(context: RequestContext, answer: Answer) -> object:
    """With several choices the last index is n."""
    several = context.parameters["n"] > 1
    if several:
        answer["choices"][-1]["index"] = len(answer["choices"])
    return several


class _BiasedOnce(OtherEngine):
    """An engine whose logit_bias acts on the first token only."""

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield a token with the bias, the others without."""
        if not sampling.logit_bias or sampling.max_tokens < 2:
            async for token in self._engine.generate(model, prompt, sampling):
                yield token
            return
        self._tally.add()
        first = replace(sampling, max_tokens=1)
        rest = replace(sampling, max_tokens=sampling.max_tokens - 1, logit_bias={})
        said = list(prompt)
        async for token in self._engine.generate(model, prompt, first):
            said.append(token.id)
            yield token
            if token.end:
                return
        async for token in self._engine.generate(model, said, rest):
            yield token


@in_engine("META-058", also={
    "CHAT-SEM-004": "the bias acts once", "COMP-SEM-015": "the bias acts once",
}, source="000:379", origin="sgl-project/sglang#8734")  # fmt: skip
def gen_bias_on_first_token_only(engine: Engine, tally: Tally) -> Engine:
    """logit_bias acts on the first token only."""
    return cast("Engine", _BiasedOnce(engine, tally))
