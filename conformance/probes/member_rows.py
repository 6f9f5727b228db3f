"""The rows that promise the acceptance of a member's value."""

from collections.abc import Mapping

from aios_conformance import spec
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.spec import Level, Node, apis, nodes, requirement

_FORMS: dict[tuple[str, type], str] = {
    ("stop", str): "stop-string",
    ("stop", list): "stop-array",
    ("stop", type(None)): "stop-null",
    ("prompt", str): "prompt-string",
    ("prompt", list): "prompt-array",
    ("input", str): "input-string",
    ("input", list): "input-strings",
    ("text_1", str): "text-1-string",
    ("text_1", list): "text-1-array",
    ("text_2", str): "text-2-string",
    ("text_2", list): "text-2-array",
}
"""Topics of rows on one form of a member."""

_VALUES: dict[tuple[str, Json], str] = {
    ("top_n", 0): "top-n-zero-accepted",
    ("top_n", 1): "top-n-positive",
    ("top_n", 3): "top-n-positive",
    ("truncate_prompt_tokens", 100): "truncation-as-shown",
    ("encoding_format", "float"): "encoding-float",
    ("encoding_format", "int"): "encoding-int",
    ("encoding_format", "base64"): "encoding-base64",
}
"""Topics of rows on one value of a member."""

MOST_BIAS = 100  # 000:379


def rows_of(api: Api, name: str, value: Json) -> tuple[str, ...]:
    """The rows that promise that this value of a member is accepted.

    The most special ones: on its form, on the value, on the bound that it lies at, or
    else on the member.
    """
    node = nodes().resolved(apis()[api].members[name])
    topics = list(_topics(api, name, value))
    found = [spec.row(api, topic) for topic in topics] or _stated(node, value)
    return tuple(row for row in found if requirement(row).level != Level.MAY)


def rows_at_member(api: Api, name: str, dialect: str) -> frozenset[str]:
    """All rows that stand at a member of a request, whatever its value."""
    below = nodes(dialect).below([apis(dialect)[api].members.get(name, {})])
    stated = ("x-requirements", "x-promises")
    return frozenset(row for n in below for key in stated for row in n.get(key, ()))


def rows_in(dialect: str, api: Api, name: str, value: Json) -> tuple[str, ...]:
    """`rows_of`, where the dialect is the one whose rows it knows; else none."""
    return rows_of(api, name, value) if dialect == "aios" else ()


def charged_rows(api: Api, name: str, given: Mapping[str, Json]) -> tuple[str, ...]:
    """The rows that a value breaks which is refused where a plainer one is accepted.

    Of the smallest body's form, it is the text that is refused; of two texts that are
    compared, both forms together.
    """
    value = given[name]
    if name == "text_2" and isinstance(value, list):
        is_paired = isinstance(given["text_1"], list)
        topic = "arrays-paired-by-position" if is_paired else "string-against-array"
        return (spec.row(api, topic),)
    form = apis()[api].smallest.get(name)
    is_one = isinstance(value, str) or (name == "messages" and len(value) == 1)
    is_same = type(value) is type(form) and is_one
    if is_same and not str(value).isascii():
        return ("COMMON-REQ-015",)
    return rows_of(api, name, value)


def _topics(api: Api, name: str, value: Json) -> list[str]:
    if (name, type(value)) in _FORMS:
        return [_FORMS[name, type(value)]]
    if isinstance(value, str | int) and (name, value) in _VALUES:
        topic = _VALUES[name, value]
        return [topic] if spec.rows(topic, api=api) else []
    if name == "logprobs" and api == "completions" and value:
        return ["logprobs-range"]
    if name == "temperature" and value == 1:
        return ["temperature-range"]  # 1 is where another row begins
    if name == "documents" and len(value) == 1:
        return ["single-document"]
    if name == "logit_bias" and value:
        is_at_bound = any(abs(bias) == MOST_BIAS for bias in value.values())
        own = ["logit-bias-type", "logit-bias-keys"]
        return ["logit-bias-range"] if is_at_bound else own
    if name == "stream_options" and isinstance(value, dict):
        return [f"{each.partition('_usage')[0]}-usage-accepted" for each in value]
    return []


def _stated(node: Node, value: Json) -> list[str]:
    if value is None:
        return ["COMMON-REQ-013" if "default" in node else "COMMON-REQ-014"]
    at_bound = [
        row
        for part in node.get("allOf", ())
        if isinstance(value, int | float)
        if value in (part.get("minimum"), part.get("maximum"))
        for row in part.get("x-requirements", ())
        if requirement(row).statement.startswith("Accept")
    ]
    return at_bound or list(node.get("x-requirements", ()))
