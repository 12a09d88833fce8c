"""The loop that draws pairs.

A draw: claim it → choose its pair and take it (`pair_choice`) → let it wait for its rank among
others, where that is on (`pair_ranking`) → reserve the money for the whole daydream and publish the
pair (`pair_publisher`) → complete the claim.

What stops a draw, and is shown as the phase: a goal that is reached; a time that the schedule
leaves to others; a pipeline that has enough pairs (backpressure); fewer than two facts; stages that
have not published their plan; a model whose provider needs a person (no balance, a refused key); a
refusal by the budget (the claim waits and continues by itself when there is money again); no pairs
left.

Killed anywhere, the next process does the same again: the claim says which pair it is for before
the pair is taken, and reservation and pair have derived ids.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import nats.errors
from nats.js.kv import KeyValue

from daydream_contracts.access import Clearances, isolated_pairs
from daydream_contracts.errors import DaydreamError
from daydream_contracts.events import PairSampled
from daydream_contracts.rpc import (
    EmptyRequest,
    MemoryState,
    ModelState,
    PairFound,
    Phase,
    Refusal,
    SamplerState,
    SetGoal,
)
from daydream_contracts.topology import GATEWAY_STATE, MEMORY_STATE, route_of
from daydream_models.reservations import StagePlan, read_plans
from daydream_runtime.cas_state import CasState
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.verdict_projection import Projector
from daydream_sampler.anchor_cycles import AnchorSource
from daydream_sampler.claim import Claim
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import Epoch
from daydream_sampler.epoch_renewal import EpochRenewer
from daydream_sampler.pair_choice import PairChooser
from daydream_sampler.pair_probability import ProposalModel, anchor_sources_of
from daydream_sampler.pair_publisher import PairPublisher
from daydream_sampler.pair_ranking import PairRanking
from daydream_sampler.portfolio import next_round
from daydream_sampler.recheck_finder import RecheckFinder
from daydream_sampler.sampler_state import (
    STARTING,
    PhaseReport,
    goal_reached_text,
    one_document_text,
    phase_of,
    state_of,
)
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.recheck import DuePair, Recheck
from daydream_sampler.strategy_history import StrategyHistory

log = logging.getLogger(__name__)
POLL_S = 0.5
POLL_LATER_S = 2.0  # when there will be no money for long: a person may raise the cap meanwhile
LONG_WAIT = timedelta(seconds=30)
RENEW_CLAIM_AFTER = timedelta(days=1)


class PairSampler:
    """Draw pairs while nothing stops it."""

    def __init__(
        self,
        runtime: Runtime,
        settings: SamplerSettings,
        epoch: CasState[Epoch],
        plans: KeyValue,
        strategies: Mapping[str, Strategy],
        drawn: DrawnPairs,
        history: Projector[StrategyHistory],
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._epoch = epoch
        self._plans = plans
        self._strategies = strategies
        self._drawn = drawn
        self._history = history
        self._schedule = settings.draw_schedule()
        self._clearances = Clearances(settings.clearances)
        self._chooser = PairChooser(runtime.rpc, epoch)
        self._publisher = PairPublisher.of(runtime, settings.samples)
        self._renewer = EpochRenewer(runtime.rpc, epoch)
        self._ranking = PairRanking(
            runtime.rpc, epoch, on=settings.screen, floor=settings.uniform_floor
        )
        self._sources: dict[str, AnchorSource] = {}
        self._recheck: RecheckFinder | None = None
        if Recheck().name in strategies:
            after = timedelta(days=settings.recheck_after_days)
            self._recheck = RecheckFinder(runtime.rpc, after)
        self._phase = STARTING
        self._looked_at = datetime.now(UTC)

    async def state(self) -> SamplerState:
        """Return what it is doing, and why."""
        if not self._settings.enabled:
            await self._history.catch_up()
        epoch, history = await self._epoch.read(), self._history.projection
        return state_of(
            epoch,
            self._phase.as_of(epoch, enabled=self._settings.enabled),
            self._looked_at,
            history,
            self._strategies,
            self._sources,
            self._ranking.state(history),
        )

    async def set_goal(self, goal: SetGoal) -> SamplerState:
        """Set how many pairs may be drawn in all. Idempotent."""
        update = {"pairs_max": goal.pairs_max}
        await self._epoch.change(lambda epoch: (epoch.model_copy(update=update), None))
        return await self.state()

    async def draw_forever(self) -> None:
        """Draw until the stop."""
        while not self._runtime.stopping.is_set():
            started = datetime.now(UTC)
            try:
                pause_s = await self._draw()
                self._looked_at = started  # only now: until here the phase is of an earlier look
            except (DaydreamError, nats.errors.Error, ConnectionError, TimeoutError) as error:
                log.warning("the draw waits: %s", error)
                pause_s = POLL_S
            if pause_s:
                await self._runtime.pause(pause_s)

    async def _draw(self) -> float:
        """Make one draw. Return how many seconds to wait before the next."""
        plans = await read_plans(self._plans, self._settings.stages)
        pause_s = await self._blocked(plans)
        if pause_s is not None:
            return pause_s
        memory = await self._runtime.rpc.request(MEMORY_STATE, EmptyRequest())
        one_document = None if self._settings.same_document else one_document_text(memory)
        if one_document is not None:
            return self._rest("exhausted", one_document)
        before, claim = await self._claim(memory, plans)
        history = self._history.projection
        if await self._ranking.rank(history, all_waiting=claim is None):
            return 0.0  # a claim that was just made is found again
        if claim is None:
            return self._nothing_to_claim(await self._epoch.read(), memory.facts)
        may_see = self._may_see(plans.values())
        proposal = self._proposal(before, memory, may_see)
        chosen = await self._chooser.choose(proposal, claim)
        pair = await self._take(chosen, may_see) if chosen else None
        if chosen is None or pair is None:
            await self._epoch.change(lambda epoch: (epoch.abandon_claim(claim), None))
            return 0.0
        if self._ranking.wants(chosen, history):
            await self._ranking.wait(chosen)
            return 0.0
        epoch = await self._epoch.read()
        refusal = await self._publisher.publish(chosen, pair, epoch, plans, memory.facts)
        if refusal is not None:
            return await self._refused(chosen, refusal)
        await self._epoch.change(lambda epoch: (epoch.complete(chosen), None))
        self._phase = PhaseReport("drawing")
        return 0.0

    async def _take(self, chosen: Claim, may_see: Callable[[str], bool]) -> PairFound | None:
        """Return the pair that the claim now owns, if it may be drawn."""
        same_document = self._settings.same_document
        return await self._chooser.take(chosen, self._drawn, may_see, same_document=same_document)

    async def _blocked(self, plans: Mapping[str, StagePlan]) -> float | None:
        """Return how long to wait if nothing may be drawn now, else None."""
        missing = [stage for stage in self._settings.stages if stage not in plans]
        if missing:
            text = f"waiting for {', '.join(missing)} to publish what they cost"
            return self._rest("waiting-for-stages", text)
        stopped = await self._stopped_model(plans.values())
        if stopped is not None:
            return self._rest("model-stopped", f"{stopped.model} is stopped: {stopped.stopped}")
        now = datetime.now(UTC)
        wait = await self._schedule.wait(now)
        if wait is not None:
            return self._rest("not-now", wait.text, wait.until)
        stream = await self._runtime.js.stream_info(route_of(PairSampled).stream)
        ahead = stream.state.messages
        if ahead >= self._settings.pairs_ahead * self._schedule.ahead(now):
            return self._rest("pipeline-full", f"{ahead} pairs are pending or in progress")
        return None

    async def _stopped_model(self, plans: Iterable[StagePlan]) -> ModelState | None:
        """Return a model that a person must see to, since its provider refuses every call."""
        state = await self._runtime.rpc.request(GATEWAY_STATE, EmptyRequest())
        needed = {name for plan in plans for name in plan.models}
        stopped = (model for model in state.models if model.stopped and model.model in needed)
        return next(stopped, None)

    async def _claim(
        self, memory: MemoryState, plans: Mapping[str, StagePlan]
    ) -> tuple[Epoch, Claim | None]:
        """Claim the next draw. Return the epoch before it, and the claim, if any."""
        self._drawn = await self._renewer.follow(self._drawn, memory.generation)
        await self._drawn.catch_up()
        await self._history.catch_up()
        due: tuple[DuePair, ...] = ()
        if self._recheck is not None:
            epoch = await self._epoch.read()
            history = self._history.projection
            due = await self._recheck.due(epoch, history, plans.values(), memory.facts)
        return await self._epoch.change(lambda epoch: self._claimed(epoch, memory, due))

    def _claimed(
        self, epoch: Epoch, memory: MemoryState, due: tuple[DuePair, ...]
    ) -> tuple[Epoch, tuple[Epoch, Claim | None]]:
        """Return the epoch with the next claim, the one before it, and the claim.

        The epoch before the claim has a new round when it was time for one.
        """
        sources = anchor_sources_of(self._strategies, memory.facts, len(memory.questions))
        self._sources = sources
        before = epoch.extend(memory.facts).start_arrivals(sources)
        if self._strategies and before.drawn >= before.round.until:
            new_round = next_round(
                before,
                self._strategies,
                self._history.projection,
                floor=self._settings.uniform_floor,
                generated_share_max=self._settings.generated_share_max,
                due=due,
            )
            before = before.model_copy(update={"round": new_round})
        claimed = before.claim(self._settings.instance, datetime.now(UTC), sources)
        after, claim = claimed if claimed else (epoch, None)
        return after, (before, claim)

    def _proposal(
        self, before: Epoch, memory: MemoryState, may_see: Callable[[str], bool]
    ) -> ProposalModel:
        unseen = sum(count for name, count in memory.clearances.items() if not may_see(name))
        return ProposalModel(
            before,
            memory.facts,
            memory.questions,
            self._strategies,
            self._drawn,
            memory.hidden + unseen,
            may_see,
            isolated_pairs(memory.teams),
            None if self._settings.same_document else memory.same_document_pairs,
        )

    def _may_see(self, plans: Iterable[StagePlan]) -> Callable[[str], bool]:
        """Return whether the models of all stages may see a fact that needs a clearance."""
        lowest = self._clearances.lowest(name for plan in plans for name in plan.clearances)
        return lambda clearance: self._clearances.may_see(lowest, clearance)

    async def _refused(self, claim: Claim, refusal: Refusal) -> float:
        """Let the claim wait for money as long as it takes: a cap may renew in weeks.

        The ledger opens no reservation that was requested a week ago, so the claim is renewed.
        """
        now = datetime.now(UTC)
        if refusal.reason == "too-old":
            # this system stood still that long: whether the pair was paid for is forgotten
            log.warning("a draw of %s is given up: %s", claim.claimed_at, refusal.text)
            await self._epoch.change(lambda epoch: (epoch.abandon_claim(claim), None))
            return 0.0
        if now - claim.claimed_at > RENEW_CLAIM_AFTER:
            await self._epoch.change(lambda epoch: (epoch.renew_claim(claim, now), None))
        return self._rest(phase_of(refusal), refusal.text, refusal.retry_at)

    def _nothing_to_claim(self, epoch: Epoch, facts: int) -> float:
        if epoch.goal_reached:
            return self._rest("goal-reached", goal_reached_text(epoch))
        if epoch.claims:
            return self._rest("drawing", "another replica is drawing the last pairs")
        if facts < 2:
            return self._rest("waiting-for-facts", f"{facts} facts are ready, two are needed")
        return self._rest("exhausted", f"all pairs of {facts} facts are drawn")

    def _rest(self, phase: Phase, text: str, retry_at: datetime | None = None) -> float:
        """Set the phase. Return how many seconds to wait."""
        if (phase, text) != (self._phase.phase, self._phase.text):
            log.info("%s: %s", phase, text)
        self._phase = PhaseReport(phase, text, retry_at)
        is_long = retry_at is not None and retry_at - datetime.now(UTC) > LONG_WAIT
        return POLL_LATER_S if is_long else POLL_S
