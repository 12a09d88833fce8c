"""Judges score canaries before their first verdict: once, within the cap, and for all replicas."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import Decision
from daydream_critic.calibration import calibrator as calibrator_module
from daydream_critic.calibration.calibrator import BATCH, Calibrator
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.report import warnings_of
from daydream_critic.settings import CriticSettings
from daydream_models.canaries.canary_set import CanarySet
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_runtime.leader import LeaseHolder
from support.calibration import (
    ALL,
    CANARIES,
    FakeCalibrationLedger,
    FakeCalibrationStore,
    calibrator_of,
)
from support.critic import (
    FULL,
    FakeJudgeModel,
    calibrations_of,
    history_of,
    model_judge,
    verdict_of,
    written_by,
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


@dataclass
class RefusedJudgeModel(FakeJudgeModel):
    """A model whose provider refuses its first answers for good."""

    refused: int = 0

    async def request(self, request: ModelRequest, answer: type[Any]) -> ModelReply[Any]:
        if len(self.requests) < self.refused:
            self.requests.append(request)
            raise PermanentError("bad-request", "The provider refuses this call.")
        return await super().request(request, answer)


def test_a_call_that_is_refused_for_good_is_no_answer_and_asked_about_at_the_next_start() -> None:
    model = RefusedJudgeModel([7] * ALL, refused=2)
    store, ledger = FakeCalibrationStore(), FakeCalibrationLedger()
    calibrator = calibrator_of([model_judge(model)], ledger, store)
    asyncio.run(calibrator.calibrate_forever())
    assert len(model.requests) == ALL, "each canary once: a refusal does not make a loop"
    (calibration,) = calibrator.calibrations.values()
    assert (len(calibration.scores), calibration.unreadable) == (ALL - 2, 0)
    again = FakeJudgeModel([7] * 2)
    asyncio.run(calibrator_of([model_judge(again)], ledger, store).calibrate_forever())
    assert len(again.requests) == 2


def test_a_judge_whose_answers_can_not_be_read_is_reported() -> None:
    judge = model_judge(FakeJudgeModel([]))
    calibrations = calibrations_of([judge], bridges=[8] * 30, decoys=[3] * 30)
    key = judge.history_key(FULL)
    scores = calibrations[key].scores
    for unreadable, told in ((60, True), (21, True), (6, False)):
        rows = [row.model_copy(update={"score": None}) for row in scores[:unreadable]]
        changed = calibrations[key].model_copy(update={"scores": (*rows, *scores[unreadable:])})
        warnings = warnings_of(CalibratedHistory(CriticHistory(), {key: changed}), [judge])
        sentence = f"{judge.name} can't be read: {unreadable} of its 60 answers"
        assert any(text.startswith(sentence) for text in warnings) is told
