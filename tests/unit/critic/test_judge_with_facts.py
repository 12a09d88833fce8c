"""A judge that sees the facts: what it is sent, and what its reservation pays for."""

from __future__ import annotations

import asyncio
from typing import cast

from daydream_console.verdict_inspection import _critic_variables
from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import Quote
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.model_judge import ModelJudge
from daydream_critic.pipeline.judges.registry import judge_spec
from daydream_critic.settings import CriticSettings
from daydream_models.canaries.canary_set import CanarySet
from daydream_models.client import ModelClient
from daydream_models.gateway_client import GatewayClient
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import FULL
from support.calibration import FakeCalibrationLedger, FakeCalibrationStore, calibrator_of
from support.critic import FakeJudgeModel, model_judge, verdict_of, written_by
from support.message_builders import AT

PRICE = Quote(input_token_nanousd=400, output_token_nanousd=1600)


def priced(rubric: str, calls_max: int) -> ModelJudge:
    settings = ModelSettings(name="gpt-4.1-mini")
    config = JudgeConfig(model=settings, rubric=rubric, calls_max=calls_max)
    spec = judge_spec(CriticSettings(), config)
    client = ModelClient(cast(GatewayClient, None), settings, PRICE, "critic")
    return ModelJudge(spec.name, spec.requests, spec.family, spec.calls_max, model=client)


def verdict_with(rubric: str) -> tuple[VerdictReached, list[str]]:
    """Return a verdict, and the user's messages that its judge was sent."""
    model = FakeJudgeModel([7])
    verdict = verdict_of([model_judge(model, rubric=rubric)], CriticHistory(), written_by("qwen3"))
    return verdict, [request.messages[1]["content"] for request in model.requests]


def test_both_facts_are_shown_and_by_default_neither() -> None:
    verdict, (sent,) = verdict_with("facts")
    pair = verdict.hypothesis.pair
    assert all(f"\n{fact.text}\n" in sent for fact in (pair.first, pair.second))
    assert verdict.judgements[0].judge == "judge-with-facts.v1@gpt-4.1"
    _, (without,) = verdict_with("essay")
    assert pair.first.text not in without


def test_the_inspection_fills_the_prompt_again_as_it_was_sent() -> None:
    verdict, (sent,) = verdict_with("facts")
    prompt = (
        judge_spec(
            CriticSettings(), JudgeConfig(model=ModelSettings(name="gpt-4.1"), rubric="facts")
        )
        .requests[FULL]
        .prompt
    )
    filled = [
        prompt.fill(**variables)[1]["content"]
        for variables in _critic_variables(verdict, ())
        if variables.keys() == prompt.placeholders
    ]
    assert filled == [sent]


def test_the_reservation_pays_for_the_facts_in_every_call_and_repair() -> None:
    once, thrice = (priced("facts", calls).plan(first=True) for calls in (1, 3))
    assert once.nanousd_per_fact_byte == 2 * PRICE.input_token_nanousd, "the call and its repair"
    assert thrice.nanousd_per_fact_byte == 3 * once.nanousd_per_fact_byte
    assert once.reduced["minimal"].nanousd_per_fact_byte == PRICE.input_token_nanousd
    assert priced("essay", 3).plan(first=True).nanousd_per_fact_byte == 0


def test_a_calibration_reserves_the_facts_of_its_canaries() -> None:
    canaries, judge = CanarySet.read().first(1), priced("facts", 1)
    ledger = FakeCalibrationLedger()
    calibrator = calibrator_of([judge], ledger, FakeCalibrationStore(), canaries)
    bytes_max = max(
        len((case.first + case.second).encode()) for case in (*canaries.bridges, *canaries.decoys)
    )
    asyncio.run(calibrator.budget.open([judge], 1, 0, AT))
    asyncio.run(calibrator.budget.open([judge], 1, calibrator.fact_bytes_max, AT))
    bare, whole = (opened.allocations[0].upper_bound_nanousd for opened in ledger.opened)
    assert whole - bare == bytes_max * judge.plan(first=True).nanousd_per_fact_byte
