"""Whether a client joins tool calls, and answers those that were made."""

from collections.abc import Iterator, Mapping
from typing import Any

from aios_conformance.mockserver.clients.rule import Finding, fail, good, rule, warn
from aios_conformance.mockserver.clients.seen import plain
from aios_conformance.mockserver.clients.session import Session
from aios_conformance.mockserver.clients.turns import (
    JoinedCall,
    Turn,
    messages,
)
from aios_conformance.mockserver.control.journal import readable


def _issued(session: Session) -> dict[str, tuple[Turn, JoinedCall]]:
    """Return the calls that the model made, by id."""
    return {
        id_: (turn, call)
        for turn in session.answers
        for id_, call in turn.calls.items()
    }


@rule(
    why="Arguments come in pieces; who keeps one of them instead of joining all calls "
    "the tool with a fragment.",
    mend="Append function.arguments of each delta to the call of the same index; id "
    "and name come once, in the first.",
)
def tool_arguments_are_joined(session: Session) -> Iterator[Finding]:
    """The arguments of a streamed tool call come back as they were made."""
    issued = _issued(session)
    told: set[str] = set()
    for later in session.returned:
        for id_ in later.calls.keys() & issued.keys() - told:
            turn, call = issued[id_]
            if not (turn.seen.streamed and turn.whole) or turn.seen.harmed:
                continue  # another rule judges what broke off
            told.add(id_)
            mine = later.calls[id_].arguments
            came = f"the arguments of {plain(call.name)} ({plain(id_)}) came back"
            if _same(mine, call.arguments):
                yield good(f"{came} as they were made", turn.seen, later.seen)
            elif mine in call.arguments:
                told_as = f"{came} as the fragment {plain(mine, 40)!r}"
                yield fail(told_as, turn.seen, later.seen)
            else:
                yield warn(f"{came} changed", turn.seen, later.seen)


def _same(one: str, other: str) -> bool:
    return one == other or readable(one.encode()) == readable(other.encode())


@rule(
    why="A result finds its call by the id; with another id the model does not learn "
    "what came of its call, and real servers refuse the conversation.",
    mend="Take tool_call_id from the call as it came; do not make ids up.",
)
def tool_results_name_their_calls(session: Session) -> Iterator[Finding]:
    """Each tool message has the id of a call in the message before it."""
    issued = _issued(session)
    for seen in session.of("chat"):
        made: set[str] = set()
        for message in messages(seen):
            made |= _ids(message)
            if message.get("role") != "tool":
                continue
            id_ = str(message.get("tool_call_id"))
            result = f"the tool message for {plain(id_)!r}"
            if id_ not in made:
                yield fail(f"{result} answers no call of the conversation", seen)
            elif id_ in issued:
                yield good(
                    f"{result} has the id of its call", issued[id_][0].seen, seen
                )
            elif issued and not session.forgotten:
                yield warn(
                    f"{result} and its call have an id that was not issued", seen
                )


@rule(
    why="Real servers refuse a conversation in which a call has no result, and a model "
    "would wait for it.",
    mend="Send one tool message for each entry of tool_calls, also for calls that "
    "failed, before the next other message.",
)
def tool_calls_are_answered(session: Session) -> Iterator[Finding]:
    """After a turn with tool calls there is a result for each of them."""
    for seen in session.of("chat"):
        open_: set[str] = set()
        lacking: set[str] = set()
        calls = 0
        for message in messages(seen):
            if message.get("role") == "tool":
                open_.discard(str(message.get("tool_call_id")))
                continue
            lacking |= open_
            open_ = _ids(message)
            calls += len(open_)
        lacking |= open_
        if lacking:
            names = ", ".join(plain(id_) for id_ in sorted(lacking)[:5])
            yield fail(f"calls without a result: {names}", seen)
        elif calls:
            yield good("all calls have their results", seen)


def _ids(message: Mapping[str, Any]) -> set[str]:
    calls = message.get("tool_calls")
    found = calls if isinstance(calls, list) else []
    return {str(call.get("id")) for call in found if isinstance(call, dict)}


RULES = (
    tool_arguments_are_joined,
    tool_results_name_their_calls,
    tool_calls_are_answered,
)
