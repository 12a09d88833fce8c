"""How a stage says beforehand what a daydream may cost there, so that the sampler can reserve the whole way.

A plan is linear in the bytes of the two facts: prompt and answer have stated maxima, only the facts vary. Near a cap a smaller
plan is opened: `brief` asks for short answers and one sample, `bare` does so and leaves out the repair of an answer that
can't be read. A smaller plan has a schema whose maxima fit; it never asks for the same answer in fewer tokens, which would buy
broken JSON. Stages publish their plan in the PLANS bucket at start; the sampler reads them all before each draw.
"""

from __future__ import annotations

from collections.abc import Iterable

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import Field

from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import AllocationRequest, ReducedPlan

SIZES = ("full", "brief", "bare")
FULL, BRIEF, BARE = SIZES
ORACLE = "oracle"  # the stage that examines what the judges would promote, where there is one


class StageCost(ContractModel):
    """The most that one sample of one pair can cost in one stage: all its calls, each with its repair if it has one."""

    fixed_nanousd: int = Field(ge=0)
    nanousd_per_fact_byte: int = Field(ge=0)


class StagePlan(StageCost):
    """What a stage costs in full, and in smaller sizes where it has them."""

    stage: str
    model: str
    team: str = ""
    clearance: str = Field(
        default="", description="highest clearance of facts that its model may see"
    )
    smaller: dict[str, StageCost] = Field(default_factory=dict)
    alternative_models: tuple[str, ...] = Field(
        default=(),
        description="further models, of which one is asked instead; the costs are those of the dearest",
    )
    others: tuple[StagePlan, ...] = Field(
        default=(), description="of further models of the same stage"
    )

    def parts(
        self, fact_bytes: int, samples: int, size: str = FULL
    ) -> tuple[AllocationRequest, ...]:
        """This stage's parts of a reservation: one for each of its models that is asked in this size."""
        cost = self.smaller.get(size, self)
        bound = samples * (cost.fixed_nanousd + cost.nanousd_per_fact_byte * fact_bytes)
        own = AllocationRequest(
            stage=self.stage,
            model=self.model,
            alternative_models=self.alternative_models,
            team=self.team,
            upper_bound_nanousd=bound,
        )
        more = [part for other in self.others for part in other.parts(fact_bytes, samples, size)]
        return (own, *(part for part in more if part.upper_bound_nanousd))

    @property
    def models(self) -> tuple[str, ...]:
        """All its models."""
        return (
            self.model,
            *self.alternative_models,
            *(name for other in self.others for name in other.models),
        )

    @property
    def clearances(self) -> tuple[str, ...]:
        """The highest clearance that each of its models may see."""
        return (self.clearance, *(name for other in self.others for name in other.clearances))


def branches(plans: Iterable[StagePlan], fact_bytes: int, samples: int) -> tuple[ReducedPlan, ...]:
    """The whole way in each of `SIZES`, in their order."""
    known = tuple(plans)
    return tuple(
        ReducedPlan(
            allocations=tuple(
                part for plan in known for part in plan.parts(fact_bytes, count, size)
            ),
            branches=count,
        )
        for size, count in ((size, samples_in(size, samples)) for size in SIZES)
    )


def samples_in(size: str, samples: int) -> int:
    """How many hypotheses a pair gets: one in all but the full size."""
    return samples if size == FULL else 1


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
