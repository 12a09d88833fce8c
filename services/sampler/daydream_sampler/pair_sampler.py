"""The loop that draws: claim a draw, find its pair, take it, reserve the money for its whole way, publish it, tick it off.

What stops it, within one draw: a goal that is reached, an hour or servers that are not for it (`when`), a pipeline that has enough, too few
facts, stages that have not said what they cost, a refusal by the budget (the claim waits and goes on by itself when there is money again), no
pairs left.
Killed anywhere, it does the same again: the claim says which pair it is for before the pair is taken, and reservation and pair
have derived ids.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import nats.errors
from nats.js.kv import KeyValue
from opentelemetry.trace import SpanKind

from daydream_contracts.access import Clearances, are_isolated, isolated_pairs
from daydream_contracts.errors import DaydreamError
from daydream_contracts.events import PairSampled, derive_id, pair_id_of
from daydream_contracts.rpc import (
    EmptyRequest,
    FindNeighbours,
    MemoryState,
    NeighbourQuery,
    OpenReservation,
    PairAt,
    PairFound,
    Phase,
    Refusal,
    SamplerState,
    SetGoal,
    StrategyYield,
)
from daydream_contracts.topology import (
    BUDGET_OPEN,
    MEMORY_NEIGHBOURHOODS,
    MEMORY_PAIR,
    MEMORY_STATE,
    route_of,
)
from daydream_models.reservations import SIZES, StagePlan, branches, read_plans, samples_in
from daydream_runtime.cas_state import CasState
from daydream_runtime.projection import Projector
from daydream_runtime.service import Runtime
from daydream_runtime.telemetry import Attribute
from daydream_sampler.drawn_pairs import PairSet
from daydream_sampler.epoch import UNIFORM, Claim, Epoch, ordinals_of
from daydream_sampler.epoch_renewal import EpochRenewer
from daydream_sampler.portfolio import next_round
from daydream_sampler.proposal import NEAR, CandidateSet, ProposalModel, turns_of
from daydream_sampler.recheck_finder import RecheckFinder
from daydream_sampler.scheduling.interface import DrawSchedule
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.recheck import DuePair, Recheck
from daydream_sampler.strategy_history import StrategyHistory

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 0.5
LOOK_AGAIN_LATE_S = (
    2.0  # when there will be no money for long, but somebody may raise the cap meanwhile
)
FAR_OFF = timedelta(seconds=30)
ASKED_ANEW_AFTER = timedelta(days=1)


class PairSampler:
    """Draws pairs while there is reason to."""

    def __init__(
        self,
        runtime: Runtime,
        settings: SamplerSettings,
        epoch: CasState[Epoch],
        plans: KeyValue,
        strategies: Mapping[str, Strategy],
        drawn: PairSet,
        following: Projector[StrategyHistory],
        occasion: DrawSchedule,
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._epoch = epoch
        self._plans = plans
        self._strategies = strategies
        self._drawn = drawn
        self._following = following
        self._occasion = occasion
        self._clearances = Clearances(settings.clearances)
        self._renewing = EpochRenewer(runtime, epoch)
        self._rechecking = (
            RecheckFinder(runtime, timedelta(days=settings.recheck_after_days))
            if Recheck().name in strategies
            else None
        )
        self._phase: tuple[Phase, str, datetime | None] = ("waiting-for-facts", "starting", None)
        self._looked_at = datetime.now(UTC)

    async def state(self, _: EmptyRequest) -> SamplerState:
        """What it is doing, and why."""
        epoch = await self._epoch.read()
        phase, text, retry_at = self._phase
        if not self._settings.draws:
            await self._following.catch_up()
            phase, text, retry_at = "off", "it draws nothing (DAYDREAM_SAMPLER_ENABLED)", None
        elif epoch.pairs_max is not None and epoch.drawn >= epoch.pairs_max:
            phase, text, retry_at = (
                "goal-reached",
                f"{epoch.drawn} pairs are drawn, as many as were wanted",
                None,
            )
        elif phase == "goal-reached":
            phase, text = "drawing", "there is a new goal"
        return SamplerState(
            phase=phase,
            text=text,
            looked_at=self._looked_at,
            drawn=epoch.drawn,
            pairs_max=epoch.pairs_max,
            pairs_left=epoch.pairs_left,
            retry_at=retry_at,
            round=epoch.round.number,
            strategies=self._yields(epoch),
        )

    def _yields(self, epoch: Epoch) -> tuple[StrategyYield, ...]:
        shares = epoch.round.shares or {UNIFORM: 1.0}
        return tuple(
            self._following.fold.of(name, shares.get(name, 0.0))
            for name in (UNIFORM, *self._strategies)
        )

    async def set_goal(self, goal: SetGoal) -> SamplerState:
        """How many pairs may have been drawn in all."""
        await self._epoch.change(
            lambda epoch: (epoch.model_copy(update={"pairs_max": goal.pairs_max}), None)
        )
        return await self.state(EmptyRequest())

    async def draw_forever(self) -> None:
        """Draw until the stop."""
        while not self._runtime.stopping.is_set():
            started = datetime.now(UTC)
            try:
                pause_s = await self._draw()
                self._looked_at = (
                    started  # only now: until then the phase is that of an earlier look
                )
            except (DaydreamError, nats.errors.Error, ConnectionError, TimeoutError) as trouble:
                log.warning("the draw waits: %s", trouble)
                pause_s = LOOK_AGAIN_S
            if pause_s:
                await self._runtime.pause(pause_s)

    async def _draw(self) -> float:
        """One step; how long to wait before the next."""
        stages = self._settings.stage_names
        plans = await read_plans(self._plans, stages)
        missing = [stage for stage in stages if stage not in plans]
        if missing:
            return self._rest(
                "waiting-for-stages", f"waiting for {', '.join(missing)} to say what they cost"
            )
        now = datetime.now(UTC)
        wait = await self._occasion.wait(now)
        if wait is not None:
            return self._rest("not-now", wait.text, wait.until)
        flow = route_of(PairSampled)
        ahead = (await self._runtime.js.stream_info(flow.stream)).state.messages
        if ahead >= self._settings.pairs_ahead * self._occasion.ahead(now):
            return self._rest("pipeline-full", f"{ahead} pairs are on their way")
        memory = await self._runtime.ask(MEMORY_STATE, EmptyRequest())
        self._drawn = await self._renewing.renewed(self._drawn, memory.generation)
        await self._drawn.catch_up()
        await self._following.catch_up()
        due = (
            await self._rechecking.due(
                await self._epoch.read(), self._following.fold, plans.values(), memory.facts
            )
            if self._rechecking
            else ()
        )
        before, claim = await self._epoch.change(lambda epoch: self._claimed(epoch, memory, due))
        if claim is None:
            return self._nothing_to_claim(await self._epoch.read(), memory.facts)
        may_see = self._sight(plans.values())
        unseen = memory.hidden + sum(
            count for name, count in memory.clearances.items() if not may_see(name)
        )
        proposing = ProposalModel(
            before,
            memory.facts,
            memory.questions,
            self._strategies,
            self._drawn,
            unseen,
            may_see,
            isolated_pairs(memory.teams),
        )
        whole = await self._with_pair(proposing, claim)
        found = await self._taken(whole, may_see) if whole else None
        if whole is None or found is None:
            await self._epoch.change(lambda epoch: (epoch.drop(claim), None))
            return 0.0
        refusal = await self._send(whole, found, plans, memory.facts)
        if refusal is not None:
            return await self._refused(whole, refusal)
        await self._epoch.change(lambda epoch: (epoch.done(whole), None))
        self._phase = ("drawing", "", None)
        return 0.0

    def _claimed(
        self, epoch: Epoch, memory: MemoryState, due: tuple[DuePair, ...]
    ) -> tuple[Epoch, tuple[Epoch, Claim | None]]:
        """The epoch with the next claim, and the one before it, in which the round is a new one when it was time."""
        turns = turns_of(self._strategies, memory.facts, len(memory.questions))
        before = epoch.cover(memory.facts).meet(turns)
        if self._strategies and before.drawn >= before.round.until:
            settings = self._settings
            found = next_round(
                before,
                self._strategies,
                self._following.fold,
                floor=settings.uniform_floor,
                generated_share_max=settings.generated_share_max,
                due=due,
            )
            before = before.model_copy(update={"round": found})
        claimed = before.claim(self._settings.instance, datetime.now(UTC), turns)
        after, claim = claimed if claimed else (epoch, None)
        return after, (before, claim)

    async def _with_pair(self, proposing: ProposalModel, claim: Claim) -> Claim | None:
        """The claim with its pair written down. None: its anchor has no partner left, or another replica has claim or pair."""
        if (
            claim.proposed or not self._strategies
        ):  # chosen before a crash; or there is nothing to choose
            return claim
        if claim.number is None:
            ordinal = proposing.anchor_of(claim)
            (first,) = await self._views(proposing, proposing.place(ordinal))
            number = proposing.choose(claim, first)
            if number is None:
                return None
            other = next(one for one in ordinals_of(number) if one != ordinal)
            (second,) = await self._views(proposing, proposing.place(other, ordinal))
        else:
            number = claim.number
            low, high = ordinals_of(number)
            first, second = await self._views(
                proposing, proposing.place(low, high), proposing.place(high, low)
            )
        chosen = proposing.settle(claim, number, first, second)
        return await self._epoch.change(lambda epoch: epoch.fix(claim, chosen))

    async def _views(self, proposing: ProposalModel, *places: NeighbourQuery) -> list[CandidateSet]:
        found = await self._runtime.ask(
            MEMORY_NEIGHBOURHOODS, FindNeighbours(places=places, near=NEAR)
        )
        return [proposing.view(seen, found) for seen in found.seen]

    def _sight(self, plans: Iterable[StagePlan]) -> Callable[[str], bool]:
        """Whether the models of all stages may see a fact that needs a clearance."""
        lowest = self._clearances.lowest(name for plan in plans for name in plan.clearances)
        return lambda clearance: self._clearances.may_see(lowest, clearance)

    async def _taken(self, claim: Claim, may_see: Callable[[str], bool]) -> PairFound | None:
        """The claim's pair, which is now its alone. None: another claim took it, or its facts can't be drawn, or not together."""
        assert claim.number is not None
        found = await self._runtime.ask(MEMORY_PAIR, PairAt(ordinals=ordinals_of(claim.number)))
        first, second = found.first, found.second
        closed = (
            found.hidden
            or are_isolated(first.team, second.team)
            or not may_see(first.clearance)
            or not may_see(second.clearance)
        )
        return (
            found
            if not closed and await self._drawn.take(claim.number, claim.claim_id, claim.epoch)
            else None
        )

    async def _send(
        self, claim: Claim, found: PairFound, plans: dict[str, StagePlan], facts: int
    ) -> Refusal | None:
        """Open the reservation and publish the pair, or say why there is no money for it."""
        epoch = await self._epoch.read()
        number = claim.epoch or epoch.number
        pair_id = pair_id_of(number, found.first.fact_id, found.second.fact_id)
        reservation_id = derive_id("reservation", pair_id)
        fact_bytes = len(found.first.text.encode()) + len(found.second.text.encode())
        samples = self._settings.samples
        whole, *smaller = branches(plans.values(), fact_bytes, samples)
        reservation = OpenReservation(
            reservation_id=reservation_id,
            allocations=whole.allocations,
            branches=whole.branches,
            reduced_plans=tuple(smaller),
            requested_at=claim.claimed_at,
        )
        grant = await self._runtime.ask(BUDGET_OPEN, reservation)
        if grant.refusal is not None:
            return grant.refusal
        size = SIZES[grant.plan]
        pair = PairSampled(
            pair_id=pair_id,
            epoch=number,
            first=found.first,
            second=found.second,
            strategy=claim.strategy,
            draw_probability=claim.probability,
            shares=claim.shares,
            proposed=claim.proposed,
            drawn_mass_max=claim.drawn_mass_max,
            features=claim.features,
            facts=facts,
            why=claim.why,
            similarity=found.similarity,
            samples=samples_in(size, samples),
            plan=size,
            stages=tuple(plans),
            reservation_id=reservation_id,
            drawn_at=claim.claimed_at,
        )
        with self._runtime.telemetry.tracer.start_as_current_span(
            "daydream", kind=SpanKind.INTERNAL, attributes={Attribute.PAIR: pair_id}
        ):
            log.info("pair drawn", extra={"pair": pair_id})
            await self._runtime.publish(pair)
        return None

    async def _refused(self, claim: Claim, refusal: Refusal) -> float:
        """The claim waits for money, as long as it takes: a cap may renew in weeks, and the ledger opens nothing that was asked for a week ago."""
        now = datetime.now(UTC)
        if (
            refusal.reason == "too-old"
        ):  # this system stood still that long: whether it was paid for and published is forgotten
            log.warning("a draw of %s is given up: %s", claim.claimed_at, refusal.text)
            await self._epoch.change(lambda epoch: (epoch.drop(claim), None))
            return 0.0
        if now - claim.claimed_at > ASKED_ANEW_AFTER:
            await self._epoch.change(lambda epoch: (epoch.anew(claim, now), None))
        return self._rest("refused", refusal.text, refusal.retry_at)

    def _nothing_to_claim(self, epoch: Epoch, facts: int) -> float:
        if epoch.goal_reached:
            return self._rest(
                "goal-reached", f"{epoch.drawn} pairs are drawn, as many as were wanted"
            )
        if epoch.claims:
            return self._rest("drawing", "another replica is drawing the last pairs")
        if facts < 2:
            return self._rest("waiting-for-facts", f"{facts} facts are ready, two are needed")
        return self._rest("exhausted", f"all pairs of {facts} facts are drawn")

    def _rest(self, phase: Phase, text: str, retry_at: datetime | None = None) -> float:
        if (phase, text) != self._phase[:2]:
            log.info("%s: %s", phase, text)
        self._phase = (phase, text, retry_at)
        return (
            LOOK_AGAIN_LATE_S
            if retry_at and retry_at - datetime.now(UTC) > FAR_OFF
            else LOOK_AGAIN_S
        )
