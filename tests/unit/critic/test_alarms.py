"""Alarms about the judges: canaries against the consensus, and when an alert is raised again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from daydream_contracts.events import AlertRaised
from daydream_critic.calibration.records import JudgeCalibration
from daydream_critic.history import history_projector as projector_module
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.history_projector import HistoryProjector
from daydream_critic.history.records import CanaryResult
from daydream_critic.history.report import warnings_of
from daydream_critic.pipeline.judges.interface import Judge
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.verdict_projection import Projector
from support.critic import FULL, FakeJudgeModel, calibrations_of, model_judge

NAMES = ("gpt-4.1", "claude-haiku", "mistral")
CONTRADICTION = "canaries contradict the judges' consensus"


def three_judges() -> list[Judge]:
    return [model_judge(FakeJudgeModel([], name)) for name in NAMES]


def contradicts(known: CalibratedHistory, judges: Sequence[Judge]) -> bool:
    return any(text.startswith(CONTRADICTION) for text in warnings_of(known, judges))


def test_a_calibration_alone_shows_that_canaries_contradict_the_consensus() -> None:
    """A measured panel asks all judges about few hypotheses, so there are no such rows."""
    judges = three_judges()
    misled = calibrations_of(judges[:2], bridges=[5, 6] * 15, decoys=[7, 8] * 15)
    knowing = calibrations_of(judges[2:], bridges=[7, 8] * 15, decoys=[5, 6] * 15)
    assert contradicts(CalibratedHistory(CriticHistory(), misled | knowing), judges)
    right = calibrations_of(judges, bridges=[7, 8] * 15, decoys=[5, 6] * 15)
    assert warnings_of(CalibratedHistory(CriticHistory(), right), judges) == ()


def test_injected_canaries_show_it_too() -> None:
    judges = three_judges()
    keys = [judge.history_key(FULL) for judge in judges]
    canaries = [
        CanaryResult(
            bridge=bridge,
            promoted=False,
            scores={key: [5.0 + 3 * (bridge != (place < 2))] for place, key in enumerate(keys)},
        )
        for bridge in (True, False) * 20
    ]
    assert contradicts(CalibratedHistory(CriticHistory(canaries=canaries)), judges)


def test_rows_of_two_judges_count_where_no_row_has_all() -> None:
    """The first two agree about hypotheses, and hardly tell canaries apart; the third does."""
    judges, rng = three_judges(), np.random.default_rng(0)
    keys = [judge.history_key(FULL) for judge in judges]
    history = CriticHistory()
    for place in range(300):
        score = float(rng.integers(4, 9))
        other = score if place % 3 == 0 else float(rng.integers(4, 9))
        history.rows.append({keys[place % 3 == 1]: score, keys[1 + (place % 3 > 0)]: other})
    poor = calibrations_of(judges[:2], bridges=[5, 7, 6] * 10, decoys=[7, 5, 6] * 10)
    knowing = calibrations_of(judges[2:], bridges=[8, 9] * 15, decoys=[3, 4] * 15)
    assert contradicts(CalibratedHistory(history, poor | knowing), judges)


def test_judges_that_guess_raise_no_false_alarm() -> None:
    """At 95 %, by chance alone, a few of a hundred panels may."""
    judges, rng, alarms = three_judges(), np.random.default_rng(0), 0
    for _ in range(20):
        known: dict[str, JudgeCalibration] = {}
        for judge in judges:
            bridges, decoys = (list(rng.integers(4, 9, 30).astype(float)) for _ in range(2))
            known |= calibrations_of([judge], bridges=bridges, decoys=decoys)
        alarms += contradicts(CalibratedHistory(CriticHistory(), known), judges)
    assert alarms <= 3


@dataclass
class FakeAlertRuntime:
    """A runtime that keeps the alerts that are published."""

    alerts: list[AlertRaised] = field(default_factory=list)

    async def publish(self, alert: AlertRaised) -> None:
        self.alerts.append(alert)


def test_an_alert_is_raised_when_it_begins_and_again_after_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock is set: an alert's id names the hour, and warnings are looked at every 10 s."""
    monkeypatch.setattr(projector_module, "WARNINGS_S", 0.0)
    clock = SimpleNamespace(at=datetime(2026, 1, 1, 9, tzinfo=UTC))
    fake = SimpleNamespace(now=lambda _: clock.at)
    monkeypatch.setattr(projector_module, "datetime", fake)
    current: list[str] = []
    recorders = [FakeAlertRuntime(), FakeAlertRuntime()]
    replicas = [
        HistoryProjector(
            cast(Projector[Any], None), cast(Runtime, recorder), lambda: tuple(current)
        )
        for recorder in recorders
    ]

    def look(hours: int, texts: list[str]) -> None:
        clock.at += timedelta(hours=hours)
        current[:] = texts
        for replica in replicas:
            asyncio.run(replica._raise_warnings())

    for hours, texts in (
        (0, [f"{CONTRADICTION}: 20 %"]),
        (5, [f"{CONTRADICTION}: 21 %"]),  # it continues
        (1, []),
        (1, [f"{CONTRADICTION}: 22 %"]),
    ):
        look(hours, texts)
    ids = [[alert.alert_id for alert in recorder.alerts] for recorder in recorders]
    assert ids[0] == ids[1], "one alert for all replicas"
    assert len(set(ids[0])) == 2
    assert [alert.text[-4:] for alert in recorders[0].alerts] == ["20 %", "22 %"]
