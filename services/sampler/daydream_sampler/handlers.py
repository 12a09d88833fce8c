"""What the sampler answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daydream_contracts.rpc import EmptyRequest, SamplerState
from daydream_contracts.topology import SAMPLER_GOAL, SAMPLER_STATE, Endpoint
from daydream_runtime.service import Answer
from daydream_sampler.pair_sampler import PairSampler


def endpoints(sampler: PairSampler) -> Mapping[Endpoint[Any, Any], Answer]:
    """Return the endpoints. Setting the same goal twice is setting it once."""

    async def state(_: EmptyRequest) -> SamplerState:
        return await sampler.state()

    return {SAMPLER_STATE: state, SAMPLER_GOAL: sampler.set_goal}
