"""The critic's report on itself."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import CanaryResult, ComparisonRow, JudgeStats, ReviewLabel
from daydream_critic.history.report import RECENT_CANARIES, drift_of, share_of, state_of
from daydream_critic.metrics import observe
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.model_judge import JudgeSpec
from daydream_critic.pipeline.judges.registry import judge_spec
from daydream_critic.settings import CriticSettings
from daydream_models.settings import ModelSettings
from daydream_runtime.telemetry import start_telemetry


def judge_specs(count: int = 2) -> list[JudgeSpec]:
    configs = [
        JudgeConfig(model=ModelSettings(name=name), rubric="essay")
        for name in ("gpt-4.1", "claude-haiku", "qwen3")[:count]
    ]
    return [judge_spec(CriticSettings(), config) for config in configs]


def canary_results(bridges: list[bool], decoys: list[bool]) -> list[CanaryResult]:
    return [
        CanaryResult(bridge=bridge, promoted=promoted, scores={})
        for bridge, kind in ((True, bridges), (False, decoys))
        for promoted in kind
    ]


def test_a_critic_with_steady_rates_does_not_drift() -> None:
    usual = [True, True, False] * 20
    assert drift_of(CriticHistory(canaries=canary_results(usual, [False] * 60))) == ()
    assert (
        drift_of(
            CriticHistory(
                canaries=canary_results([True] * RECENT_CANARIES, [False] * RECENT_CANARIES)
            )
        )
        == ()
    ), "there is nothing before to compare with"


def test_a_falling_hit_rate_and_a_rising_false_alarm_rate_are_drift() -> None:
    drift = drift_of(
        CriticHistory(
            canaries=canary_results(
                [True] * 60 + [False] * RECENT_CANARIES,
                [False] * 60 + [True] * RECENT_CANARIES,
            )
        )
    )
    assert drift == (
        "the hit rate fell: 0 of the last 30 canary bridges passed; before, 60 of 60 did",
        "the false-alarm rate rose: 30 of the last 30 canary decoys passed; before, 0 of 60 did",
    )


def test_without_observations_a_share_may_be_anything() -> None:
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0.0, 1.0)
    assert share_of(5, 10).low < 0.5 < share_of(5, 10).high


def test_a_critic_without_a_history_says_so() -> None:
    state = state_of(CalibratedHistory(CriticHistory()), judge_specs(), CriticSettings())
    assert (state.rule, state.judged, state.effective_judges, state.calibration, state.certain) == (
        "quota",
        0,
        2.0,
        (),
        None,
    )
    assert [(judge.answers, judge.measured, judge.position_bias) for judge in state.judges] == [
        (0, False, 0.0)
    ] * 2


def test_three_judges_that_always_agree_are_worth_hardly_more_than_one() -> None:
    judges = judge_specs(3)
    keys = [judge.history_key("full") for judge in judges]
    history = CriticHistory(judged=10, cost_nanousd=5000, stopped={"duplicate": 4})
    for at in range(300):
        history.rows.append({key: float(5 + at % 4) for key in keys})
    history.judges = {
        key: JudgeStats(
            scores={5.0: 75, 6.0: 75, 7.0: 75, 8.0: 75}, answers=300, cost_nanousd=300_000
        )
        for key in keys
    }
    state = state_of(CalibratedHistory(history), judges, CriticSettings())
    assert 1.0 <= state.effective_judges < 1.1
    assert state.saved_nanousd == {"duplicate": 2000}
    assert state.judges[0].scores == {"5": 75, "6": 75, "7": 75, "8": 75}
    assert state.judges[0].nanousd_per_answer == 1000


def test_calibration_and_position_bias_come_from_reviews_and_comparisons() -> None:
    history = CriticHistory(
        labels=[
            ReviewLabel(verdict_id=str(at), log_odds=at / 10, accepted=at >= 25) for at in range(50)
        ]
    )
    judges = judge_specs(1)
    history.comparisons = [
        ComparisonRow(judge=judges[0].name, first=f"a{at}", second=f"b{at}", first_won=True)
        for at in range(20)
    ]
    state = state_of(CalibratedHistory(history), judges, CriticSettings(target_precision=0.6))
    assert [part.accepted.hits for part in state.calibration] == [0, 0, 5, 10, 10]
    assert state.certain is not None
    assert state.certain.accepted.low >= 0.5
    certified = history.certified_threshold(0.6)
    assert certified is not None
    stated = state.certain.accepted
    assert (stated.low, stated.high) == (certified.low, certified.high)
    plain = share_of(stated.hits, stated.count)
    assert (stated.low, stated.high) != (plain.low, plain.high), "the search is allowed for"
    assert state.judges[0].position_bias > 0.5
    assert state.judges[0].comparisons == 20
    assert state.promotion_threshold == pytest.approx(state.certain.threshold)


def test_canary_rates_and_their_intervals_are_metrics() -> None:
    telemetry = start_telemetry("critic", "test")
    history = CriticHistory(canaries=canary_results([True] * 6 + [False] * 2, [False] * 10))
    observe(
        telemetry, lambda: state_of(CalibratedHistory(history), judge_specs(), CriticSettings())
    )
    lines = generate_latest(telemetry.registry).decode().splitlines()
    telemetry.close()
    rates_by_labels = {
        line.partition("{")[2].rpartition("}")[0]: float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("daydream_critic_canary_promotion_rate")
    }
    rates = {
        (kind, bound): value
        for labels, value in rates_by_labels.items()
        for kind in ("bridge", "decoy")
        for bound in ("share", "low", "high")
        if f'"{kind}"' in labels and f'"{bound}"' in labels
    }
    assert (rates["bridge", "share"], rates["decoy", "share"], rates["decoy", "low"]) == (
        0.75,
        0.0,
        0.0,
    )
    assert rates["bridge", "low"] < 0.75 < rates["bridge", "high"]
    assert 0 < rates["decoy", "high"] < 0.4


def test_the_report_has_the_rates_of_the_oracle_for_the_canaries_that_reached_it() -> None:
    examined = [
        canary.model_copy(update={"examined": True})
        for canary in canary_results([True, True, False], [False, False])
    ]
    state = state_of(
        CalibratedHistory(CriticHistory(canaries=[*examined, *canary_results([False], [True])])),
        judge_specs(),
        CriticSettings(),
    )
    assert state.oracle_bridges is not None
    assert state.oracle_decoys is not None
    assert (
        state.oracle_bridges.hits,
        state.oracle_bridges.count,
        state.oracle_decoys.hits,
        state.oracle_decoys.count,
    ) == (2, 3, 0, 2)
    assert (state.bridges.hits, state.bridges.count) == (2, 4)
