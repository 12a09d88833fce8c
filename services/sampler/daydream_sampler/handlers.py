"""What the sampler answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daydream_sampler.drawing import Drawing
from daydream_shared.runtime import Answer
from daydream_shared.subjects import SAMPLER_GOAL, SAMPLER_STATE, Endpoint


def endpoints(drawing: Drawing) -> Mapping[Endpoint[Any, Any], Answer]:
    """State and goal. Setting the same goal twice is setting it once."""
    return {SAMPLER_STATE: drawing.state, SAMPLER_GOAL: drawing.set_goal}
