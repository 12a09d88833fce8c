"""Hypotheses for critics, each with its reservation, as sampler and synthesizer would send them.

Data: a number → its pair of the memory's facts, and a hypothesis of their words that no two pairs
share → a reservation at the ledger by the critic's plan → `HypothesisProposed` in its stream. So
critics find work for as long as it is measured, and no drawing or writing takes processor time
meanwhile.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js import JetStreamContext

from daydream_contracts.buckets import PLANS
from daydream_contracts.events import (
    HypothesisProposed,
    PairSampled,
    Synthesis,
    derive_id,
    hypothesis_id_of,
    pair_id_of,
)
from daydream_contracts.rpc import FindPairs, OpenReservation
from daydream_contracts.topology import BUDGET_OPEN, MEMORY_PAIRS, route_of
from daydream_models.stage_plans import StagePlan, read_plans
from daydream_runtime.rpc import RpcClient
from daydream_sampler.pair_numbers import ordinals_of
from support.endpoint import answer_for

STAGES = ("critic",)
AT_ONCE = 16


@dataclass
class HypothesisSource:
    """Sends hypotheses, each once."""

    rpc: RpcClient
    js: JetStreamContext
    sent: int = 0

    async def send(self, count: int) -> None:
        """Send this many further hypotheses."""
        plans = await read_plans(await self.js.key_value(PLANS.name), STAGES)
        numbers = iter(range(self.sent, self.sent + count))
        self.sent += count

        async def send_some() -> None:
            for number in numbers:
                await self._send(number, plans["critic"])

        await asyncio.gather(*(send_some() for _ in range(AT_ONCE)))

    async def _send(self, number: int, plan: StagePlan) -> None:
        pair = await self._pair(number)
        fact_bytes = sum(len(fact.text.encode()) for fact in (pair.first, pair.second))
        reservation = OpenReservation(
            reservation_id=pair.reservation_id,
            allocations=plan.allocations(fact_bytes, 1),
            requested_at=pair.drawn_at,
        )
        grant = await self.rpc.request(BUDGET_OPEN, reservation)
        assert grant.granted, grant
        proposed = HypothesisProposed(
            hypothesis_id=hypothesis_id_of(pair.pair_id, "digest", 0),
            pair=pair,
            sample=0,
            synthesis=_synthesis(pair),
            proposed_at=pair.drawn_at,
        )
        body = proposed.model_dump_json().encode()
        await self.js.publish(route_of(HypothesisProposed).subject, body)

    async def _pair(self, number: int) -> PairSampled:
        [facts] = (
            await self.rpc.request(MEMORY_PAIRS, FindPairs(pairs=(ordinals_of(number),)))
        ).pairs
        assert facts is not None, "the memory has a fact at each ordinal"
        pair_id = pair_id_of(1, facts.first.fact_id, facts.second.fact_id)
        return PairSampled(
            pair_id=pair_id,
            epoch=1,
            first=facts.first,
            second=facts.second,
            strategy="uniform",
            draw_probability=0.01,
            similarity=facts.similarity,
            samples=1,
            stages=STAGES,
            reservation_id=derive_id("reservation", pair_id),
            drawn_at=datetime.now(UTC),
        )


def _synthesis(pair: PairSampled) -> Synthesis:
    """Return what the fake provider would write about a pair."""
    fenced = (f"<<data x>>\n{fact.text}\n<<end x>>" for fact in (pair.first, pair.second))
    answer = answer_for({"messages": [{"content": "\n".join(fenced)}]})
    return Synthesis.model_validate(json.loads(answer))
