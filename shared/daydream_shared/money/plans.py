"""How a stage says beforehand what a daydream may cost there, so that the sampler can reserve the whole way.

A plan is linear in the bytes of the two facts: prompt and answer have stated maxima, only the facts vary.
Stages publish their plan in the PLANS bucket at start; the sampler reads them all before each draw.
"""

from __future__ import annotations

from collections.abc import Iterable

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import Field

from daydream_shared.messages import Part
from daydream_shared.requests import EnvelopePart


class StagePlan(Part):
    """The most that one sample of one pair can cost in one stage: all its calls, each with its repair."""

    stage: str
    model: str
    team: str = ""
    fixed_nanousd: int = Field(ge=0)
    nanousd_per_fact_byte: int = Field(ge=0)

    def part(self, fact_bytes: int, samples: int) -> EnvelopePart:
        """This stage's part of an envelope."""
        bound = samples * (self.fixed_nanousd + self.nanousd_per_fact_byte * fact_bytes)
        return EnvelopePart(stage=self.stage, model=self.model, team=self.team, bound_nanousd=bound)


async def publish_plan(plans: KeyValue, plan: StagePlan) -> None:
    """Say what this stage costs; replicas say the same."""
    await plans.put(plan.stage, plan.model_dump_json().encode())


async def read_plans(plans: KeyValue, stages: Iterable[str]) -> dict[str, StagePlan]:
    """The plans of these stages, without those that have not said theirs yet. (Listing the bucket's keys instead would make a
    consumer each time, until the server has no more.)"""
    found = {}
    for stage in stages:
        try:
            entry = await plans.get(stage)
        except KeyNotFoundError:
            continue
        found[stage] = StagePlan.model_validate_json(entry.value or b"")
    return found
