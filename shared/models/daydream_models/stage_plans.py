"""What a daydream may cost in each stage, so that the sampler can reserve all of it beforehand.

A plan is linear in the bytes of the two facts: prompts and answers have stated maxima, only the
facts vary. Near a cap a reduced plan is reserved. `short` asks for short answers and one sample.
`minimal` also leaves out the repair of an answer that can't be read. A reduced plan has a schema
whose maxima fit. It never asks for the same answer in fewer tokens, which would buy broken JSON.

Each stage publishes its plan in the PLANS bucket at its start. The sampler reads all plans again
every second.
"""

from __future__ import annotations

from collections.abc import Iterable

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import Field

from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import AllocationRequest, ReducedPlan

SIZES = ("full", "short", "minimal")
FULL, SHORT, MINIMAL = SIZES
ORACLE = "oracle"  # the optional stage that tries to refute what the judges would promote


class StageCost(ContractModel):
    """The cost of one sample of a pair in one stage.

    At most, with all calls and repairs; and expected, with what is usually asked.
    """

    fixed_nanousd: int = Field(ge=0)
    nanousd_per_fact_byte: int = Field(ge=0)
    expected_fixed_nanousd: int = Field(default=0, ge=0)
    expected_nanousd_per_fact_byte: int = Field(default=0, ge=0)

    def times(self, count: int) -> StageCost:
        """Return the cost of this many samples."""
        return StageCost(**{name: count * cost for name, cost in self.costs().items()})

    def plus(self, other: StageCost) -> StageCost:
        """Return the cost of both."""
        costs = other.costs()
        return StageCost(**{name: cost + costs[name] for name, cost in self.costs().items()})

    def highest(self, other: StageCost) -> StageCost:
        """Return an upper bound of both."""
        costs = other.costs()
        return StageCost(**{name: max(cost, costs[name]) for name, cost in self.costs().items()})

    def costs(self) -> dict[str, int]:
        """Return the amounts by the names of their fields."""
        return {name: getattr(self, name) for name in StageCost.model_fields}


class StagePlan(StageCost):
    """The cost of a stage under the full plan and under reduced ones."""

    stage: str
    model: str
    clearance: str = Field(default="", description="highest clearance that its model may see")
    reduced: dict[str, StageCost] = Field(default_factory=dict)
    alternative_models: tuple[str, ...] = Field(
        default=(),
        description="further models, one of which is asked instead; costs are the highest of all",
    )
    others: tuple[StagePlan, ...] = Field(
        default=(), description="plans of further models of this stage"
    )

    def allocations(
        self, fact_bytes: int, samples: int, size: str = FULL, *, team: str = ""
    ) -> tuple[AllocationRequest, ...]:
        """Return this stage's allocations of a reservation: one per model asked in this size.

        They count against the limits of `team` too.
        """
        cost = self.reduced.get(size, self)
        bound = samples * (cost.fixed_nanousd + cost.nanousd_per_fact_byte * fact_bytes)
        expected = samples * (
            cost.expected_fixed_nanousd + cost.expected_nanousd_per_fact_byte * fact_bytes
        )
        own = AllocationRequest(
            stage=self.stage,
            model=self.model,
            alternative_models=self.alternative_models,
            team=team,
            upper_bound_nanousd=bound,
            expected_nanousd=expected,
        )
        further = [
            allocation
            for other in self.others
            for allocation in other.allocations(fact_bytes, samples, size, team=team)
            if allocation.upper_bound_nanousd
        ]
        return (own, *further)

    @property
    def models(self) -> tuple[str, ...]:
        """Return the names of all its models."""
        further = (name for other in self.others for name in other.models)
        return (self.model, *self.alternative_models, *further)

    @property
    def clearances(self) -> tuple[str, ...]:
        """Return the highest clearance that each of its models may see."""
        return (self.clearance, *(name for other in self.others for name in other.clearances))


def plans_by_size(
    plans: Iterable[StagePlan], fact_bytes: int, samples: int, *, team: str = ""
) -> tuple[ReducedPlan, ...]:
    """Return what all stages together reserve, for each of `SIZES` in their order."""
    stages = tuple(plans)
    return tuple(_plan_of_size(stages, fact_bytes, samples, size, team) for size in SIZES)


def _plan_of_size(
    stages: Iterable[StagePlan], fact_bytes: int, samples: int, size: str, team: str
) -> ReducedPlan:
    count = samples_in(size, samples)
    allocations = [
        allocation
        for stage in stages
        for allocation in stage.allocations(fact_bytes, count, size, team=team)
    ]
    return ReducedPlan(allocations=tuple(allocations), branches=count)


def samples_in(size: str, samples: int) -> int:
    """Return the number of hypotheses of a pair: one under all but the full plan."""
    return samples if size == FULL else 1


async def publish_plan(bucket: KeyValue, plan: StagePlan) -> None:
    """Store the plan of a stage in PLANS. Idempotent: replicas store the same."""
    await bucket.put(plan.stage, plan.model_dump_json().encode())


async def read_plans(bucket: KeyValue, stages: Iterable[str]) -> dict[str, StagePlan]:
    """Return the plans of these stages, without stages that have not published theirs.

    Listing the keys of the bucket instead would make a consumer per call, until the server has no
    more.
    """
    plans = {}
    for stage in stages:
        try:
            entry = await bucket.get(stage)
        except KeyNotFoundError:
            continue
        plans[stage] = StagePlan.model_validate_json(entry.value or b"")
    return plans
