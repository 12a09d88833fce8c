"""A calibration is expected to cost what its texts cost, and shrinks where that is too much."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from daydream_contracts.rpc import (
    Quote,
)
from daydream_critic.calibration import calibrator as calibrator_module
from daydream_critic.calibration.calibrator import FEW
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.model_judge import ModelJudge
from daydream_critic.pipeline.judges.registry import judge_spec
from daydream_critic.settings import CriticSettings
from daydream_models.canaries.canary_set import CanarySet
from daydream_models.client import ModelClient
from daydream_models.gateway_client import GatewayClient
from daydream_models.prompt import BYTES_PER_TOKEN
from daydream_models.settings import ModelSettings
from support.calibration import (
    FakeCalibrationLedger,
    FakeCalibrationStore,
    calibrator_of,
)
from support.critic import (
    FakeJudgeModel,
    model_judge,
)


def priced_judge(input_nanousd: int = 400, output_nanousd: int = 1600) -> ModelJudge:
    """Return a judge whose model is not asked. The default prices are those of gpt-4.1-mini."""
    quote = Quote(input_token_nanousd=input_nanousd, output_token_nanousd=output_nanousd)
    settings = ModelSettings(name="gpt-4.1-mini")
    spec = judge_spec(CriticSettings(), JudgeConfig(model=settings))
    client = ModelClient(cast(GatewayClient, None), settings, quote, "critic")
    return ModelJudge(spec.name, spec.requests, spec.family, spec.calls_max, model=client)


def test_the_expected_cost_comes_from_the_texts_that_are_sent() -> None:
    judge, canaries = priced_judge(), CanarySet.read()
    calibrator = calibrator_of(
        [judge], FakeCalibrationLedger(), FakeCalibrationStore(), canaries=canaries
    )
    count = len(canaries.bridges) + len(canaries.decoys)
    expected = calibrator.expected_nanousd()
    assert 0.04e9 < expected < 0.07e9, "for 124 answers; the longest texts would give 0.149"
    assert expected < 0.4 * count * judge.plan(first=True).expected_fixed_nanousd


def test_a_longer_canary_is_expected_to_cost_more() -> None:
    canaries = CanarySet.read().first(1)
    text = canaries.bridges[0].hypothesis + " word" * 40
    longer = canaries.bridges[0].model_copy(update={"hypothesis": text})
    short, long = (
        calibrator_of(
            [priced_judge()], FakeCalibrationLedger(), FakeCalibrationStore(), canary_set
        ).expected_nanousd()
        for canary_set in (canaries, CanarySet((longer,), canaries.decoys))
    )
    assert long - short == 200 // BYTES_PER_TOKEN * 400


def test_where_all_canaries_are_too_expensive_thirty_of_each_kind_calibrate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """100 nano-dollars an answer, and a tenth of the cap is 7,000."""
    monkeypatch.setattr(calibrator_module, "REFUSED_AFTER_S", 0.0)
    canaries = CanarySet.read()
    model, ledger = FakeJudgeModel([7] * (2 * FEW)), FakeCalibrationLedger(cap_nanousd=70_000)
    calibrator = calibrator_of([model_judge(model)], ledger, FakeCalibrationStore(), canaries)
    asyncio.run(calibrator.calibrate_forever())
    assert (calibrator.progress.state, len(model.requests)) == ("done", 2 * FEW)
    left = len(canaries.bridges) + len(canaries.decoys) - 2 * FEW
    assert f"{left} more would take too much" in calibrator.progress.text
    (calibration,) = calibrator.calibrations.values()
    assert sum(row.is_bridge for row in calibration.scores) == FEW
    assert not calibration.complete
    assert ledger.alerts == []
