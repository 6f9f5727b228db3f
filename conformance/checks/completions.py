"""What completions promise besides what they share with chat: echo, many prompts."""

from collections.abc import Iterator

from aios_conformance.conformance.checks.generated import (
    Generated,
    equal,
    is_one_body,
    texts_of,
    usage_of,
)
from aios_conformance.conformance.checks.scored import are_alike, positions_of
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.said import text_of
from aios_conformance.conformance.terms.views import (
    CompletionAnswer,
    is_whole,
)

_ON = ("completions.", "common.")
_TELLING = 8
"""A shorter prompt may be what its own continuation begins with."""

_ECHO = ("COMP-SEM-002", "META-084")


def _prompt_of(prompts: list[str], n: int, index: object) -> str:
    """The prompt that a choice continues: index is prompt · n + k (A-110)."""
    number = index // n if isinstance(index, int) else 0
    return prompts[number] if 0 <= number < len(prompts) else ""


def _echoes(
    answer: Generated, index: object, text: str, pointer: str
) -> Iterator[Note]:
    """An echoed text begins with a prompt, and with that of its own index."""
    yield Witness(_ECHO)
    # choices that were not given are another row's matter
    each = max(1, len(answer.choices) // len(answer.prompts))
    wanted = _prompt_of(answer.prompts, each, index)
    if not any(text.startswith(prompt) for prompt in answer.prompts):
        yield Finding(
            expected=f"text that begins with {wanted!r}",
            actual=text,
            pointer=pointer,
            kind="silent",
            ids=_ECHO,
        )
        return
    if len(set(answer.prompts)) > 1 and is_whole(index):
        yield Witness(("COMP-SEM-018",))
        if not text.startswith(wanted):
            yield Finding(
                expected=f"a continuation of {wanted!r} at index {index}",
                actual=text,
                pointer=pointer,
                ids=("COMP-SEM-018",),
            )


@check(*_ECHO, on=_ON, witness=True)
def an_echo_begins_with_its_prompt(answer: Generated) -> Iterator[Note]:
    """With echo each text begins with its prompt."""
    if answer.is_chat or answer.sent.get("echo") is not True or not all(answer.prompts):
        return
    for i, choice in enumerate(answer.choices):
        pointer = f"/choices/{i}/text"
        yield from _echoes(answer, choice.get("index"), choice["text"], pointer)


@check("COMP-SEM-002", on=_ON, witness=True)
def nothing_is_echoed_unasked(answer: Generated) -> Iterator[Note]:
    """Without echo no text begins with its prompt."""
    if answer.is_chat or answer.sent.get("echo"):
        return
    for i, choice in enumerate(answer.choices):
        prompt = _prompt_of(answer.prompts, answer.n, choice.get("index"))
        if len(prompt) < _TELLING:
            continue
        yield Witness(("COMP-SEM-002",))
        if choice["text"].startswith(prompt):
            yield Finding(
                expected="text that goes on after the prompt",
                actual=choice["text"],
                pointer=f"/choices/{i}/text",
                ids=("COMP-SEM-002",),
            )


@check("META-084", on="completions.echo", witness=True)
def an_echo_goes_on_as_without(seen: Observation) -> Iterator[Note]:
    """After the echoed prompt the greedy text is that without echo (soft)."""
    texts = texts_of(seen, "plain", "echoed")
    if texts is None:
        return
    plain, echoed = texts
    prompt = seen.params["text"]
    yield Witness(("META-084",))
    if echoed.startswith(prompt) and echoed != prompt + plain:
        yield Finding(
            expected=prompt + plain,
            actual=echoed,
            pointer="/choices/0/text",
            step="echoed",
            soft=True,
            ids=("META-084",),
        )


@check("META-085", on="completions.echo", witness=True)
def an_echo_costs_nothing(seen: Observation) -> Iterator[Note]:
    """Usage is the same with and without echo."""
    texts = texts_of(seen, "plain", "echoed")
    # an answer without the prompt shows nothing of what an echo costs
    if texts is None or not texts[1].startswith(seen.params["text"]):
        return
    for name in ("prompt_tokens", "completion_tokens"):
        plain, echoed = (usage_of(seen[s], name) for s in ("plain", "echoed"))
        if plain is None or echoed is None:
            continue
        yield Witness(("META-085",))
        if plain != echoed:
            yield Finding(
                expected=f"{plain}, as without echo",
                actual=echoed,
                pointer=f"/usage/{name}",
                step="echoed",
                ids=("META-085",),
            )


@check("META-087", on="completions.batch", witness=True)
def an_array_of_one_is_its_string(seen: Observation) -> Iterator[Note]:
    """A prompt string and an array with that one string have the same text."""
    yield from equal(seen, ("META-087",), "first", ["listed"])


@check("META-086", "COMP-SEM-018", on="completions.batch", witness=True)
def an_array_is_answered_like_single_calls(seen: Observation) -> Iterator[Note]:
    """The choices of an array, by index, are those of its prompts sent singly."""
    singles = texts_of(seen, "first", "second")
    if singles is None or not seen.accepted("batch"):
        return
    stop = _stop_of_batch(seen)
    first, second = (_before(text, stop) for text in singles)
    wanted = [second, second, first]  # as the probe lists them
    texts = [text_of(seen["batch"], index) for index in range(3)]
    found = [_before(text, stop) for text in texts if text is not None]
    if len(found) < len(texts):
        return  # that a choice is missing is for its index to show
    yield Witness(("META-086", "COMP-SEM-018"))
    if found == wanted:
        return
    # a text that is another prompt's shows that the choices are mixed up
    is_mixed = first != second and {*found} == {first, second}
    yield Finding(
        expected=f"{wanted}, as for single prompts",
        actual=found,
        pointer="/choices",
        step="batch",
        ids=("META-086", "COMP-SEM-018") if is_mixed else ("META-086",),
        drift=is_drift(wanted, found),
    )


def _stop_of_batch(seen: Observation) -> str | None:
    """What is to end the text of one prompt of several, if anything."""
    stop: str | None = seen["batch"].request.json.get("stop")
    return stop


def _before(text: str, stop: str | None) -> str:
    """A text up to a stop string: what follows it is for its own rows to see."""
    return text if stop is None else text.partition(stop)[0]


@check("META-086", on="completions.batch", witness=True)
def an_array_scores_like_single_calls(seen: Observation) -> Iterator[Note]:
    """The choices of an array have the log probabilities of single calls."""
    if not seen.accepted("first", "second", "batch"):
        return
    for index, label in enumerate(("second", "second", "first")):
        if text_of(seen["batch"], index) != text_of(seen[label]):
            continue  # what the texts say is told above
        one = positions_of(seen[label], seen.facts)
        other = positions_of(seen["batch"], seen.facts, index)
        if not one or other is None:
            continue
        yield Witness(("META-086",))
        if not are_alike(one, other):
            yield Finding(
                expected=f"the log probabilities of step {label}",
                actual=[position.logprob for position in other],
                pointer=f"/choices/{index}/logprobs",
                step="batch",
                ids=("META-086",),
            )
            return


@check("META-086", on="completions.batch", witness=True)
def an_array_counts_all_its_prompts(seen: Observation) -> Iterator[Note]:
    """Usage of an array is the sum over its prompts, sent singly."""
    if not seen.accepted("first", "second", "batch"):
        return
    for name in ("prompt_tokens", "completion_tokens"):
        first, second, batch = (
            usage_of(seen[s], name) for s in ("first", "second", "batch")
        )
        if first is None or second is None or batch is None:
            continue
        yield Witness(("META-086",))
        # another text may have another length: that is for the texts to show
        is_stopped = _stop_of_batch(seen) is not None and name != "prompt_tokens"
        if name != "prompt_tokens" and not _is_cut(seen):
            continue
        most = first + 2 * second
        least = 2 * second + 1 if is_stopped else most
        if not least <= batch <= most:
            yield Finding(
                expected=f"{least} to {most}: one of them is stopped"
                if is_stopped
                else f"{first} + 2 · {second} = {most}",
                actual=batch,
                pointer=f"/usage/{name}",
                step="batch",
                ids=("META-086",),
            )


def _is_cut(seen: Observation) -> bool:
    """The limit cut every text, so that each has the same number of tokens.

    But for that of a list which a stop string ends: it has a token or more.
    """
    views = [Generated.of(seen[s], seen.facts) for s in ("first", "second", "batch")]
    stopped = None if _stop_of_batch(seen) is None else 2
    ends = [
        choice.get("finish_reason")
        for view in views
        for choice in (view.choices if view else ({},))
        if choice.get("index") != stopped
    ]
    return all(end == "length" for end in ends)


@check("COMP-RES-011", on=_ON, when=lambda answer: answer.is_whole)
def prompt_logprobs_are_of_some_kind(answer: CompletionAnswer) -> Iterator[Note]:
    """What prompt_logprobs holds (A-019)."""
    for choice in answer.choices:
        yield FollowedReading(_kind(choice, "prompt_logprobs"))


@check("COMP-RES-016", on=_ON, when=lambda answer: answer.is_whole)
def prompt_details_are_of_some_kind(answer: CompletionAnswer) -> Iterator[Note]:
    """What prompt_tokens_details holds (A-114)."""
    yield FollowedReading(_kind(answer.usage, "prompt_tokens_details"))


def _kind(holder: object, member: str) -> str:
    if not isinstance(holder, dict) or member not in holder:
        return "absent"
    value = holder[member]
    names = {type(None): "null", dict: "object", list: "list"}
    return names.get(type(value), type(value).__name__)


def _streams(seen: Observation) -> bool:
    return (
        seen.accepted("printed") and seen["printed"].request.json.get("stream") is True
    )


@check("COMP-EX-002", on="completions.printed", when=_streams)
def the_printed_prompt_is_streamed(seen: Observation) -> Iterator[Note]:
    """The body of the context row, which says stream, is answered with a stream."""
    if is_one_body(seen["printed"]):
        yield Finding(
            expected="a stream", actual="one JSON body", step="printed", kind="silent"
        )
