"""Judges score canaries before their first verdict: once, within the cap, and for all replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from daydream_contracts.events import AlertRaised, Decision
from daydream_contracts.rpc import (
    EVERYTHING,
    Grant,
    LimitState,
    OpenReservation,
    Refusal,
    ReleaseReservation,
)
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_STATE
from daydream_critic.calibration import calibrator as calibrator_module
from daydream_critic.calibration.calibration_budget import CalibrationBudget
from daydream_critic.calibration.calibration_store import CalibrationStore
from daydream_critic.calibration.calibrator import BATCH, Calibrator
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.report import warnings_of
from daydream_critic.pipeline.judges.interface import Judge
from daydream_critic.settings import CriticSettings
from daydream_models.canaries.canary_set import CanarySet
from daydream_runtime.leader import LeaderLease, LeaseHolder
from daydream_runtime.runtime_context import Runtime
from support.critic import (
    FULL,
    FakeJudgeModel,
    calibrations_of,
    history_of,
    model_judge,
    verdict_of,
    written_by,
)

CANARIES = CanarySet.read().first(12)
ALL = len(CANARIES.bridges) + len(CANARIES.decoys)


class FakeCalibrationStore:
    """A bucket with revisions."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[bytes, int]] = {}

    async def get(self, key: str) -> Any:
        if key not in self.entries:
            raise KeyNotFoundError
        value, revision = self.entries[key]
        return SimpleNamespace(value=value, revision=revision)

    async def put(self, key: str, value: bytes) -> int:
        return await self.update(key, value, last=self.entries.get(key, (b"", 0))[1])

    async def update(self, key: str, value: bytes, *, last: int) -> int:
        assert self.entries.get(key, (b"", 0))[1] == last
        self.entries[key] = (value, last + 1)
        return last + 1

    @property
    def bucket(self) -> KeyValue:
        return cast(KeyValue, self)


@dataclass
class FakeCalibrationLedger:
    """A runtime whose budget has this cap, and refuses reservations after some."""

    cap_nanousd: int = 10**12
    opened_max: int = 10**6
    opened: list[OpenReservation] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    alerts: list[AlertRaised] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def rpc(self) -> FakeCalibrationLedger:
        return self

    async def request(self, endpoint: Any, message: Any) -> Any:
        if endpoint is BUDGET_STATE:
            limit = LimitState(
                scope=EVERYTHING,
                window="lifetime",
                cap_nanousd=self.cap_nanousd,
                settled_nanousd=0,
                authorized_nanousd=0,
                reserved_nanousd=0,
                renews_at=None,
            )
            return SimpleNamespace(limits=(limit,))
        if endpoint is BUDGET_OPEN:
            if len(self.opened) >= self.opened_max:
                return Grant(refusal=Refusal(reason="cap", text="The cap is reached."))
            self.opened.append(message)
            return Grant()
        assert isinstance(message, ReleaseReservation)
        self.released.append(message.reservation_id)
        return None

    async def publish(self, alert: AlertRaised) -> None:
        self.alerts.append(alert)

    async def pause(self, seconds: float) -> None:
        """Stop at the third long pause: nothing changes any more."""
        self.pauses.append(seconds)
        if sum(pause > 0 for pause in self.pauses) >= 3:
            self.stopping.set()

    @property
    def runtime(self) -> Runtime:
        return cast(Runtime, self)


def calibrator_of(
    judges: Sequence[Judge],
    ledger: FakeCalibrationLedger,
    store: FakeCalibrationStore,
    canaries: CanarySet = CANARIES,
) -> Calibrator:
    return Calibrator(
        ledger.runtime,
        judges,
        canaries,
        CalibrationStore(store.bucket, CANARIES.digest),
        LeaderLease(store.bucket, "lease"),
        CalibrationBudget(ledger.runtime.rpc, share_max=0.1),
    )


def two_models() -> list[FakeJudgeModel]:
    return [FakeJudgeModel([7] * ALL), FakeJudgeModel([6] * ALL, "claude-haiku")]


def test_each_judge_scores_every_canary_once_and_pays_from_its_own_purpose() -> None:
    models, ledger, store = two_models(), FakeCalibrationLedger(), FakeCalibrationStore()
    calibrator = calibrator_of([model_judge(model) for model in models], ledger, store)
    asyncio.run(calibrator.calibrate_forever())
    assert calibrator.progress.state == "done"
    assert [len(model.requests) for model in models] == [ALL, ALL]
    assert len({request.key for model in models for request in model.requests}) == 2 * ALL
    assert {reservation.purpose for reservation in ledger.opened} == {"calibration"}
    assert len(ledger.opened) == -(-ALL // BATCH)
    assert ledger.released == [reservation.reservation_id for reservation in ledger.opened]
    assert calibrator.progress.cost_nanousd == 2 * ALL * 1000
    assert calibrator.progress.answers == calibrator.progress.answers_wanted == 2 * ALL


def test_each_answer_is_counted_while_a_calibration_runs() -> None:
    seen: list[tuple[str, int, int]] = []

    class CountingJudgeModel(FakeJudgeModel):
        """A model that notes how far the calibration is when it is asked."""

        async def request(self, *args: Any, **kwargs: Any) -> Any:
            progress = calibrator.progress
            seen.append((progress.state, progress.answers, progress.answers_wanted))
            return await super().request(*args, **kwargs)

    judge = model_judge(CountingJudgeModel([7] * ALL))
    calibrator = calibrator_of([judge], FakeCalibrationLedger(), FakeCalibrationStore())
    asyncio.run(calibrator.calibrate_forever())
    assert {(state, wanted) for state, _, wanted in seen} == {("running", ALL)}
    answers = [answers for _, answers, _ in seen]
    assert answers == sorted(answers)
    assert answers[0] == 0
    assert answers[-1] >= ALL - BATCH


def test_a_later_start_and_another_replica_ask_nothing_again() -> None:
    store = FakeCalibrationStore()
    asyncio.run(
        calibrator_of(
            [model_judge(two_models()[0])], FakeCalibrationLedger(), store
        ).calibrate_forever()
    )
    again, ledger = FakeJudgeModel([]), FakeCalibrationLedger()
    calibrator = calibrator_of([model_judge(again)], ledger, store)
    asyncio.run(calibrator.calibrate_forever())
    assert (again.requests, ledger.opened, calibrator.progress.state) == ([], [], "done")
    (calibration,) = calibrator.calibrations.values()
    assert len(calibration.readable) == ALL


def test_another_model_or_prompt_is_calibrated_anew() -> None:
    store = FakeCalibrationStore()
    for judge_model, rubric in (("gpt-4.1", "essay"), ("o3", "essay"), ("o3", "skeptic")):
        model = FakeJudgeModel([7] * ALL, judge_model)
        judge = model_judge(model, rubric=rubric)
        asyncio.run(calibrator_of([judge], FakeCalibrationLedger(), store).calibrate_forever())
        assert len(model.requests) == ALL


def test_a_cap_that_is_too_small_is_said_and_hypotheses_are_judged_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A run sets its cap some seconds after the start of its services.
    monkeypatch.setattr(calibrator_module, "REFUSED_AFTER_S", 0.0)
    model, ledger = FakeJudgeModel([]), FakeCalibrationLedger(cap_nanousd=100 * ALL)

    async def run() -> Calibrator:
        calibrator = calibrator_of([model_judge(model)], ledger, FakeCalibrationStore())
        await calibrator.calibrate_forever()
        await asyncio.wait_for(calibrator.settled(), 1)
        return calibrator

    progress = asyncio.run(run()).progress
    assert (model.requests, ledger.opened, progress.state) == ([], [], "refused")
    assert "more than 10% of" in progress.text
    assert [alert.kind for alert in ledger.alerts] == ["judges"], "it is said once"


def test_a_refusal_on_the_way_keeps_what_was_paid_for() -> None:
    model, ledger, store = (
        FakeJudgeModel([7] * ALL),
        FakeCalibrationLedger(opened_max=1),
        FakeCalibrationStore(),
    )
    calibrator = calibrator_of([model_judge(model)], ledger, store)
    asyncio.run(calibrator.calibrate_forever())
    assert calibrator.progress.state == "refused"
    assert "The cap is reached." in calibrator.progress.text
    assert len(model.requests) == BATCH
    rest = FakeJudgeModel([7] * ALL)
    asyncio.run(
        calibrator_of([model_judge(rest)], FakeCalibrationLedger(), store).calibrate_forever()
    )
    assert len(rest.requests) == ALL - BATCH


def test_while_another_replica_calibrates_hypotheses_wait_for_it() -> None:
    store, ledger, model = FakeCalibrationStore(), FakeCalibrationLedger(), FakeJudgeModel([])
    holder = LeaseHolder(name="another", until=datetime.max.replace(tzinfo=UTC))
    asyncio.run(store.put("lease", holder.model_dump_json().encode()))

    async def run() -> None:
        calibrator = calibrator_of([model_judge(model)], ledger, store)
        await calibrator.calibrate_forever()
        assert model.requests == []
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(calibrator.settled(), 0.01)

    asyncio.run(run())


def test_without_canaries_nothing_waits() -> None:
    async def run() -> str:
        calibrator = calibrator_of(
            [], FakeCalibrationLedger(), FakeCalibrationStore(), CANARIES.first(0)
        )
        await calibrator.calibrate_forever()
        await asyncio.wait_for(calibrator.settled(), 1)
        return calibrator.progress.state

    assert asyncio.run(run()) == "off"


def test_an_unreadable_answer_about_a_canary_is_no_score_and_not_asked_again() -> None:
    model = FakeJudgeModel([None] * 3 + [7] * (ALL - 3))
    calibrator = calibrator_of(
        [model_judge(model)], FakeCalibrationLedger(), FakeCalibrationStore()
    )
    asyncio.run(calibrator.calibrate_forever())
    (calibration,) = calibrator.calibrations.values()
    assert (len(calibration.scores), len(calibration.readable)) == (ALL, ALL - 3)


def test_the_first_verdict_reads_scores_as_ranks_among_decoys() -> None:
    """A judge that gives sevens to nearly everything promotes an eight and no seven."""
    for score, decision in ((8, Decision.PROMOTED), (7, Decision.DISCARDED)):
        judge = model_judge(FakeJudgeModel([score]))
        calibrations = calibrations_of(
            [judge], bridges=[7] * 20 + [8] * 20, decoys=[7] * 38 + [6] * 2
        )
        verdict = verdict_of(
            [judge], CriticHistory(), written_by("qwen3"), calibrations=calibrations
        )
        assert (verdict.decision, verdict.reason) == (decision, "quota")


def test_a_judge_without_skill_is_reported_and_one_with_skill_is_not() -> None:
    poor, good = (model_judge(FakeJudgeModel([], name)) for name in ("gpt-4.1", "claude-haiku"))
    calibrations = {
        **calibrations_of([poor], bridges=[7, 8] * 15, decoys=[7, 8] * 15),
        **calibrations_of([good], bridges=[7, 8] * 15, decoys=[4, 5] * 15),
    }
    calibrated_history = CalibratedHistory(CriticHistory(), calibrations)
    (sentence,) = warnings_of(calibrated_history, [poor, good])
    assert sentence.startswith(f"{poor.name} can't tell bridges from decoys")
    assert "50%" in sentence
    skill = calibrated_history.skill(good.history_key(FULL))
    assert skill is not None
    assert skill.low > 0.9
    keys = [judge.history_key(FULL) for judge in (poor, good)]
    assert calibrated_history.is_measured(keys), "before any verdict"
    separations = calibrated_history.aggregation_model(keys).separations
    assert separations[1] > 1.0 > separations[0]


def test_canaries_that_contradict_the_consensus_raise_an_alarm() -> None:
    names = ("gpt-4.1", "claude-haiku", "mistral")
    judges = [model_judge(FakeJudgeModel([], name)) for name in names]
    history = history_of(judges[:2])
    third = judges[2].history_key(FULL)
    for place, row in enumerate(history.rows):
        row[third] = float(5 + place % 4)
    misled = calibrations_of(judges[:2], bridges=[5, 6] * 15, decoys=[7, 8] * 15)
    knowing = calibrations_of(judges[2:], bridges=[7, 8] * 15, decoys=[5, 6] * 15)
    warnings = warnings_of(CalibratedHistory(history, misled | knowing), judges)
    assert any("contradict the judges' consensus" in text for text in warnings)
    right = calibrations_of(judges, bridges=[7, 8] * 15, decoys=[5, 6] * 15)
    assert warnings_of(CalibratedHistory(history, right), judges) == ()


def test_settings_turn_calibration_off_with_promotion_by_score() -> None:
    assert CriticSettings().promote_by == "ranks"
    assert CriticSettings().calibration_canaries <= len(CanarySet.read().bridges)
