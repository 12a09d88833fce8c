"""Reserve the money for a daydream, then publish its pair.

The reservation and the pair have ids that derive from the pair, so a crash in between does the same
again and pays nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from daydream_contracts.access import team_of
from daydream_contracts.events import PairSampled, derive_id, pair_id_of
from daydream_contracts.metrics.sampler import PAIRS
from daydream_contracts.rpc import OpenReservation, PairFound, Refusal
from daydream_contracts.topology import BUDGET_OPEN
from daydream_models.stage_plans import SIZES, StagePlan, plans_by_size, samples_in
from daydream_runtime.instruments import Tally
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.span_failures import record_backpressure
from daydream_runtime.telemetry import Attribute
from daydream_sampler.claim import Claim

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PairPublisher:
    """Publish pairs whose daydreams are paid for. `samples`: hypotheses wanted from each pair."""

    runtime: Runtime
    samples: int
    outcomes: Tally

    @classmethod
    def of(cls, runtime: Runtime, samples: int) -> PairPublisher:
        """Return one that counts what becomes of pairs."""
        return cls(runtime, samples, runtime.telemetry.counter(PAIRS))

    async def publish(
        self,
        claim: Claim,
        facts: PairFound,
        epoch: int,
        plans: Mapping[str, StagePlan],
        fact_count: int,
    ) -> Refusal | None:
        """Open the reservation and publish the pair, or return why the budget refused.

        `epoch`: the number of the current one.
        """
        number = claim.epoch or epoch
        pair_id = pair_id_of(number, facts.first.fact_id, facts.second.fact_id)
        with self.runtime.telemetry.span("daydream", daydream=pair_id) as span:
            span.set_attribute(Attribute.PAIR, pair_id)
            refusal = await self._publish(number, pair_id, claim, facts, plans, fact_count)
            if refusal is not None:
                record_backpressure(span, refusal.reason)
        self.outcomes.add(1, "refused" if refusal else "published")
        return refusal

    async def _publish(
        self,
        number: int,
        pair_id: str,
        claim: Claim,
        facts: PairFound,
        plans: Mapping[str, StagePlan],
        fact_count: int,
    ) -> Refusal | None:
        reservation_id = derive_id("reservation", pair_id)
        grant = await self.runtime.rpc.request(
            BUDGET_OPEN, self._reservation(reservation_id, claim, facts, plans)
        )
        if grant.refusal is not None:
            return grant.refusal
        size = SIZES[grant.plan]
        pair = PairSampled(
            pair_id=pair_id,
            epoch=number,
            first=facts.first,
            second=facts.second,
            strategy=claim.strategy,
            draw_probability=claim.probability,
            shares=claim.shares,
            proposed=claim.proposed,
            rejection_probability_max=claim.rejection_probability_max,
            features=claim.features,
            facts=fact_count,
            why=claim.why,
            screen=claim.rank,
            similarity=facts.similarity,
            samples=samples_in(size, self.samples),
            plan=size,
            stages=tuple(plans),
            reservation_id=reservation_id,
            drawn_at=claim.claimed_at,
        )
        log.info("pair drawn", extra={"pair": pair_id})
        await self.runtime.publish(pair)
        return None

    def _reservation(
        self,
        reservation_id: str,
        claim: Claim,
        facts: PairFound,
        plans: Mapping[str, StagePlan],
    ) -> OpenReservation:
        fact_bytes = len(facts.first.text.encode()) + len(facts.second.text.encode())
        team = team_of((facts.first, facts.second))
        full, *reduced = plans_by_size(plans.values(), fact_bytes, self.samples, team=team)
        return OpenReservation(
            reservation_id=reservation_id,
            allocations=full.allocations,
            branches=full.branches,
            reduced_plans=tuple(reduced),
            requested_at=claim.claimed_at,
        )
