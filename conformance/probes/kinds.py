"""Which model stands for which kind: embedding models and cross-encoders (A-049)."""

from collections.abc import Iterator

from aios_conformance.conformance.probes.bodies import OPERATION, valid
from aios_conformance.conformance.terms.exchange import Api, Expect
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table


def embedding_model(served: Served, api: Api) -> str | None:
    """The model that rerank or score can be asked to use as an embedding model.

    That is the served model itself if it is one, else the one that answers the
    embeddings API; None where there is none.
    """
    facts = served.facts
    if facts.kinds.get(api) == "embedding":
        return served.model(api)
    is_served = "embeddings" in facts.models or not facts.models
    return served.model("embeddings") if is_served else None


def expected(served: Served, api: Api, model: str) -> Expect:
    """Another than the API's own model may be refused; `kinds` judges whether it is."""
    return "accept" if model == served.model(api) else "either"


def kinds(api: Api, row: str) -> Probe:
    """The API with its own model and, beside it, with an embedding model."""

    @table(f"{api}.kinds", api, [row])
    def build(row: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served)
        yield Step("own", OPERATION[api], body, shared=True)
        model = embedding_model(served, api)
        if model is not None and model != body["model"]:
            other = body | {"model": model}
            yield Step("embedding", OPERATION[api], other, serves=(row,))

    return build
