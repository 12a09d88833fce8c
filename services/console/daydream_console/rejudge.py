"""Stored hypotheses before the judges again: found in memory, each with a reservation of its own, sent to the critic as another round.

A second call of the same command does the same again: round, reservation and message have derived ids, so what waits already is neither paid nor judged twice.
The critic's verdict of that round is kept beside the earlier ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js.errors import APIError

from daydream_console.client import Client
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import HypothesisProposed, PairSampled, VerdictReached, derive_id
from daydream_contracts.rpc import (
    AllocationRequest,
    CriticState,
    EmptyRequest,
    ListVerdicts,
    OpenReservation,
    Refusal,
)
from daydream_contracts.topology import BUDGET_OPEN, CRITIC_STATE, MEMORY_INSIGHTS, PLANS
from daydream_models.reservations import FULL, ORACLE, StagePlan, read_plans

CRITIC = "critic"
PAGE = 100
FULL_S = 1.0  # between two tries while the critic's stream is full


@dataclass(frozen=True)
class RejudgePlan:
    """What is to be judged anew, by whom, and what that will cost: about so much, and never more than so much."""

    proposed: tuple[HypothesisProposed, ...]
    judges: tuple[str, ...]
    plans: Mapping[str, StagePlan]
    expected_nanousd: int

    @property
    def most_nanousd(self) -> int:
        """What is reserved in all."""
        return sum(
            part.upper_bound_nanousd
            for one in self.proposed
            for part in allocations(one.pair, one.pair.stages, self.plans)
        )


def allocations(
    pair: PairSampled, stages: Collection[str], plans: Mapping[str, StagePlan], samples: int = 1
) -> tuple[AllocationRequest, ...]:
    """What a reservation has to hold that pays these stages of a pair's way."""
    fact_bytes = len(pair.first.text.encode()) + len(pair.second.text.encode())
    return tuple(
        part
        for stage in stages
        for part in plans[stage].allocations(fact_bytes, samples, pair.plan)
    )


async def prepare(
    client: Client, since: datetime, judges: Collection[str], limit: int
) -> RejudgePlan:
    """Find them, newest first. ConfigurationError for a judge that is not on the panel, or without a critic that has said what it costs."""
    plans = await read_plans(await client.js.key_value(PLANS.name), [CRITIC, ORACLE])
    if CRITIC not in plans:
        raise ConfigurationError("no critic has said yet what it costs", "Start one: daydream up")
    state: CriticState = await client.ask(CRITIC_STATE, EmptyRequest())
    known = {judge.name: judge for judge in state.judges}
    if unknown := set(judges) - set(known):
        raise ConfigurationError(
            f"there is no judge {', '.join(sorted(unknown))}; there are {', '.join(known)}",
            "Name one of them, or add one to the panel's file",
        )
    chosen = tuple(name for name in known if not judges or name in judges)
    found = [
        _anew(verdict, chosen if judges else (), plans)
        for verdict in await _judged_since(client, since, limit)
    ]
    each = sum(known[name].nanousd_per_answer for name in chosen)
    return RejudgePlan(tuple(found), chosen, plans, each * len(found))


async def send(
    client: Client, one: HypothesisProposed, plans: Mapping[str, StagePlan]
) -> Refusal | None:
    """Reserve the money and hand it to the critic; waits while the critic has enough. The refusal when there is no money."""
    reservation = OpenReservation(
        reservation_id=one.pair.reservation_id,
        allocations=allocations(one.pair, one.pair.stages, plans),
        purpose="rejudging",
        requested_at=datetime.now(UTC),
    )
    grant = await client.ask(BUDGET_OPEN, reservation)
    if grant.refusal is not None:
        return grant.refusal
    while True:
        try:
            await client.publish(one)
            return None
        except APIError as full:
            if "maximum" not in (full.description or ""):
                raise
            await asyncio.sleep(FULL_S)


async def _judged_since(client: Client, since: datetime, limit: int) -> list[VerdictReached]:
    """The last verdict on each hypothesis that judges have seen."""
    found: dict[str, VerdictReached] = {}
    offset = 0
    while len(found) < limit:
        page = (
            await client.ask(
                MEMORY_INSIGHTS, ListVerdicts(promoted_only=False, limit=PAGE, offset=offset)
            )
        ).verdicts
        for verdict in page:
            if (
                verdict.reached_at >= since
                and verdict.judgements
                and verdict.hypothesis.synthesis is not None
                and len(found) < limit
            ):
                found.setdefault(verdict.hypothesis.hypothesis_id, verdict)
        offset += PAGE
        if len(page) < PAGE or page[-1].reached_at < since:
            break
    return list(found.values())


def _anew(
    verdict: VerdictReached, judges: tuple[str, ...], plans: Mapping[str, StagePlan]
) -> HypothesisProposed:
    """To go the way that its pair went before, as far as its stages are still there."""
    proposed, round_ = verdict.hypothesis, verdict.round + 1
    stages = tuple(
        stage
        for stage in (CRITIC, ORACLE)
        if stage == CRITIC or (stage in proposed.pair.stages and stage in plans)
    )
    changed = {
        "reservation_id": derive_id("rejudging", proposed.hypothesis_id, round_),
        "plan": FULL,
        "stages": stages,
    }
    pair = proposed.pair.model_copy(update=changed)
    return proposed.model_copy(update={"pair": pair, "round": round_, "judges": judges})
