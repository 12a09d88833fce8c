"""Hypotheses near the promotion threshold are compared with judged ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from daydream_contracts.events import Decision, VerdictReached
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import ComparisonRow, ReferenceHypothesis
from support.critic import (
    FakeJudgeModel,
    FakeNearestMemory,
    history_of,
    model_judge,
    verdict_of,
    written_by,
)
from support.message_builders import AT, SYNTHESIS, hypothesis

REFERENCE = "Reference number"


def reference_verdict(number: int) -> VerdictReached:
    text = f"{REFERENCE} {number} says something of its own about the world."
    synthesis = SYNTHESIS.model_copy(update={"hypothesis": text})
    return VerdictReached(
        verdict_id=f"v{number}",
        hypothesis=hypothesis(100 + number, synthesis),
        role="critic",
        round=1,
        decision=Decision.DISCARDED,
        reason="quota",
        explanation="",
        final=True,
        cost_nanousd=0,
        reached_at=AT,
    )


def add_references(history: CriticHistory, **access: Any) -> FakeNearestMemory:
    """Add four hypotheses at the threshold to the history, and return a memory with their texts."""
    model = CalibratedHistory(history).aggregation_model(list(history.judges))
    threshold = history.quota_threshold(0.05).value(model)
    verdicts = [reference_verdict(number) for number in range(4)]
    for number, verdict in enumerate(verdicts):
        reference = ReferenceHypothesis(
            verdict_id=verdict.verdict_id,
            hypothesis_id=verdict.hypothesis.hypothesis_id,
            log_odds=threshold + 0.01 * number,
            **access,
        )
        history.references.append(reference)
    return FakeNearestMemory(verdicts)


def is_own_first(content: str) -> bool:
    return content.index(SYNTHESIS.hypothesis) < content.index(REFERENCE)


def judge_near_threshold(
    better: Callable[[str], str], **access: Any
) -> tuple[VerdictReached, FakeJudgeModel]:
    """Judge a hypothesis between half of the quota and twice the quota."""
    model = FakeJudgeModel([8], better=better)
    judges = [model_judge(model)]
    history = history_of(judges)
    history.final_log_odds = [-4.7 + 0.02 * step for step in range(100)]
    memory = add_references(history, **access)
    return verdict_of(judges, history, written_by("qwen3"), memory), model


@pytest.mark.parametrize("wins", [True, False])
def test_near_the_threshold_comparisons_in_both_orders_decide(wins: bool) -> None:
    verdict, model = judge_near_threshold(
        lambda content: "first" if is_own_first(content) == wins else "second"
    )
    aggregation = verdict.aggregation
    assert aggregation is not None
    assert aggregation.rating is not None
    assert aggregation.threshold is not None
    won = [comparison.won for comparison in verdict.comparisons]
    assert won == [wins] * len(verdict.comparisons)
    assert [comparison.shown_first for comparison in verdict.comparisons[:2]] == [True, False]
    assert (verdict.decision is Decision.PROMOTED) == wins
    assert (aggregation.rating > aggregation.threshold) == wins
    assert verdict.cost_nanousd == 5 + 1000 + 10 * len(verdict.comparisons)
    assert len({request.key for request in model.requests}) == len(model.requests)


def test_a_judge_that_always_prefers_the_first_changes_nothing() -> None:
    verdict, _ = judge_near_threshold(lambda _: "first")
    assert verdict.aggregation is not None
    assert verdict.aggregation.rating == pytest.approx(verdict.aggregation.log_odds, abs=0.25)
    assert {comparison.won for comparison in verdict.comparisons} == {True, False}


@pytest.mark.parametrize("access", [{"team": "red"}, {"clearances": ("secret",)}])
def test_hypotheses_of_other_teams_and_clearances_are_not_shown(access: dict[str, Any]) -> None:
    verdict, model = judge_near_threshold(lambda _: "first", **access)
    assert len(model.requests) == 1
    assert verdict.comparisons == ()
    assert verdict.aggregation is not None
    assert verdict.aggregation.rating is None


def test_position_bias_is_learned_from_all_comparisons_of_a_judge() -> None:
    history = CriticHistory()
    for number in range(40):
        first, second = f"a{number}", f"b{number}"
        history.comparisons += [
            ComparisonRow(judge="j", first=first, second=second, first_won=True),
            ComparisonRow(judge="j", first=second, second=first, first_won=True),
        ]
    assert history.position_bias("j") > 2
    assert history.position_bias("another") == 0.0
