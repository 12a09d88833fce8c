"""What the sampler answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daydream_contracts.topology import SAMPLER_GOAL, SAMPLER_STATE, Endpoint
from daydream_runtime.service import Answer
from daydream_sampler.pair_sampler import PairSampler


def endpoints(drawing: PairSampler) -> Mapping[Endpoint[Any, Any], Answer]:
    """State and goal. Setting the same goal twice is setting it once."""
    return {SAMPLER_STATE: drawing.state, SAMPLER_GOAL: drawing.set_goal}
