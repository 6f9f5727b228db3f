"""Hand-made answers of chat and completions, whole and well-formed unless told."""

from typing import Any

from exchanges import exchange

from aios_conformance.conformance.terms.exchange import Api, Exchange

PROMPT = "Tell me about the sea"


def choice(api: Api, text: str | None, index: int = 0, **over: Any) -> dict[str, Any]:
    """One choice; `over` replaces members, those of the message among them."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    message |= {"reasoning_content": None, "tool_calls": []}
    for name in ("role", "content", "tool_calls", "reasoning_content"):
        if name in over:
            message[name] = over.pop(name)
    made: dict[str, Any] = {"index": index, "logprobs": None, "finish_reason": "stop"}
    made |= {"message": message} if api == "chat" else {"text": text}
    return made | {"stop_reason": None} | over


def body(
    api: Api, *choices: Any, prompt: int = 5, completion: int = 3, **over: Any
) -> dict[str, Any]:
    """An answer; a text stands for a choice with it."""
    made = [
        choice(api, c, i) if c is None or isinstance(c, str) else c
        for i, c in enumerate(choices)
    ]
    usage: dict[str, Any]
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    usage |= {"total_tokens": prompt + completion, "prompt_tokens_details": None}
    kind = "chat.completion" if api == "chat" else "text_completion"
    head = {"id": "g-1", "object": kind, "created": 1, "model": "m"}
    return head | {"choices": made, "usage": usage} | over


def request(api: Api, text: Any = PROMPT, **members: Any) -> dict[str, Any]:
    """A request that goes on from a text."""
    messages = [{"role": "user", "content": text}]
    start = {"messages": messages} if api == "chat" else {"prompt": text}
    return {"model": "m"} | start | members


def said(api: Api, *choices: Any, sent: Any = None, **over: Any) -> Exchange:
    """An exchange; `over` is what `body` and `exchange` take."""
    ours = {k: over.pop(k) for k in ("prompt", "completion", "usage") if k in over}
    asked = request(api) if sent is None else sent
    return exchange(api, asked, body(api, *choices, **ours), **over)


def refused(api: Api, sent: Any = None, status: int = 422, **over: Any) -> Exchange:
    """An exchange that was answered with an error."""
    asked = request(api) if sent is None else sent
    return exchange(api, asked, {"error": "no"}, status=status, **over)


def scored(
    *tokens: tuple[str, float, list[tuple[str, float]]],
) -> dict[str, Any]:
    """The logprobs member of a chat choice."""

    def entry(token: str, logprob: float) -> dict[str, Any]:
        return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

    return {
        "content": [
            entry(token, logprob) | {"top_logprobs": [entry(*t) for t in likely]}
            for token, logprob, likely in tokens
        ]
    }


def listed(
    *tokens: tuple[str, float | None, dict[str, float] | None], start: int = 0
) -> dict[str, Any]:
    """The logprobs member of a completion."""
    offsets = [
        start + sum(len(t) for t, _, _ in tokens[:i]) for i in range(len(tokens))
    ]
    return {
        "tokens": [token for token, _, _ in tokens],
        "token_logprobs": [logprob for _, logprob, _ in tokens],
        "top_logprobs": [likely for _, _, likely in tokens],
        "text_offset": offsets,
    }
