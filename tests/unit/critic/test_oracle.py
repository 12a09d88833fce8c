"""How the oracle examines a candidate. The answers of its model are scripted."""

from __future__ import annotations

import pytest

from daydream_contracts.events import (
    Aggregation,
    Decision,
    Examination,
    FactKind,
    Statement,
    Synthesis,
    VerdictReached,
    verdict_id_of,
)
from daydream_contracts.prompt_variables import order_statements
from daydream_critic.oracle.requests import refute_requests
from daydream_critic.oracle.settings import OracleSettings
from daydream_models.stage_plans import SHORT
from support.critic import with_pair
from support.message_builders import hypothesis
from support.oracle import (
    FakeOracleModel,
    RefutationScript,
    candidate,
    examine,
    make_oracle,
    retriever,
    search_hit,
)


def examination_of(verdict: VerdictReached) -> Examination:
    assert verdict.examination is not None
    return verdict.examination


def synthesis_of(verdict: VerdictReached) -> Synthesis:
    assert verdict.hypothesis.synthesis is not None
    return verdict.hypothesis.synthesis


def test_a_hypothesis_that_withstands_the_first_attempt_is_promoted_with_the_judges_reason() -> (
    None
):
    model = FakeOracleModel([("holds", 0)])
    verdict = examine(model)
    assert (verdict.decision, verdict.reason) == (Decision.PROMOTED, "quota")
    assert (verdict.final, verdict.role) == (True, "oracle")
    assert verdict.verdict_id == verdict_id_of(verdict.hypothesis.hypothesis_id, "oracle", 1)
    assert "log-odds 1.2" in verdict.explanation
    assert verdict.aggregation == Aggregation(rule="quota")
    assert model.prompts == ["alone.v1", "alone.v1", "refute.v1"]
    assert verdict.cost_nanousd == 500 + 3 * 10
    assert len(verdict.calls) == 3


def test_a_hypothesis_is_refuted_only_if_every_attempt_refutes_it() -> None:
    verdict = examine(FakeOracleModel([("refuted", 0), ("refuted", 0)]))
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "refuted")
    assert [attempt.holds for attempt in examination_of(verdict).attempts] == [False, False]
    saved = examine(FakeOracleModel([("refuted", 0), ("holds", 0)]))
    assert saved.decision is Decision.PROMOTED
    single = examine(FakeOracleModel([("refuted", 0)]), attempts=1)
    assert single.decision is Decision.REFUTED


def test_the_second_attempt_is_another_request_with_everything_in_reverse_order() -> None:
    model = FakeOracleModel([("refuted", 0), ("refuted", 0)])
    hits = (search_hit(8, "Salt was money."), search_hit(9, "Ice is slippery."))
    examine(model, evidence=retriever(*hits), controls=False)
    first, second = model.requests
    assert first.key != second.key
    assert first.temperature < second.temperature
    shown = [request.messages[1]["content"] for request in model.requests]
    assert all("1. " in text and "2. " in text and "3. " not in text for text in shown)
    for former, latter in (("Salt", "Ice"), ("number 0", "number 1")):
        orders = [text.index(former) < text.index(latter) for text in shown]
        assert orders[0] != orders[1]


def test_prior_art_is_named() -> None:
    insight = search_hit(9, "Ice is slippery.", kind=FactKind.INSIGHT)
    hits = (search_hit(8, "Salt was money."), insight)
    statements = [Statement(kind="", id=hit.fact.fact_id, text=hit.fact.text) for hit in hits]
    shown_ids = [statement.id for statement in order_statements(statements, 0)]
    number = shown_ids.index(insight.fact.fact_id) + 1
    model = FakeOracleModel([("holds", number), ("refuted", 0)])
    verdict = examine(model, evidence=retriever(*hits), controls=False)
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "prior-art")
    nearest = verdict.nearest
    assert nearest is not None
    assert (nearest.kind, nearest.id, nearest.similarity) == (
        "insight",
        insight.fact.fact_id,
        0.5,
    )
    assert insight.fact.fact_id in verdict.explanation


def test_what_one_fact_alone_suggests_is_no_bridge() -> None:
    model = FakeOracleModel(
        [("holds", 1), ("holds", 2)], suggestions=["Meandering rivers delay floods."]
    )
    verdict = examine(model)
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "one-fact")
    statements = examination_of(verdict).statements
    assert {statement.kind for statement in statements} == {"alone"}
    assert [statement.id for statement in statements] == [
        verdict.hypothesis.pair.first.fact_id,
        verdict.hypothesis.pair.second.fact_id,
    ]


def test_the_control_sees_one_fact_and_nothing_of_the_hypothesis() -> None:
    model = FakeOracleModel([("holds", 0)])
    verdict = examine(model)
    pair = verdict.hypothesis.pair
    controls = zip(
        model.requests[:2], (pair.first, pair.second), (pair.second, pair.first), strict=True
    )
    for request, own, other in controls:
        shown = request.messages[1]["content"]
        assert own.text in shown
        assert other.text not in shown
        assert synthesis_of(verdict).hypothesis not in shown


@pytest.mark.parametrize(
    "answers", [[None, None], [("holds", 99), ("refuted", 7)]], ids=["no JSON", "no such statement"]
)
def test_an_unreadable_oracle_promotes_nothing(answers: list[RefutationScript]) -> None:
    verdict = examine(FakeOracleModel(answers, suggestions=()))
    assert (verdict.decision, verdict.reason) == (Decision.DISCARDED, "oracle-unreadable")


def test_an_unreadable_attempt_neither_saves_nor_refutes() -> None:
    assert examine(FakeOracleModel([None, ("holds", 0)])).decision is Decision.PROMOTED
    assert examine(FakeOracleModel([None, ("refuted", 0)])).decision is Decision.REFUTED


def test_a_smaller_plan_has_attempts_alone() -> None:
    model = FakeOracleModel([("holds", 0)])
    verdict = examine(model, candidate(with_pair(hypothesis(), plan=SHORT)))
    assert verdict.decision is Decision.PROMOTED
    assert model.prompts == ["refute.v1"]


def test_the_plan_pays_for_every_attempt_and_both_controls() -> None:
    plan = make_oracle(FakeOracleModel([]), attempts=3).plan()
    assert (plan.fixed_nanousd, plan.nanousd_per_fact_byte) == (3 * 1000 + 2 * 1000, 3 * 3 + 3)
    assert plan.reduced[SHORT].fixed_nanousd == 300
    without = make_oracle(FakeOracleModel([]), attempts=3, controls=False).plan()
    assert without.fixed_nanousd == 3000


def test_the_reservation_covers_the_longest_prompt() -> None:
    hits = [search_hit(number, "é" * 2000) for number in range(10, 35)]
    model = FakeOracleModel([("holds", 0)], suggestions=["ü" * 2000] * 2)
    verdict = examine(model, evidence=retriever(*hits), known_max=20)
    request = refute_requests(OracleSettings(known_max=20))["full"]
    shown = sum(len(message["content"].encode()) for message in model.requests[-1].messages)
    pair = verdict.hypothesis.pair
    facts = len(pair.first.text.encode()) + len(pair.second.text.encode())
    assert shown <= request.prompt.fixed_bytes + request.text_bytes_max + facts + 8 * 80
