"""What completions is asked: prompts in every form, echo, and what chat shares."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import strategies as st

from aios_conformance.conformance.probes import logprobs, prompts
from aios_conformance.conformance.probes.bodies import OPERATION
from aios_conformance.conformance.probes.decoding import asked
from aios_conformance.conformance.probes.generation import (
    OBJECT,
    case,
    shared_probes,
    undecided_cases,
)
from aios_conformance.conformance.probes.printed import printed
from aios_conformance.conformance.probes.sampling import decoding_probes
from aios_conformance.conformance.probes.single_field import (
    accepted,
    breaks,
    lacks,
    refused,
    takes,
)
from aios_conformance.conformance.probes.stop_strings import stop_within
from aios_conformance.conformance.terms.cost import SPECIAL_TOKENS, subwords
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Params,
    Probe,
    Served,
    Step,
    probe,
)
from aios_conformance.conformance.terms.said import text_of

COMPLETIONS = OPERATION["completions"]
PRINTED_ROOM = 16  # as many tokens as the printed answer has (000:664)

ACCEPTED = accepted(
    "completions.prompt",
    "completions",
    takes("COMP-REQ-004"),
)

REFUSED = refused(
    "completions.refused.prompt",
    "completions",
    breaks("/prompt is an object", "COMP-REQ-007", prompt=OBJECT),
    breaks("/prompt is a number", "COMP-REQ-007", prompt=2.5),
    lacks("prompt", "COMP-REQ-003"),
    lacks("model", "COMP-REQ-002"),
)

REFUSED_ECHO = refused(
    "completions.refused.echo",
    "completions",
    breaks("/echo is an object", "COMP-REQ-009", echo=OBJECT),
    needs=("echo",),
)

UNDECIDED = undecided_cases(
    "completions.undecided.prompt",
    "completions",
    case("COMP-REQ-006", "a prompt of token ids", prompt=[100, 101, 102]),
    case("COMP-REQ-008", "an empty prompt", prompt=""),
)
UNDECIDED_STREAM = undecided_cases(
    "completions.undecided.stream",
    "completions",
    case("COMP-REQ-031", 'stream as the string "true"', stream="true"),
    needs=("streaming",),
)


_SINGLES = ("first", "second")


@probe(
    "completions.batch",
    "completions",
    params=st.fixed_dictionaries(
        {
            "text": st.sampled_from(prompts.COMPLETIONS.usual),
            "limit": st.integers(5, 8),
        }
    ),
    draws=(0, 1, 30),
)
def batch(p: Params, served: Served) -> Iterator[Step]:
    """Prompts one by one, one in an array, and several in an array.

    The other begins the one: who keeps what was read finds it when the one comes again.
    """
    one = p["text"]
    other = one.rsplit(" ", 1)[0]
    body = asked("completions", served, one, temperature=0, max_tokens=p["limit"])
    body |= {"logprobs": 1} if served.offers("logprobs") else {}
    rows = ("COMP-REQ-005",)
    yield Step("first", COMPLETIONS, body)
    yield Step("second", COMPLETIONS, body | {"prompt": other})
    yield Step("listed", COMPLETIONS, body | {"prompt": [one]}, serves=rows)
    several = body | {"prompt": [other, other, one]}  # reads otherwise from its end

    def stopped(answers: Answers) -> Json:
        """What ends the last text alone is to end that one, and no other."""
        first, second = (text_of(answers[label]) or "" for label in _SINGLES)
        found = stop_within(first) if served.offers("stop") else None
        return several | ({"stop": found} if found and found not in second else {})

    more = 2 * (subwords(other) + SPECIAL_TOKENS)
    step = Step("batch", COMPLETIONS, stopped, like="listed", beyond=more)
    yield replace(step, completion_tokens=3 * p["limit"])


@probe(
    "completions.echo",
    "completions",
    params=st.fixed_dictionaries(
        {
            "text": st.sampled_from(prompts.COMPLETIONS.beyond_ascii),
            "limit": st.integers(5, 10),
        }
    ),
    draws=(0, 1, 20),
    needs=("echo",),
)
def echo(p: Params, served: Served) -> Iterator[Step]:
    """The same greedy request without and with echo."""
    body = asked("completions", served, p["text"], temperature=0, max_tokens=p["limit"])
    rows = ("COMP-REQ-009",)
    yield Step("plain", COMPLETIONS, body | {"echo": False}, serves=rows)
    yield Step("echoed", COMPLETIONS, body | {"echo": True}, serves=rows)


PROBES: tuple[Probe, ...] = (
    printed("completions", limit=PRINTED_ROOM),
    ACCEPTED,
    *decoding_probes("completions"),
    *shared_probes("completions"),
    REFUSED,
    REFUSED_ECHO,
    UNDECIDED,
    UNDECIDED_STREAM,
    batch,
    echo,
    *logprobs.logprob_probes(logprobs.COMPLETIONS),
)
