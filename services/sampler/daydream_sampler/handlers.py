"""Answer requests to the sampler."""

from __future__ import annotations

from typing import Annotated

from daydream_contracts.rpc import EmptyRequest, SamplerState, SetGoal
from daydream_runtime.from_context import FromContext
from daydream_sampler.pair_sampler import PairSampler


async def sampler_state(
    request: EmptyRequest, sampler: Annotated[PairSampler, FromContext()]
) -> SamplerState:
    """Return why and how fast the sampler draws, and what each strategy has yielded. Read only."""
    return await sampler.state()


async def set_goal(goal: SetGoal, sampler: Annotated[PairSampler, FromContext()]) -> SamplerState:
    """Set the total number of pairs to draw; None means no end. Idempotent."""
    return await sampler.set_goal(goal)
