"""How many pairs are drawn at a time, and when a full pipeline is looked at again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from daydream_contracts.rpc import GatewayState, ModelState
from daydream_models.stage_plans import StagePlan
from daydream_runtime.runtime_context import Runtime
from daydream_sampler.draw_conditions import (
    BATCH_MAX,
    FULL_S,
    FULL_S_MAX,
    GATHER_S,
    Blocked,
    DrawConditions,
    PipelineRoom,
)
from daydream_sampler.settings import SamplerSettings

NOW = 1000.0


@pytest.mark.parametrize(("ahead", "ahead_max", "count"), [(0, 16, 8), (0, 1, 1), (2, 4, 2)])
def test_half_of_an_empty_pipeline_is_filled_at_once(
    ahead: int, ahead_max: float, count: int
) -> None:
    assert PipelineRoom().look(ahead, ahead_max, NOW) == count <= BATCH_MAX


def test_a_little_room_is_waited_for_once_and_then_used() -> None:
    room = PipelineRoom()
    assert room.look(15, 16, NOW) == Blocked(None, GATHER_S)
    assert room.look(13, 16, NOW + GATHER_S) == 3
    assert room.look(15, 16, NOW + GATHER_S) == Blocked(None, GATHER_S), "it waits again"


def test_a_full_pipeline_is_looked_at_soon_and_then_less_often() -> None:
    room = PipelineRoom()
    pauses = []
    for _ in range(6):
        blocked = room.look(16, 16, NOW)
        assert isinstance(blocked, Blocked)
        assert blocked.report is not None
        assert blocked.report.phase == "pipeline-full"
        pauses.append(blocked.pause_s)
    assert (pauses[0], pauses[-1]) == (FULL_S, FULL_S_MAX)
    assert room.look(0, 16, NOW) == BATCH_MAX
    blocked = room.look(16, 16, NOW)
    assert isinstance(blocked, Blocked)
    assert blocked.pause_s == FULL_S


class FakeGatewayState:
    """Answers what the gateway says of its models."""

    def __init__(self, *models: ModelState) -> None:
        self.state = GatewayState(instance="gateway-1", models=models)

    async def request(self, *_: object, **__: object) -> GatewayState:
        return self.state


def conditions(*models: ModelState, pending: int = 0) -> DrawConditions:
    async def stream_info(_: str) -> SimpleNamespace:
        return SimpleNamespace(state=SimpleNamespace(messages=pending))

    runtime = SimpleNamespace(
        rpc=FakeGatewayState(*models), js=SimpleNamespace(stream_info=stream_info)
    )
    settings = SamplerSettings(stages=["synthesizer"])
    return DrawConditions(cast(Runtime, runtime), settings)


def model_state(name: str, stopped: str) -> ModelState:
    return ModelState(
        model=name,
        provider="default",
        base_url="http://127.0.0.1:1/v1",
        source="list",
        stopped=stopped,
        waiting_for=stopped,
        in_flight=0,
        waiting=0,
        learned=(),
    )


PLAN = StagePlan(stage="synthesizer", model="m", fixed_nanousd=1, nanousd_per_fact_byte=0)


async def test_nothing_is_drawn_while_the_provider_of_a_stages_model_refuses_every_call() -> None:
    blocked = await conditions(model_state("m", "Insufficient Balance")).look({"synthesizer": PLAN})
    assert isinstance(blocked, Blocked)
    assert blocked.report is not None
    assert blocked.report.phase == "model-stopped"
    assert blocked.report.text == "m is stopped: Insufficient Balance"


async def test_a_stopped_model_that_no_stage_asks_blocks_nothing() -> None:
    other = model_state("other", "Insufficient Balance")
    assert await conditions(model_state("m", ""), other).look({"synthesizer": PLAN}) == BATCH_MAX
