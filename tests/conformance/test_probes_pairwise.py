"""The probes of rerank, score and embeddings are what they claim to be."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from exchanges import dump, exchange
from played import BOTH, EMBEDDING, play

from aios_conformance.conformance.observing.selfcheck import suite_fault
from aios_conformance.conformance.planning.drawing import draw, plain
from aios_conformance.conformance.probes import embeddings, rerank, score, texts
from aios_conformance.conformance.probes.bodies import OPERATION
from aios_conformance.conformance.terms.catalogue import all_probes
from aios_conformance.conformance.terms.cost import subwords
from aios_conformance.conformance.terms.exchange import Api, Facts
from aios_conformance.conformance.terms.probe import Probe, Served, Step
from aios_conformance.spec import Level, examples, requirement

MODULES = {"rerank": rerank, "score": score, "embeddings": embeddings}
PROBES: list[Probe] = [p for module in MODULES.values() for p in module.PROBES]
SHARE = {"rerank": 70, "score": 70, "embeddings": 60}  # requests in standard


def _params(probe: Probe, count: int) -> list[Any]:
    if probe.rows:
        return [plain(row) for row in probe.rows[:count]]
    return draw(probe.name, probe.params, count, 0) if count else []


def _scenarios(probe: Probe, preset: str, facts: Facts = BOTH) -> Iterator[list[Step]]:
    for params in _params(probe, getattr(probe.draws, preset)):
        yield list(probe.build(params, Served(facts)))


def _requests(api: Api, preset: str) -> int:
    once: set[bytes] = set()
    count = 0
    for probe in MODULES[api].PROBES:
        for steps in _scenarios(probe, preset):
            for step in steps:
                content = dump([step.operation, step.body]) if step.shared else b""
                count += content not in once or not content
                once.add(content)
    return count


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_what_is_sent_is_what_is_claimed(probe: Probe) -> None:
    for steps in _scenarios(probe, "standard"):
        for step in steps:
            if not callable(step.body):
                assert suite_fault("aios", step, dump(step.body)) is None
            assert bool(step.breaks) == (step.expect == "refuse")


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_rows_are_served_that_can_be_broken(probe: Probe) -> None:
    for steps in _scenarios(probe, "standard"):
        assert len({step.label for step in steps}) == len(steps)
        for step in steps:
            assert step.expect != "either" or not step.serves
            for row in step.serves:
                assert requirement(row).level is not Level.MAY


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_mutant_differs_from_its_neighbour_in_one_member(probe: Probe) -> None:
    for steps in _scenarios(probe, "standard"):
        by_label = {step.label: step.body for step in steps}
        if "mutant" in by_label:
            valid, mutant = by_label["valid"], by_label["mutant"]
            assert isinstance(valid, dict)
            assert isinstance(mutant, dict)
            fields = valid.keys() | mutant.keys()
            assert sum(valid.get(f) != mutant.get(f) for f in fields) == 1


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_draws_as_many_scenarios_as_it_announces(probe: Probe) -> None:
    assert probe.draws.smoke <= probe.draws.standard <= probe.draws.deep
    assert len(_params(probe, probe.draws.standard)) == probe.draws.standard


@pytest.mark.parametrize("api", ["rerank", "score", "embeddings"])
def test_the_presets_keep_to_their_share(api: Api) -> None:
    assert _requests(api, "standard") <= SHARE[api]
    assert 4 <= _requests(api, "smoke") <= 10


def test_names_are_unique_and_gathered() -> None:
    names = Counter(probe.name for probe in PROBES)
    assert max(names.values()) == 1
    assert names.keys() <= {probe.name for probe in all_probes()}


def test_every_printed_request_is_replayed_with_the_served_model() -> None:
    for api, module in MODULES.items():
        probe = next(p for p in module.PROBES if p.name == f"{api}.printed")
        path = OPERATION[api].removeprefix("POST /v1")  # type: ignore[index]
        assert set(probe.rows) == {
            example.id
            for example in examples().values()
            if example.direction == "request"
            and example.operation.endswith(path)
            and example.printed != "unusable"
        }
        for (step,) in _scenarios(probe, "standard"):
            assert step.body["model"] == BOTH.models[api]  # type: ignore[index]


def _named(name: str) -> Probe:
    return next(probe for probe in PROBES if probe.name == name)


@pytest.mark.parametrize("api", ["rerank", "score"])
def test_the_embedding_model_is_tried_beside_a_cross_encoder(api: Api) -> None:
    kinds, cosine = _named(f"{api}.kinds"), _named(f"{api}.cosine")
    alone = Facts(models={api: "m"}, kinds={api: "cross_encoder"})
    for facts, labels in (
        (BOTH, {"own", "embedding"}),
        (EMBEDDING, {"own"}),
        (alone, {"own"}),
        (Facts(), {"own", "embedding"}),  # only planning: the most that may be sent
    ):
        (steps,) = _scenarios(kinds, "standard", facts)
        assert {step.label for step in steps} == labels
    assert [len(steps) for steps in _scenarios(cosine, "standard", alone)] == [0]
    for facts, expect in ((BOTH, "either"), (EMBEDDING, "accept")):
        (steps,) = _scenarios(cosine, "standard", facts)
        assert steps[0].expect == expect
        assert {step.body["model"] for step in steps} == {  # type: ignore[index]
            facts.models["embeddings"]
        }


@pytest.mark.parametrize(
    ("name", "field"),
    [("rerank", "total_tokens"), ("score", "total_tokens"), ("embeddings", "")],
)
def test_a_roomy_limit_exceeds_every_text_even_if_the_target_lies(
    name: str, field: str
) -> None:
    probe = _named(f"{name}.truncation")
    (params,) = _params(probe, 1)
    honest = play(probe, params)
    limit = honest["roomy"].request.json["truncate_prompt_tokens"]
    assert limit >= honest["unlimited"].response.json["usage"]["total_tokens"]  # type: ignore[union-attr]

    def lying(operation: str, body: Any) -> tuple[int, Any]:
        return 200, {"usage": {field: 1}}

    limit = play(probe, params, lying)["roomy"].request.json["truncate_prompt_tokens"]
    assert limit > 60


def test_a_roomy_limit_without_an_answer_counts_words() -> None:
    assert texts.roomy_limit(None, "one two", ["three"]) == 6
    failed = exchange("rerank", {}, None)
    assert texts.roomy_limit(failed, "one two") == 4


# --- texts -------------------------------------------------------------------------


def test_texts_are_short_and_distinct() -> None:
    every = [
        *texts.SENTENCES,
        *texts.BEYOND_ASCII,
        *(t for topic in texts.TOPICS for t in (topic.question, topic.answer)),
        *(topic.restated for topic in texts.TOPICS),
    ]
    assert len(set(every)) == len(every)
    assert max(len(text.split()) for text in every) <= 12
    assert not any(text.isascii() for text in texts.BEYOND_ASCII)
    assert all(text.isascii() for text in texts.SENTENCES)


@pytest.mark.parametrize("ranking", draw("t.rankings", texts.rankings(5, 6), 6, 0))
def test_a_ranking_ends_with_the_answer_and_holds_what_defects_hide_in(
    ranking: Any,
) -> None:
    documents = ranking["documents"]
    topic = next(t for t in texts.TOPICS if t.question == ranking["query"])
    assert documents[-1] == topic.answer
    assert len(set(documents)) == len(documents) - 1
    assert sum(not text.isascii() for text in documents) == 1
    assert 5 <= len(documents) <= 6


@pytest.mark.parametrize("pairs", draw("t.pairs", texts.pairs(4, 4), 6, 0))
def test_pairs_take_turns_in_likeness(pairs: Any) -> None:
    answers = {topic.question: topic.answer for topic in texts.TOPICS}
    related = [two == answers[one] for one, two in pairs]
    assert related == [False, True, False, True]
    assert not pairs[2][1].isascii()


@pytest.mark.parametrize("batch", draw("t.batches", texts.batches(3, 4), 6, 0))
def test_a_batch_has_a_text_beyond_ascii_inside(batch: Any) -> None:
    assert len(set(batch)) == len(batch)
    assert [text.isascii() for text in batch].index(False) not in (0, len(batch) - 1)


@pytest.mark.parametrize("passages", draw("t.passages", texts.passages(3), 6, 0))
def test_passages_exceed_every_tight_limit(passages: Any) -> None:
    assert len(set(passages)) == 3
    assert min(len(passage.split()) for passage in passages) > 24


@pytest.mark.parametrize(
    ("limit", "words"), [(None, 8200), (512, 520), (8192, 8200), (131_072, 8200)]
)
def test_an_overlong_text_is_no_longer_than_it_must_be(
    limit: int | None, words: int
) -> None:
    text = texts.overlong(limit)
    assert len(text.split()) == words
    assert subwords(text) == words


def test_long_text_has_as_many_words_as_asked_for() -> None:
    for words in (1, 36, 37, 9000):
        assert len(texts.long_text(words).split()) == words
