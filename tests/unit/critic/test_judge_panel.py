"""Who is asked about a hypothesis, how often, and what the critic decides."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from daydream_contracts.events import Decision
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import JudgeStats
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.judge_panel import SNAPSHOT_GROWTH, SNAPSHOT_HYPOTHESES, JudgePanel
from daydream_critic.settings import CriticSettings
from daydream_models.model_request import ModelRequest
from support.critic import (
    FULL,
    FakeJudgeModel,
    canaries_for,
    history_of,
    model_judge,
    verdict_of,
    with_pair,
    written_by,
)

USD = 10**9


def test_promotion_by_score_takes_scores_as_they_are() -> None:
    judges = [
        model_judge(FakeJudgeModel([8])),
        model_judge(FakeJudgeModel([7], "claude-haiku")),
    ]
    verdict = verdict_of(judges, CriticHistory(), written_by("qwen3"), promote_by="score")
    assert (verdict.decision, verdict.reason, verdict.score) == (Decision.PROMOTED, "score", 7.5)
    assert [judgement.judge for judgement in verdict.judgements] == [
        "judge.v1@gpt-4.1",
        "judge.v1@claude-haiku",
    ]
    assert verdict.cost_nanousd == 5 + 2000
    assert verdict.spread == pytest.approx(0.5**0.5)


def test_promotion_by_score_discards_for_one_low_score_whatever_the_mean_is() -> None:
    judges = [
        model_judge(FakeJudgeModel([8])),
        model_judge(FakeJudgeModel([3], "claude-haiku")),
    ]
    verdict = verdict_of(
        judges, CriticHistory(), written_by("qwen3"), promote_by="score", promote_score=5
    )
    assert (verdict.decision, verdict.reason) == (Decision.DISCARDED, "score")


def test_the_writers_family_does_not_judge() -> None:
    related, unrelated = FakeJudgeModel([9], "gpt-4.1"), FakeJudgeModel([3], "claude-haiku")
    judges = [model_judge(related), model_judge(unrelated)]
    verdict = verdict_of(judges, CriticHistory(), written_by("gpt-5-mini"))
    assert related.requests == []
    assert [judgement.self_judged for judgement in verdict.judgements] == [False]


def test_if_all_judges_are_of_the_writers_family_they_judge_and_say_so() -> None:
    judges = [model_judge(FakeJudgeModel([9], name)) for name in ("gpt-4.1", "o3")]
    verdict = verdict_of(judges, CriticHistory(), written_by("gpt-5-mini"))
    assert [judgement.self_judged for judgement in verdict.judgements] == [True, True]


def test_a_judge_that_gives_almost_only_sevens_still_orders_by_its_rare_eight() -> None:
    model = FakeJudgeModel([8])
    judge = model_judge(model)
    history = CriticHistory(final_log_odds=[-3.0] * 200)
    history.judges[judge.history_key(FULL)] = JudgeStats(
        scores={7.0: 195, 6.0: 3, 8.0: 2}, answers=200, cost_nanousd=200_000
    )
    verdict = verdict_of([judge], history, written_by("qwen3"))
    assert (verdict.decision, verdict.reason) == (Decision.PROMOTED, "quota")
    model.scores = [7]
    verdict = verdict_of([judge], history, written_by("qwen3"))
    assert verdict.decision is Decision.DISCARDED, "though absolute scores ask for 7"


def test_the_aggregation_in_the_verdict_is_the_whole_arithmetic() -> None:
    judges = [
        model_judge(FakeJudgeModel([8])),
        model_judge(FakeJudgeModel([8], "claude-haiku")),
    ]
    history = history_of(judges)
    aggregation = verdict_of(judges, history, written_by("qwen3")).aggregation
    assert aggregation is not None
    assert aggregation.prior is not None
    model = CalibratedHistory(history).aggregation_model(
        [judge.history_key(FULL) for judge in judges]
    )
    values = np.array([vote.value for vote in aggregation.votes])
    log_odds = model.log_odds(values, (1, 1), aggregation.prior)
    assert aggregation.log_odds == pytest.approx(log_odds)
    weights = model.weigh((1, 1)).weights.tolist()
    assert [vote.weight for vote in aggregation.votes] == pytest.approx(weights)


def requests_for(score: int) -> list[ModelRequest]:
    """Return the requests to one judge that always gives this score and may be asked 3 times."""
    model = FakeJudgeModel([score] * 5)
    judge = model_judge(model, calls_max=3)
    history = history_of([judge])
    ranks = CalibratedHistory(history).score_ranks(judge.history_key(FULL))
    assert ranks.of_score(6.0) < ranks.of_score(7.0) < ranks.of_score(8.0)
    assert history.quota_threshold(0.05).count == 200
    verdict = verdict_of([judge], history, written_by("qwen3"), usd_per_hit_max=1.0)
    calls = [judgement.call for judgement in verdict.judgements]
    assert calls == list(range(len(model.requests)))
    return model.requests


def test_a_clear_case_gets_one_opinion() -> None:
    assert len(requests_for(4)) == 1


def test_a_case_near_the_threshold_gets_more_opinions_each_by_another_request() -> None:
    requests = requests_for(8)
    assert len(requests) > 1
    assert len({request.key for request in requests}) == len(requests)
    assert requests[0].temperature < requests[1].temperature


@pytest.mark.parametrize(("size", "calls"), [("short", [1, 1]), ("minimal", [1, 0])])
def test_smaller_plans_ask_no_judge_twice_and_the_smallest_asks_the_first_judge_only(
    size: str, calls: list[int]
) -> None:
    models = [FakeJudgeModel([8] * 4), FakeJudgeModel([8] * 4, "claude-haiku")]
    judges = [model_judge(model, calls_max=3) for model in models]
    verdict_of(judges, CriticHistory(), with_pair(written_by("qwen3"), plan=size))
    assert [len(model.requests) for model in models] == calls


def test_an_unreadable_answer_is_no_vote() -> None:
    judges = [
        model_judge(FakeJudgeModel([None])),
        model_judge(FakeJudgeModel([9], "claude-haiku")),
    ]
    verdict = verdict_of(judges, CriticHistory(), written_by("qwen3"))
    assert (verdict.decision, verdict.score) == (Decision.PROMOTED, 9.0)


def test_a_content_filter_in_front_of_the_judge_is_an_outcome_of_its_own() -> None:
    judges = [model_judge(FakeJudgeModel([None], filtered="against the policy"))]
    verdict = verdict_of(judges, CriticHistory(), written_by("qwen3"))
    assert (verdict.decision, verdict.reason) == (Decision.DISCARDED, "filtered")
    assert "against the policy" in verdict.explanation
    assert verdict.judgements[0].filtered == "against the policy"


def test_without_any_readable_answer_the_verdict_says_so_and_counts_the_cost() -> None:
    judges = [model_judge(FakeJudgeModel([None]))]
    verdict = verdict_of(judges, CriticHistory(), written_by("qwen3"))
    assert (verdict.decision, verdict.reason) == (Decision.DISCARDED, "judge-unreadable")
    assert verdict.cost_nanousd == 5 + 1000


def test_an_unreadable_second_opinion_ends_the_questions_to_that_judge() -> None:
    judges = [model_judge(FakeJudgeModel([8, None, 8, 8]), calls_max=4)]
    verdict = verdict_of(judges, history_of(judges), written_by("qwen3"), usd_per_hit_max=100)
    assert len(verdict.judgements) == 2
    assert verdict.aggregation is not None
    assert verdict.aggregation.votes[0].calls == 1


def calls_of_a_poor_and_a_good_judge(good_cost_nanousd: int) -> list[int]:
    """Return how often each was asked. The poor one costs 1,000 nano-dollars per answer."""
    models = [
        FakeJudgeModel([7] * 9, cost_nanousd=1000),
        FakeJudgeModel([4] * 9, "claude-haiku", cost_nanousd=good_cost_nanousd),
    ]
    judges = [model_judge(model) for model in models]
    history = history_of(judges)
    history.judges[judges[1].history_key(FULL)].cost_nanousd = good_cost_nanousd * 200
    history.canaries = canaries_for(judges)
    assert CalibratedHistory(history).is_measured([judge.history_key(FULL) for judge in judges])
    verdict_of(judges, history, written_by("qwen3"), usd_per_hit_max=0.001, compare_max=0)
    return [len(model.requests) for model in models]


def test_once_canaries_show_who_is_good_the_better_judge_is_asked_at_the_same_price() -> None:
    assert calls_of_a_poor_and_a_good_judge(1000) == [0, 1], "and its answer is clear"


def test_a_good_judge_is_not_asked_for_more_than_its_answer_is_worth() -> None:
    assert calls_of_a_poor_and_a_good_judge(USD) == [1, 0]


def test_a_snapshot_of_the_judges_holds_for_a_number_of_hypotheses() -> None:
    models = [FakeJudgeModel([7] * 9), FakeJudgeModel([4] * 9, "claude-haiku")]
    judges = [model_judge(model) for model in models]
    history = history_of(judges)
    history.canaries = canaries_for(judges)
    history.judged = SNAPSHOT_GROWTH * SNAPSHOT_HYPOTHESES
    panel = JudgePanel(
        judges, lambda: CalibratedHistory(history), CriticSettings(usd_per_hit_max=0.001)
    )

    def asked() -> list[str]:
        evaluation = asyncio.run(panel.evaluate(Evaluation(written_by("qwen3"))))
        return [judgement.judge for judgement in evaluation.judgements]

    assert asked() == [judges[1].name]
    history.judges[judges[1].history_key(FULL)].cost_nanousd = 200 * USD
    history.judged += SNAPSHOT_HYPOTHESES - 1
    assert asked() == [judges[1].name]
    history.judged += 1
    assert asked() == [judges[0].name]


def test_a_canary_is_judged_by_all_judges_and_teaches_only_how_good_they_are() -> None:
    models = [FakeJudgeModel([7]), FakeJudgeModel([9], "claude-haiku")]
    judges = [model_judge(model) for model in models]
    history = history_of(judges)
    history.canaries = canaries_for(judges)
    proposed = with_pair(written_by("qwen3"), canary="bridge")
    verdict = verdict_of(judges, history, proposed, usd_per_hit_max=1e-9, compare_max=0)
    assert [len(model.requests) for model in models] == [1, 1]
    changed = {"canaries", "canaries_judged", "sequence"}
    before = history.model_dump(exclude=changed)
    history.add(1, verdict)
    assert history.model_dump(exclude=changed) == before
    assert history.canaries[-1].bridge
    assert history.canaries[-1].scores == {
        judges[0].history_key(FULL): [7.0],
        judges[1].history_key(FULL): [9.0],
    }
    promoted = 20 + (verdict.decision is Decision.PROMOTED)
    assert history.canary_rate(bridges=True) == (promoted, 21)
    assert history.canary_rate(bridges=False) == (0, 20)


def test_a_new_round_is_judged_by_the_named_judges_and_moves_no_threshold() -> None:
    models = [FakeJudgeModel([7]), FakeJudgeModel([9], "claude-haiku")]
    judges = [model_judge(model) for model in models]
    history = history_of(judges)
    again = written_by("qwen3").model_copy(update={"round": 2, "judges": (judges[1].name,)})
    verdict = verdict_of(judges, history, again, compare_max=0)
    first = verdict_of([model_judge(FakeJudgeModel([7]))], CriticHistory(), written_by("qwen3"))
    assert [len(model.requests) for model in models] == [0, 1]
    assert (verdict.round, verdict.final) == (2, True)
    assert verdict.verdict_id != first.verdict_id
    assert verdict.cost_nanousd == 1000, "the first verdict counted the synthesis"
    before = list(history.final_log_odds)
    history.add(1, verdict)
    assert history.final_log_odds == before
    assert history.judges[judges[1].history_key(FULL)].count == 201


def test_promotion_by_score_asks_each_judge_once_and_uses_no_history() -> None:
    models = [FakeJudgeModel([7]), FakeJudgeModel([8], "claude-haiku")]
    judges = [model_judge(model) for model in models]
    history = history_of(judges)
    history.canaries = canaries_for(judges)
    verdict = verdict_of(judges, history, written_by("qwen3"), promote_by="score")
    assert [len(model.requests) for model in models] == [1, 1]
    assert verdict.aggregation is not None
    assert (verdict.decision, verdict.aggregation.rule) == (Decision.PROMOTED, "score")
    assert verdict.aggregation.log_odds is None
