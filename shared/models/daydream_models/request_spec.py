"""How a stage asks in each size of a plan: prompt, limits of the answer, repair or not.

The pair says which size its reservation was opened for (`reservations.SIZES`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from daydream_models.pricing.bounds import input_byte_nanousd, upper_bound_nanousd
from daydream_models.pricing.tariff import Price
from daydream_models.prompt import FENCE_BYTES, REPAIR, Prompt
from daydream_models.reservations import FULL, StageCost

FENCES_MAX = 8  # of untrusted texts in one prompt
REQUEST_MESSAGES = 2
REPAIR_MESSAGES = 4


@dataclass(frozen=True)
class RequestSpec:
    """A prompt with its limits.

    `text_bytes_max` bounds the variables other than the pair's facts. `facts` is how often both
    facts are in the prompt.
    """

    prompt: Prompt
    output_tokens_max: int
    text_bytes_max: int = 0
    facts: int = 0
    repair: bool = True


RequestSpecs = Mapping[str, RequestSpec]


def request_spec_of(specs: RequestSpecs, size: str) -> RequestSpec:
    """Return the spec of a size, or the full one (for which the reservation may have to grow)."""
    return specs.get(size, specs[FULL])


def stage_cost(spec: RequestSpec, price: Price, reasoning_tokens_max: int) -> StageCost:
    """Return the maximum cost of a request, its repair included if it has one."""
    text_bytes = spec.prompt.fixed_bytes + spec.text_bytes_max + FENCES_MAX * FENCE_BYTES
    output_max = spec.output_tokens_max + reasoning_tokens_max
    fixed = upper_bound_nanousd(price, text_bytes, REQUEST_MESSAGES, output_max)
    if spec.repair:
        answer_bytes = 4 * spec.output_tokens_max
        schema_bytes = len(json.dumps(spec.prompt.schema))
        repair_bytes = text_bytes + answer_bytes + len(REPAIR) + schema_bytes
        fixed += upper_bound_nanousd(price, repair_bytes, REPAIR_MESSAGES, output_max)
    return StageCost(
        fixed_nanousd=fixed,
        nanousd_per_fact_byte=(1 + spec.repair) * spec.facts * input_byte_nanousd(price),
    )
