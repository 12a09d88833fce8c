"""Inject canaries: hypotheses with a known answer, to measure what the critic does to each kind.

Data: how many pairs were drawn → now and then the next canary of a shuffled list, bridges and
decoys alternately → a reservation with the purpose `canary`, which pays for the stages after the
synthesizer → `HypothesisProposed`, as a synthesizer would have sent it. The judges' prompts do not
show that it is a canary. Verdicts on canaries say so (`PairSampled.canary`). Memory, strategy
history, tax and exports leave them out, and a canary is never promoted to a fact.

The rate follows the draws. Of what was drawn before the share was set, or while no canary could be
sent, only a few are sent late. A crash between publishing and counting sends the same canary again
under the same ids, so nothing is paid for twice. A canary that the budget refuses waits.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js.kv import KeyValue
from pydantic import Field

from daydream_contracts.events import ContractModel, HypothesisProposed
from daydream_contracts.rpc import OpenReservation
from daydream_contracts.topology import BUDGET_OPEN
from daydream_models.canaries.canary_hypothesis import canary_hypothesis
from daydream_models.canaries.canary_set import CanarySet
from daydream_models.stage_plans import FULL, StagePlan, read_plans
from daydream_runtime.cas_state import CasState
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, WAIT_S, retry_delay_s
from daydream_runtime.runtime_context import Runtime
from daydream_sampler.epoch import Epoch

log = logging.getLogger(__name__)
KEY = "canaries.v1"
POLL_S = 1.0
WRITER = "synthesizer"
LATE_MAX = 10


class CanaryCursor(ContractModel):
    """How many canaries were sent, and up to which draw they were due."""

    count: int = Field(default=0, ge=0)
    drawn: int | None = None


@dataclass(frozen=True)
class CanaryInjector:
    """Send `share` canaries for each pair that is drawn.

    `stages`: those that judge them, without the synthesizer.
    """

    runtime: Runtime
    cursor: CasState[CanaryCursor]
    plans: KeyValue
    epoch: CasState[Epoch]
    stages: tuple[str, ...]
    share: float
    canaries: CanarySet

    @property
    def is_useful(self) -> bool:
        """Whether there are canaries to send and a stage that judges them."""
        return bool(self.share and self.stages)

    async def inject_forever(self) -> None:
        """Send a canary whenever one is due, until the stop."""
        while not self.runtime.stopping.is_set():
            try:
                pause_s = await self.inject()
            except TRANSIENT_ERRORS as error:
                log.info("a canary waits: %s", error)
                pause_s = retry_delay_s(error)
            await self.runtime.pause(pause_s)

    async def inject(self) -> float:
        """Send the next canary if it is due. Return how many seconds to wait."""
        cursor, drawn = await self.cursor.read(), (await self.epoch.read()).drawn
        if cursor.drawn is None or drawn < cursor.drawn:  # the first look, or draws counted again
            update = {"drawn": drawn}
            await self.cursor.change(lambda now: (now.model_copy(update=update), None))
            return 0.0
        due = self._due(cursor.drawn, drawn)
        if due is None:
            return POLL_S
        plans = await read_plans(self.plans, list(self.stages))
        if len(plans) < len(self.stages):
            return POLL_S
        kind, canary = self.canaries.at(cursor.count)
        now = datetime.now(UTC)
        proposed = canary_hypothesis(cursor.count, kind, canary, now, self.stages)
        if not await self._reserve(proposed, plans):
            return WAIT_S
        await self.runtime.publish(proposed)
        sent = CanaryCursor(count=cursor.count + 1, drawn=due)
        await self.cursor.change(lambda now: (now if now.count >= sent.count else sent, None))
        return 0.0

    def _due(self, reached: int, drawn: int) -> int | None:
        """Return up to which draw canaries are sent with the next one, or None if none is due."""
        every = 1 / self.share
        if drawn - reached < every:
            return None
        due = reached + round(every)
        return drawn if drawn - due > LATE_MAX * every else due

    async def _reserve(self, proposed: HypothesisProposed, plans: dict[str, StagePlan]) -> bool:
        facts = (proposed.pair.first, proposed.pair.second)
        fact_bytes = sum(len(fact.text.encode()) for fact in facts)
        reservation = OpenReservation(
            reservation_id=proposed.pair.reservation_id,
            allocations=tuple(
                part for plan in plans.values() for part in plan.allocations(fact_bytes, 1, FULL)
            ),
            purpose="canary",
            requested_at=proposed.proposed_at,
        )
        grant = await self.runtime.rpc.request(BUDGET_OPEN, reservation)
        if grant.refusal is not None:
            log.info("a canary waits: %s", grant.refusal.text)
        return grant.granted
