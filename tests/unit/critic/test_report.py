"""What the critic says of itself."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from daydream_critic.app import forms
from daydream_critic.history.projection import CriticHistory
from daydream_critic.history.records import CanaryResult, ComparisonRow, JudgeStats, ReviewLabel
from daydream_critic.history.report import RECENT, drift, share, state_of
from daydream_critic.judge_config import JudgeConfig
from daydream_critic.metrics import observe
from daydream_critic.pipeline.judge import JudgeSpec
from daydream_critic.settings import CriticSettings
from daydream_models.settings import ModelSettings
from daydream_runtime.telemetry import start_telemetry


def seats(count: int = 2) -> list[JudgeSpec]:
    jurors = [
        JudgeConfig(model=ModelSettings(name=name), rubric="essay")
        for name in ("gpt-4.1", "claude-haiku", "qwen3")[:count]
    ]
    return [JudgeSpec(one.name, forms(CriticSettings(), one), one.model_family) for one in jurors]


def fates(bridges: list[bool], decoys: list[bool]) -> list[CanaryResult]:
    return [
        CanaryResult(bridge=bridge, promoted=promoted, scores={})
        for bridge, kind in ((True, bridges), (False, decoys))
        for promoted in kind
    ]


def test_a_critic_that_is_as_it_was_does_not_drift() -> None:
    usual = [True, True, False] * 20
    assert drift(CriticHistory(canaries=fates(usual, [False] * 60))) == ()
    assert drift(CriticHistory(canaries=fates([True] * RECENT, [False] * RECENT))) == (), (
        "there is nothing before to hold it against"
    )


def test_a_hit_rate_that_falls_and_a_false_alarm_rate_that_rises_are_drift() -> None:
    found = drift(
        CriticHistory(
            canaries=fates([True] * 60 + [False] * RECENT, [False] * 60 + [True] * RECENT)
        )
    )
    assert found == (
        "the hit rate fell: 0 of the last 30 planted bridges pass, 60 of 60 did before",
        "the false-alarm rate rose: 30 of the last 30 planted decoys pass, 0 of 60 did before",
    )


def test_of_nothing_anything_may_be_true() -> None:
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)
    assert share(5, 10).low < 0.5 < share(5, 10).high


def test_a_critic_that_has_seen_nothing_says_so() -> None:
    state = state_of(CriticHistory(), seats(), CriticSettings())
    assert (state.rule, state.judged, state.effective_judges, state.calibration, state.certain) == (
        "score",
        0,
        2.0,
        (),
        None,
    )
    assert [(one.answers, one.measured, one.position_bias) for one in state.judges] == [
        (0, False, 0.0)
    ] * 2


def test_nine_judges_that_say_the_same_are_hardly_more_than_one_and_what_gates_saved_is_counted() -> (
    None
):
    judges = seats(3)
    keys = [one.key("full") for one in judges]
    experience = CriticHistory(judged=10, cost_nanousd=5000, stopped={"duplicate": 4})
    for at in range(300):
        experience.rows.append({key: float(5 + at % 4) for key in keys})
    experience.judges = {
        key: JudgeStats(
            scores={5.0: 75, 6.0: 75, 7.0: 75, 8.0: 75}, answers=300, cost_nanousd=300_000
        )
        for key in keys
    }
    state = state_of(experience, judges, CriticSettings())
    assert 1.0 <= state.effective_judges < 1.1
    assert state.saved_nanousd == {"duplicate": 2000}
    assert state.judges[0].scores == {"5": 75, "6": 75, "7": 75, "8": 75}
    assert state.judges[0].nanousd_per_answer == 1000


def test_the_calibration_curve_and_the_favour_for_a_position_come_from_what_people_and_judges_said() -> (
    None
):
    experience = CriticHistory(
        labels=[
            ReviewLabel(verdict_id=str(at), log_odds=at / 10, accepted=at >= 25) for at in range(50)
        ]
    )
    judges = seats(1)
    experience.compared = [
        ComparisonRow(judge=judges[0].name, first=f"a{at}", second=f"b{at}", first_won=True)
        for at in range(20)
    ]
    state = state_of(experience, judges, CriticSettings(target_precision=0.6))
    assert [part.accepted.hits for part in state.calibration] == [0, 0, 5, 10, 10]
    assert state.certain is not None
    assert state.certain.accepted.low >= 0.5
    assert state.judges[0].position_bias > 0.5
    assert state.judges[0].comparisons == 20
    assert state.promotion_threshold == pytest.approx(state.certain.threshold)


def test_both_rates_with_their_intervals_are_metrics() -> None:
    telemetry = start_telemetry("critic", "test")
    experience = CriticHistory(canaries=fates([True] * 6 + [False] * 2, [False] * 10))
    observe(telemetry, lambda: state_of(experience, seats(), CriticSettings()))
    lines = generate_latest(telemetry.registry).decode().splitlines()
    telemetry.close()
    said = {
        line.partition("{")[2].rpartition("}")[0]: float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("daydream_critic_canary_promotion_rate")
    }
    rates = {
        (kind, bound): value
        for labels, value in said.items()
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


def test_of_the_oracle_it_is_told_what_it_did_to_those_that_came_to_it() -> None:
    came = [
        one.model_copy(update={"examined": True})
        for one in fates([True, True, False], [False, False])
    ]
    state = state_of(
        CriticHistory(canaries=[*came, *fates([False], [True])]), seats(), CriticSettings()
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
