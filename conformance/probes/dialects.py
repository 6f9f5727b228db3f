"""What the three neighbouring dialects of the embeddings API are asked.

The dialects share paths but not promises (A-168), so each has its own rows; the
tables below name them, and one set of scenarios serves all three.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

import spec
from conformance.exchange import Json
from conformance.probe import Answers, Params, Probe, Served, Step, probe, table
from conformance.probes import texts

OPERATION: Mapping[str, str] = {
    "infinity": "POST /v1/embeddings",
    "aigne-hub": "POST /api/embeddings",
    "aihubmix": "POST /v1/embeddings",
}
CLIENT_ERRORS = tuple(range(400, 500))
TEXT = "The sky is blue."
TOKENS = [11, 12, 13]
LISTED_MODEL = "Qwen2-Embedding-48"  # the printed list has it (002:17)
LISTED = 3  # listed models that are tried
WORDS = 10_500  # one word is a token at least: above 8192 by any tokenizer's count
MANY, MEDIUM = 100, 4_500  # 450,000 words in legal items, by a margin
CHAT_MODEL = "gpt-4o-mini"


def _body(served: Served, **members: Any) -> dict[str, Any]:
    return {"model": served.model("embeddings"), "input": TEXT, **members}


def _accepted(
    dialect: str, rows: Iterable[Params], *, name: str = "accepted", needs: str = ""
) -> Probe:
    @table(
        f"{dialect}.{name}",
        "embeddings",
        rows,
        needs=(needs,) if needs else (),
        dialects=(dialect,),
    )
    def build(row: Params, served: Served) -> Iterator[Step]:
        body = _body(served, **row["set"])
        yield Step("variant", OPERATION[dialect], body, serves=tuple(row["serves"]))

    return build


def _refused(
    dialect: str, rows: Iterable[Params], *, name: str = "refused", needs: str = ""
) -> Probe:
    @table(
        f"{dialect}.{name}",
        "embeddings",
        rows,
        needs=(needs,) if needs else (),
        dialects=(dialect,),
        smoke_rows=2,
    )
    def build(row: Params, served: Served) -> Iterator[Step]:
        changed = _body(served) | row["set"]
        mutant = {k: v for k, v in changed.items() if k != row.get("drop")}
        yield Step("valid", OPERATION[dialect], _body(served), shared=True)
        yield Step(
            "mutant",
            OPERATION[dialect],
            mutant,
            "refuse",
            tuple(row["serves"]),
            row["breaks"],
            CLIENT_ERRORS,
            off_schema=row.get("off_schema", ""),
        )

    return build


def _takes(*serves: str, **members: Any) -> Params:
    return {"serves": list(serves), "set": members}


def _breaks(breaks: str, *serves: str, **members: Any) -> Params:
    return {"serves": list(serves), "set": members, "breaks": breaks}


def _lacks(field: str, *serves: str) -> Params:
    return _breaks(f"/{field} is missing", *serves) | {"drop": field}


def _printed(dialect: str, name: str) -> dict[str, Any]:
    """The printed body but for its model, which is the served one."""
    body = spec.examples(dialect)[name].body
    return {k: v for k, v in body.items() if k != "model"}


def _relations(dialect: str, rows: Mapping[str, tuple[str, ...]]) -> list[Probe]:
    """Batch, repetition and, where the dialect has them, formats."""
    operation = OPERATION[dialect]
    own = (dialect,)

    @probe(
        f"{dialect}.batch",
        "embeddings",
        params=st.fixed_dictionaries({"texts": texts.sentences(3, 4)}),
        draws=(1, 2, 20),
        dialects=own,
    )
    def batch(p: Params, served: Served) -> Iterator[Step]:
        several = _body(served, input=p["texts"])
        yield Step("batch", operation, several, serves=rows["strings"])
        single = _body(served, input=p["texts"][-1])
        yield Step("single", operation, single, serves=rows["string"])

    @probe(
        f"{dialect}.formats",
        "embeddings",
        params=st.fixed_dictionaries({"texts": texts.sentences(2, 3)}),
        draws=(0, 1, 10),
        needs=("base64",),
        dialects=own,
    )
    def formats(p: Params, served: Served) -> Iterator[Step]:
        body = _body(served, input=p["texts"])
        serves = rows.get("formats", ())
        plain = body | {"encoding_format": "float"}
        yield Step("omitted", operation, body, serves=rows["strings"])
        yield Step("float", operation, plain, serves=serves)
        packed = body | {"encoding_format": "base64"}
        yield Step("base64", operation, packed, serves=serves)

    @probe(
        f"{dialect}.dimensions",
        "embeddings",
        params=st.fixed_dictionaries(
            {"few": st.sampled_from((8, 16, 32)), "more": st.sampled_from((64, 96))}
        ),
        draws=(0, 1, 10),
        needs=("dimensions",),
        dialects=own,
    )
    def dimensions(p: Params, served: Served) -> Iterator[Step]:
        for label in ("few", "more"):
            body = _body(served, dimensions=p[label])
            yield Step(label, operation, body, serves=rows["dimensions"])

    made = [batch]
    if "formats" in rows:
        made.append(formats)
    if "dimensions" in rows:
        made.append(dimensions)
    return made


def _keys(dialect: str, rows: tuple[str, ...]) -> Probe:
    """A missing and a wrong key, beside the right one."""

    @table(
        f"{dialect}.keys",
        "embeddings",
        [None],
        needs=("api_key",),
        dialects=(dialect,),
        smoke_rows=1,
    )
    def keys(_: Params, served: Served) -> Iterator[Step]:
        operation, body = OPERATION[dialect], _body(served)
        yield Step("valid", operation, body, serves=rows)
        for label, header in (("missing", None), ("wrong", "Bearer no-such-key")):
            yield Step(
                label,
                operation,
                body,
                "refuse",
                ("META-114", *(rows[:1] if header is None else ())),
                f"the key is {label}",
                (401, 403),
                headers={"Authorization": header},
                off_schema="the key is no part of the body",
            )

    return keys


def _tokens(dialect: str, flat: tuple[str, ...], nested: tuple[str, ...]) -> Probe:
    @table(
        f"{dialect}.tokens",
        "embeddings",
        [None],
        needs=("token_input",),
        dialects=(dialect,),
    )
    def tokens(_: Params, served: Served) -> Iterator[Step]:
        operation = OPERATION[dialect]
        yield Step("flat", operation, _body(served, input=TOKENS), serves=flat)
        yield Step("nested", operation, _body(served, input=[TOKENS]), serves=nested)
        two = _body(served, input=[TOKENS, [21, 22]])
        yield Step("two", operation, two, serves=nested)

    return tokens


def _either(dialect: str, name: str, rows: Iterable[Params]) -> Probe:
    @table(f"{dialect}.{name}", "embeddings", rows, dialects=(dialect,))
    def build(row: Params, served: Served) -> Iterator[Step]:
        yield Step("free", OPERATION[dialect], _body(served, **row), "either")

    return build


@table("infinity.models", "models", [None], dialects=("infinity",), smoke_rows=1)
def listing(_: Params, served: Served) -> Iterator[Step]:
    """The list twice, and a call of each listed model that can embed."""
    operation = "GET /v1/models"
    rows = ("INF-REQ-001", "INF-REQ-002", "INF-RES-001")
    yield Step("list", operation, serves=rows)
    yield Step("again", operation, serves=rows)

    def call(number: int) -> Any:
        def body(answers: Answers) -> Json:
            names = embedding_models(answers["list"].response)
            return {"model": names[number], "input": TEXT} if number < len(names) else None  # fmt: skip  # noqa: E501

        return body

    for number in range(LISTED):
        yield Step(f"call_{number}", OPERATION["infinity"], call(number))
    _ = served


def embedding_models(response: Any) -> list[str]:
    """Names in a model list whose capabilities have `embed` (002:43)."""
    body = response.json if response is not None else None
    data = body.get("data") if isinstance(body, dict) else None
    return [
        model["id"]
        for model in (data if isinstance(data, list) else [])
        if isinstance(model, dict)
        and isinstance(model.get("id"), str)
        and "embed" in (model.get("capabilities") or ())
    ]


_INFINITY = [
    listing,
    _accepted("infinity", [_takes("INF-REQ-003", "INF-REQ-013", "INF-RES-019")]),
    _refused(
        "infinity",
        [
            _lacks("model", "INF-REQ-004"),
            _lacks("input", "INF-REQ-006"),
            _breaks("/model is an object", "INF-REQ-005", model={"a": 1}),
            _breaks(
                "/encoding_format is unknown", "INF-REQ-012", encoding_format="hex"
            ),
        ],
    ),
    _refused(
        "infinity",
        [_breaks("/dimensions is a word", "INF-REQ-014", dimensions="many")],
        name="refused.dimensions",
        needs="dimensions",
    ),
    _accepted(
        "infinity",
        [
            _takes("INF-EX-002", **_printed("infinity", "GOLD-INF-EMB-REQ")),
        ],
        name="printed",
        needs="dimensions",
    ),
    _either(
        "infinity",
        "odd_dimensions",
        [{"dimensions": 7}, {"dimensions": 7, "model": LISTED_MODEL}],
    ),
    _either("infinity", "token_ids", [{"input": TOKENS}]),
    *_relations(
        "infinity",
        {
            "string": ("INF-REQ-007",),
            "strings": ("INF-REQ-008",),
            "formats": ("INF-REQ-011",),
            "dimensions": ("INF-REQ-014",),
        },
    ),
]

_AIGNE = [
    _accepted(
        "aigne-hub",
        [
            _takes("AIGNE-REQ-001", "AIGNE-REQ-002", "AIGNE-RES-012"),
            _takes("AIGNE-EX-001", **_printed("aigne-hub", "GOLD-AIGNE-REQ")),
        ],
    ),
    _refused(
        "aigne-hub",
        [
            _lacks("model", "AIGNE-REQ-004"),
            _lacks("input", "AIGNE-REQ-006"),
            _breaks("/model is an object", "AIGNE-REQ-004", model={"a": 1}),
            _breaks("/input is an object", "AIGNE-REQ-006", input={"a": 1}),
            _breaks("the model is for chat", "AIGNE-REQ-005", model=CHAT_MODEL)
            | {"off_schema": "the name is well-formed"},
        ],
    ),
    _keys("aigne-hub", ("AIGNE-REQ-003",)),
    _tokens("aigne-hub", ("AIGNE-REQ-009", "AIGNE-REQ-011"), ("AIGNE-REQ-010",)),
    _either("aigne-hub", "unlisted", [{"dimensions": 8}, {"encoding_format": "float"}]),
    *_relations(
        "aigne-hub", {"string": ("AIGNE-REQ-007",), "strings": ("AIGNE-REQ-008",)}
    ),
]


@table(
    "aihubmix.most_strings",
    "embeddings",
    [2048],
    needs=("dimensions", "base64"),
    dialects=("aihubmix",),
)
def most_strings(count: Params, served: Served) -> Iterator[Step]:
    """As many texts as are allowed: one word each, and short vectors (A-155)."""
    body = _body(served, input=["word"] * count, encoding_format="base64", dimensions=8)
    rows = ("AHM-REQ-014", "META-110")
    yield Step("most", OPERATION["aihubmix"], body, serves=rows, last=True)


@table("aihubmix.limits", "embeddings", ["2049", "long", "sum"], dialects=("aihubmix",))
def limits(kind: Params, served: Served) -> Iterator[Step]:
    """One entry too many, an item too long, a sum too large: refused at no cost."""
    operation = OPERATION["aihubmix"]
    given, rows, breaks = {
        "2049": (
            ["word"] * 2049,
            ("AHM-REQ-014", "META-110", "AHM-ERR-001"),
            "/input has 2049 entries",
        ),
        "long": (
            texts.long_text(WORDS),
            ("AHM-REQ-012", "META-111", "AHM-ERR-001"),
            "/input has more than 8192 tokens",
        ),
        "sum": (
            [texts.long_text(MEDIUM)] * MANY,
            ("AHM-REQ-015", "META-111", "AHM-ERR-001"),
            "the inputs together have more than 300,000 tokens",
        ),
    }[kind]
    yield Step("valid", operation, _body(served), shared=True)
    yield Step(
        "mutant",
        operation,
        _body(served, input=given),
        "refuse",
        rows,
        breaks,
        CLIENT_ERRORS,
        off_schema="tokens are not counted by a schema" if kind != "2049" else "",
        prompt_tokens=0,  # a right server refuses before it reads
        last=True,
    )


_AIHUBMIX = [
    _accepted(
        "aihubmix",
        [
            _takes("AHM-REQ-001", "AHM-REQ-005", "AHM-RES-001"),
            _takes("AHM-EX-001", **_printed("aihubmix", "GOLD-AHM-REQ")),
            _takes("AHM-REQ-023", user="user-1234"),
            _takes("AHM-REQ-012", input=texts.long_text(60)),
        ],
    ),
    _accepted(
        "aihubmix",
        [_takes("AHM-REQ-020", "AHM-REQ-021", dimensions=1)],
        name="accepted.dimensions",
        needs="dimensions",
    ),
    _refused(
        "aihubmix",
        [
            _lacks("input", "AHM-REQ-006"),
            _lacks("model", "AHM-REQ-016"),
            _breaks("/input is empty", "AHM-REQ-013", "META-110", input=""),
            _breaks("/model is an object", "AHM-REQ-017", model={"a": 1}),
            _breaks("/model is unknown", "AHM-REQ-017", model="no-such-model/7d1f")
            | {"off_schema": "the name is well-formed, but not served"},
            _breaks("/user is an object", "AHM-REQ-023", user={"a": 1}),
        ],
    ),
    _refused(
        "aihubmix",
        [_breaks("/encoding_format is unknown", "AHM-REQ-018", encoding_format="hex")],
        name="refused.base64",
        needs="base64",
    ),
    _refused(
        "aihubmix",
        [
            _breaks("/dimensions is 0", "AHM-REQ-021", "META-110", dimensions=0),
            _breaks("/dimensions is below 1", "AHM-REQ-021", dimensions=-1),
            _breaks("/dimensions is a fraction", "AHM-REQ-020", dimensions=2.5),
            _breaks("/dimensions is a word", "AHM-REQ-020", dimensions="many"),
        ],
        name="refused.dimensions",
        needs="dimensions",
    ),
    _keys("aihubmix", ("AHM-REQ-002", "AHM-REQ-003")),
    _tokens("aihubmix", ("AHM-REQ-009",), ("AHM-REQ-011",)),
    most_strings,
    limits,
    *_relations(
        "aihubmix",
        {
            "string": ("AHM-REQ-008",),
            "strings": ("AHM-REQ-010",),
            "formats": ("AHM-REQ-018",),
            "dimensions": ("AHM-REQ-020",),
        },
    ),
]


@table("aihubmix.user", "embeddings", [None], dialects=("aihubmix",))
def user(_: Params, served: Served) -> Iterator[Step]:
    """The same text with and without a user."""
    operation = OPERATION["aihubmix"]
    yield Step("without", operation, _body(served), serves=("AHM-REQ-008",))
    named = _body(served, user="user-1234")
    yield Step("with", operation, named, serves=("AHM-REQ-023",))


@table("aihubmix.old_model", "embeddings", [None], dialects=("aihubmix",))
def old_model(_: Params, served: Served) -> Iterator[Step]:
    """Dimensions on a model older than text-embedding-3 (004:87)."""
    body = _body(served, model="text-embedding-ada-002")
    operation = OPERATION["aihubmix"]
    yield Step("old", operation, body, "either")
    yield Step("sized", operation, body | {"dimensions": 8}, "either")


PROBES: tuple[Probe, ...] = (*_INFINITY, *_AIGNE, *_AIHUBMIX, user, old_model)
