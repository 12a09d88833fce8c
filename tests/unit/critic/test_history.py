"""What the critic learns from verdicts and reviews."""

from __future__ import annotations

import pytest

from daydream_contracts.events import Decision, ReviewRecorded
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import ROWS_MAX, CriticHistory
from daydream_critic.history.records import SCORES_MAX, PromotedHypothesis, history_key_of
from support.critic import (
    FULL,
    FakeJudgeModel,
    history_of,
    model_judge,
    verdict_of,
    written_by,
)
from support.message_builders import AT


def test_a_verdict_is_learned_once_and_within_bounds() -> None:
    judges = [
        model_judge(FakeJudgeModel([8])),
        model_judge(FakeJudgeModel([6], "claude-haiku")),
    ]
    verdict = verdict_of(judges, CriticHistory(), written_by("qwen3"))
    history = CriticHistory()
    for sequence in (1, 1, 2):
        history.add(sequence, verdict)
    key = history_key_of(verdict.judgements[0])
    assert key == judges[0].history_key(FULL)
    assert history.judges[key].scores == {8.0: 2}
    assert CalibratedHistory(history).usd_per_answer(key) == pytest.approx(1e-6)
    assert len(history.rows) == 2
    for sequence in range(3, 3 + SCORES_MAX + ROWS_MAX):
        history.add(sequence, verdict)
    assert SCORES_MAX / 2 < history.judges[key].count <= SCORES_MAX
    assert len(history.rows) == ROWS_MAX
    assert CriticHistory.model_validate_json(history.model_dump_json()) == history


def review(verdict_id: str, *, accepted: bool) -> ReviewRecorded:
    return ReviewRecorded(verdict_id=verdict_id, accepted=accepted, who="ada", recorded_at=AT)


def test_the_threshold_moves_to_where_reviews_prove_the_target_precision() -> None:
    judges = [model_judge(FakeJudgeModel([8, 8]))]
    history = history_of(judges)
    history.promoted = {
        f"v{number}": PromotedHypothesis(log_odds=-4 + 0.1 * number) for number in range(60)
    }
    for number in range(60):
        history.review(number + 1, review(f"v{number}", accepted=number >= 10))
    certified = history.certified_threshold(0.9)
    assert certified is not None
    assert certified.threshold < -2.8
    assert certified.low > 0.7
    verdict = verdict_of(judges, history, written_by("qwen3"), target_precision=0.9)
    aggregation = verdict.aggregation
    assert aggregation is not None
    assert (aggregation.rule, aggregation.threshold) == ("precision", certified.threshold)
    assert (verdict.decision, verdict.reason) == (Decision.PROMOTED, "precision")
    assert "90%" in verdict.explanation
    strict = verdict_of(judges, history, written_by("qwen3"), target_precision=0.99)
    assert strict.reason == "quota", "reviews can't prove that precision"


def test_the_last_review_holds_and_one_of_an_unknown_verdict_is_no_label() -> None:
    history = CriticHistory(promoted={"v1": PromotedHypothesis(log_odds=0.5)})
    history.review(1, review("v1", accepted=True))
    history.review(2, review("v9", accepted=True))
    history.review(3, review("v1", accepted=False))
    assert [(label.verdict_id, label.accepted) for label in history.labels] == [("v1", False)]
    assert history.reviews_sequence == 3
