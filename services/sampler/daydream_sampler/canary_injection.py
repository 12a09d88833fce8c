"""Slips planted hypotheses in among the others, so that it is known what the critic does to true and to false ones.

Data: how many pairs were drawn → every so often the next canary of a shuffled list, bridges and decoys by turns → a reservation of its own kind, which pays for
the stages behind the synthesizer → `HypothesisProposed`, as a synthesizer would have sent it. The judges' prompts show nothing of where it comes from.
Verdicts on canaries say so (`PairSampled.canary`), and are left out of memory, yields, tax and export; nothing planted is ever promoted to a fact.

Their rate follows the draws; of what was drawn before the share was set, or while nothing could be planted, little is caught up on.
A crash between publishing and counting sends the same canary again, under the same ids: nothing is paid for twice. Refused by the budget it waits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from nats.js.kv import KeyValue
from pydantic import Field

from daydream_contracts.events import (
    ContractModel,
    Fact,
    HypothesisProposed,
    PairSampled,
    Synthesis,
    derive_id,
)
from daydream_contracts.rpc import OpenReservation
from daydream_contracts.topology import BUDGET_OPEN
from daydream_models.reservations import FULL, StagePlan, read_plans
from daydream_runtime.background import TRANSIENT_ERRORS, WAIT_S, retry_delay_s
from daydream_runtime.cas_state import CasState
from daydream_runtime.service import Runtime
from daydream_sampler.canary_cases import CanaryCase, CanarySet, Kind
from daydream_sampler.epoch import Epoch

log = logging.getLogger(__name__)
KEY = "planted.v1"
STRATEGY = "canary"
LOOK_S = 1.0
WRITER = "synthesizer"
CAUGHT_UP_MAX = 10


class CanaryCursor(ContractModel):
    """How many were sent, and up to which draw they were due."""

    count: int = Field(default=0, ge=0)
    drawn: int | None = None


class CanaryInjector:
    """Sends canaries: `share` of them for each pair that was drawn."""

    def __init__(
        self,
        runtime: Runtime,
        bucket: KeyValue,
        plans: KeyValue,
        epoch: CasState[Epoch],
        stages: list[str],
        share: float,
        canaries: CanarySet,
    ) -> None:
        self._runtime = runtime
        self._planted = CasState(bucket, KEY, CanaryCursor())
        self._plans = plans
        self._epoch = epoch
        self._stages = [stage for stage in stages if stage != WRITER]
        self._share = share
        self._canaries = canaries

    @property
    def judged(self) -> bool:
        """Whether any stage behind the writer would judge them."""
        return bool(self._stages)

    async def plant_forever(self) -> None:
        """Send one whenever one is due, until the stop."""
        while not self._runtime.stopping.is_set():
            try:
                pause_s = await self._plant()
            except TRANSIENT_ERRORS as trouble:
                log.info("a canary waits: %s", trouble)
                pause_s = retry_delay_s(trouble)
            await self._runtime.pause(pause_s)

    async def _plant(self) -> float:
        planted, drawn = await self._planted.read(), (await self._epoch.read()).drawn
        count = planted.count
        if (
            planted.drawn is None or drawn < planted.drawn
        ):  # the first look, or the draws were counted anew
            await self._planted.change(lambda now: (now.model_copy(update={"drawn": drawn}), None))
            return 0.0
        each = 1 / self._share
        if drawn - planted.drawn < each:
            return LOOK_S
        reached = planted.drawn + round(each)
        if drawn - reached > CAUGHT_UP_MAX * each:
            reached = drawn
        plans = await read_plans(self._plans, self._stages)
        if len(plans) < len(self._stages):
            return LOOK_S
        kind, canary = self._canaries.at(count)
        proposed = proposed_by(count, kind, canary, datetime.now(UTC), self._stages)
        if not await self._paid(proposed, plans):
            return WAIT_S
        await self._runtime.publish(proposed)
        await self._planted.change(
            lambda now: (
                now if now.count > count else CanaryCursor(count=count + 1, drawn=reached),
                None,
            )
        )
        return 0.0

    async def _paid(self, proposed: HypothesisProposed, plans: dict[str, StagePlan]) -> bool:
        fact_bytes = sum(
            len(fact.text.encode()) for fact in (proposed.pair.first, proposed.pair.second)
        )
        parts = tuple(part for plan in plans.values() for part in plan.parts(fact_bytes, 1, FULL))
        reservation = OpenReservation(
            reservation_id=proposed.pair.reservation_id,
            allocations=parts,
            purpose="canary",
            requested_at=proposed.proposed_at,
        )
        grant = await self._runtime.ask(BUDGET_OPEN, reservation)
        if grant.refusal is not None:
            log.info("a canary waits: %s", grant.refusal.text)
        return grant.granted


def proposed_by(
    number: int, kind: Kind, canary: CanaryCase, now: datetime, stages: Iterable[str] = ()
) -> HypothesisProposed:
    """The `number`-th canary as a message, whose ids depend on nothing else."""
    pair_id = derive_id("canary", number)
    first, second = (
        Fact(fact_id=derive_id("canary fact", text), ordinal=at, text=text)
        for at, text in enumerate((canary.first, canary.second))
    )
    pair = PairSampled(
        pair_id=pair_id,
        epoch=1,
        first=first,
        second=second,
        strategy=STRATEGY,
        canary=kind,
        draw_probability=1.0,
        similarity=0.0,
        samples=1,
        stages=tuple(stages),
        reservation_id=derive_id("reservation", pair_id),
        drawn_at=now,
    )
    synthesis = Synthesis(
        title=canary.title,
        link=canary.link,
        reasoning=canary.reasoning,
        hypothesis=canary.hypothesis,
        implication=canary.implication,
    )
    return HypothesisProposed(
        hypothesis_id=derive_id("hypothesis", pair_id),
        pair=pair,
        sample=0,
        synthesis=synthesis,
        proposed_at=now,
    )
