"""The sampler's real application in memory: its endpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
from faststream.nats import TestNatsBroker
from pydantic import BaseModel

from daydream_contracts.rpc import EmptyRequest, SamplerState, SetGoal
from daydream_contracts.topology import SAMPLER_GOAL, SAMPLER_STATE
from daydream_sampler.app import build
from daydream_sampler.settings import SamplerSettings

EXAMPLES = Path(__file__).parents[2] / "contracts" / "messages"


class FakeSampler:
    """Keeps the goal."""

    def __init__(self, state: SamplerState) -> None:
        self._state = state

    async def state(self) -> SamplerState:
        return self._state

    async def set_goal(self, goal: SetGoal) -> SamplerState:
        self._state = self._state.model_copy(update={"pairs_max": goal.pairs_max})
        return self._state


@pytest.mark.parametrize("goal", [7, None])
async def test_a_goal_that_is_set_is_in_the_state(
    sampler_state: SamplerState, goal: int | None
) -> None:
    app = build(SamplerSettings())
    app.context.set_global("sampler", FakeSampler(sampler_state))
    async with TestNatsBroker(app.nats) as broker:

        async def request(subject: str, question: BaseModel) -> SamplerState:
            reply = await broker.request(question, subject)
            return SamplerState.model_validate_json(reply.body)

        changed = await request(SAMPLER_GOAL.subject, SetGoal(pairs_max=goal))
        assert changed == await request(SAMPLER_STATE.subject, EmptyRequest())
        assert changed.pairs_max == goal


@pytest.fixture
def sampler_state() -> SamplerState:
    return SamplerState.model_validate_json((EXAMPLES / "SamplerState.v1.json").read_text())
