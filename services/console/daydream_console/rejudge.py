"""Judge stored hypotheses again: find them in memory, reserve money for each, and send it to the
critic.

Running the same command twice has no further effect: round, reservation and message have derived
ids, so what is pending already is neither paid nor judged twice. The verdict of the new round is
stored beside the earlier ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js.errors import APIError
from tenacity import retry, retry_if_exception, wait_fixed

from daydream_console.client import Client
from daydream_contracts.access import team_of
from daydream_contracts.buckets import PLANS
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import HypothesisProposed, PairSampled, VerdictReached, derive_id
from daydream_contracts.rpc import (
    AllocationRequest,
    EmptyRequest,
    JudgeState,
    ListVerdicts,
    OpenReservation,
    Refusal,
)
from daydream_contracts.topology import BUDGET_OPEN, CRITIC_STATE, MEMORY_VERDICTS
from daydream_models.stage_plans import FULL, ORACLE, StagePlan, read_plans

CRITIC = "critic"
PAGE = 100
STREAM_FULL_WAIT_S = 1.0


@dataclass(frozen=True)
class RejudgePlan:
    """Hypotheses to judge again, by which judges, and the expected cost."""

    hypotheses: tuple[HypothesisProposed, ...]
    judges: tuple[str, ...]
    plans: Mapping[str, StagePlan]
    expected_nanousd: int

    @property
    def max_nanousd(self) -> int:
        """Return the sum of all reservations."""
        return sum(
            allocation.upper_bound_nanousd
            for hypothesis in self.hypotheses
            for allocation in allocations(hypothesis.pair, hypothesis.pair.stages, self.plans)
        )


def allocations(
    pair: PairSampled, stages: Collection[str], plans: Mapping[str, StagePlan], samples: int = 1
) -> tuple[AllocationRequest, ...]:
    """Return what a reservation must hold to pay for these stages of a pair."""
    fact_bytes = len(pair.first.text.encode()) + len(pair.second.text.encode())
    team = team_of((pair.first, pair.second))
    return tuple(
        allocation
        for stage in stages
        for allocation in plans[stage].allocations(fact_bytes, samples, pair.plan, team=team)
    )


async def prepare(
    client: Client, since: datetime, judges: Collection[str], limit: int
) -> RejudgePlan:
    """Find the hypotheses, newest first.

    Raise ConfigurationError for a judge that is not on the panel, or if no critic has published its
    cost.
    """
    plans = await read_plans(await client.js.key_value(PLANS.name), [CRITIC, ORACLE])
    if CRITIC not in plans:
        raise ConfigurationError("No critic has published its cost yet", "Start one: daydream up")
    state = await client.rpc.request(CRITIC_STATE, EmptyRequest())
    panel = {judge.name: judge for judge in state.judges}
    chosen = _chosen_judges(panel, judges)
    verdicts = await _judged_since(client, since, limit)
    restricted = chosen if judges else ()
    hypotheses = tuple(_next_round(verdict, restricted, plans) for verdict in verdicts)
    cost_per_hypothesis = sum(panel[name].nanousd_per_answer for name in chosen)
    return RejudgePlan(hypotheses, chosen, plans, cost_per_hypothesis * len(hypotheses))


def _chosen_judges(panel: Mapping[str, JudgeState], names: Collection[str]) -> tuple[str, ...]:
    """Return the named judges in the panel's order; all of them if none is named."""
    if unknown := set(names) - set(panel):
        raise ConfigurationError(
            f"Unknown judge: {', '.join(sorted(unknown))}",
            f"Use one of {', '.join(panel)}, or add a judge to the panel's file",
        )
    return tuple(name for name in panel if not names or name in names)


async def send(
    client: Client, hypothesis: HypothesisProposed, plans: Mapping[str, StagePlan]
) -> Refusal | None:
    """Reserve the money and send the hypothesis to the critic.

    Wait while the critic's stream is full.

    Return the refusal if the budget refuses.
    """
    reservation = OpenReservation(
        reservation_id=hypothesis.pair.reservation_id,
        allocations=allocations(hypothesis.pair, hypothesis.pair.stages, plans),
        purpose="rejudging",
        requested_at=datetime.now(UTC),
    )
    grant = await client.rpc.request(BUDGET_OPEN, reservation)
    if grant.refusal is not None:
        return grant.refusal
    await _publish_when_room(client, hypothesis)
    return None


def _stream_is_full(error: BaseException) -> bool:
    return isinstance(error, APIError) and "maximum" in (error.description or "")


@retry(retry=retry_if_exception(_stream_is_full), wait=wait_fixed(STREAM_FULL_WAIT_S))
async def _publish_when_room(client: Client, hypothesis: HypothesisProposed) -> None:
    await client.publish(hypothesis)


async def _judged_since(client: Client, since: datetime, limit: int) -> list[VerdictReached]:
    """Return the last verdict on each hypothesis that has been judged, newest first."""
    latest: dict[str, VerdictReached] = {}
    offset = 0
    while len(latest) < limit:
        query = ListVerdicts(promoted_only=False, limit=PAGE, offset=offset)
        page = (await client.rpc.request(MEMORY_VERDICTS, query)).verdicts
        for verdict in page:
            is_judged = verdict.judgements and verdict.hypothesis.synthesis is not None
            if is_judged and verdict.reached_at >= since and len(latest) < limit:
                latest.setdefault(verdict.hypothesis.hypothesis_id, verdict)
        offset += PAGE
        if len(page) < PAGE or page[-1].reached_at < since:
            break
    return list(latest.values())


def _next_round(
    verdict: VerdictReached, judges: tuple[str, ...], plans: Mapping[str, StagePlan]
) -> HypothesisProposed:
    """Return the hypothesis for its next round, through the same stages as before, as far as they
    still run.
    """
    hypothesis, next_round = verdict.hypothesis, verdict.round + 1
    with_oracle = ORACLE in hypothesis.pair.stages and ORACLE in plans
    pair = hypothesis.pair.model_copy(
        update={
            "reservation_id": derive_id("rejudging", hypothesis.hypothesis_id, next_round),
            "plan": FULL,
            "stages": (CRITIC, ORACLE) if with_oracle else (CRITIC,),
        }
    )
    return hypothesis.model_copy(update={"pair": pair, "round": next_round, "judges": judges})
