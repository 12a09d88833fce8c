"""The loop that draws pairs.

Draws are made in batches (`draw_batch`): claim them → choose their pairs and take them
(`pair_choice`) → let a pair wait for its rank among others, where that is on (`pair_ranking`) →
reserve the money for each whole daydream and publish the pairs (`pair_publisher`) → end the claims.

What stops draws, and is shown as the phase: a goal that is reached; a time that the schedule
leaves to others; a pipeline that has enough pairs (backpressure); stages that have not published
their plan; a model whose provider needs a person (`draw_conditions`); fewer than two facts; a
refusal by the budget (the claim waits and continues by itself when there is money again); no pairs
left.

Killed anywhere, the next process does the same again: the claim says which pair it is for before
the pair is taken, and reservation and pair have derived ids.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import nats.errors

from daydream_contracts.access import Clearances, isolated_pairs
from daydream_contracts.errors import DaydreamError
from daydream_contracts.rpc import (
    EmptyRequest,
    MemoryState,
    PairFound,
    SamplerState,
    SetGoal,
)
from daydream_contracts.topology import MEMORY_STATE
from daydream_models.stage_plans import StagePlan
from daydream_runtime.cas_state import CasState
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.verdict_projection import Projector
from daydream_sampler.anchor_cycles import AnchorSource
from daydream_sampler.claim import Claim
from daydream_sampler.draw_batch import Draw, DrawEnd, EndedDraw, claim_batch, end_batch, refused
from daydream_sampler.draw_conditions import BATCH_MAX, Blocked, DrawConditions
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import Epoch
from daydream_sampler.epoch_renewal import EpochRenewer
from daydream_sampler.pair_choice import PairChooser
from daydream_sampler.pair_facts import facts_of
from daydream_sampler.pair_probability import ProposalModel, anchor_sources_of
from daydream_sampler.pair_publisher import PairPublisher
from daydream_sampler.pair_ranking import PairRanking
from daydream_sampler.plan_cache import PlanCache
from daydream_sampler.portfolio import next_round
from daydream_sampler.recheck_finder import RecheckFinder
from daydream_sampler.sampler_state import (
    STARTING,
    PhaseReport,
    nothing_left_report,
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


class PairSampler:
    """Draw pairs while nothing stops it."""

    def __init__(
        self,
        runtime: Runtime,
        settings: SamplerSettings,
        epoch: CasState[Epoch],
        plans: PlanCache,
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
        self._conditions = DrawConditions(runtime, settings)
        self._batch_max = BATCH_MAX
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
                log.warning("the draws wait: %s", error)
                pause_s = POLL_S
            if pause_s:
                await self._runtime.pause(pause_s)

    async def _draw(self) -> float:
        """Make a batch of draws. Return how many seconds to wait before the next."""
        plans = await self._plans.plans()
        room = await self._conditions.look(plans)
        if isinstance(room, Blocked):
            return self._blocked(room)
        memory, epoch = await asyncio.gather(
            self._runtime.rpc.request(MEMORY_STATE, EmptyRequest()), self._epoch.read()
        )
        one_document = None if self._settings.same_document else one_document_text(memory)
        if one_document is not None:
            return self._rest(PhaseReport("exhausted", one_document))
        draws = await self._claim(epoch, memory, plans, min(room, self._batch_max))
        history = self._history.projection
        if await self._ranking.rank(epoch, history, all_waiting=not draws):
            return 0.0  # a claim that was just made is found again
        if not draws:
            return self._rest(nothing_left_report(await self._epoch.read(), memory.facts))
        return await self._draw_batch(draws, memory, plans)

    async def _draw_batch(
        self, draws: Sequence[Draw], memory: MemoryState, plans: Mapping[str, StagePlan]
    ) -> float:
        """Find the pairs of claims and publish them; then end the claims by one change.

        What succeeded is counted, also when another draw failed.
        """
        proposal = self._proposal(draws[0].before, memory, self._may_see(plans.values()))
        claims = await self._chooser.choose(proposal, draws)
        pairs = await facts_of(self._runtime.rpc, claims)
        finishing = (
            self._finish(draw, claim, pair, proposal, plans)
            for draw, claim, pair in zip(draws, claims, pairs, strict=True)
        )
        results = await asyncio.gather(*finishing, return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        ends = [result for result in results if not isinstance(result, BaseException)]
        changes, now = [(end.claim, end.how) for end in ends], datetime.now(UTC)
        await self._epoch.change(lambda epoch: (end_batch(epoch, changes, now), None))
        if errors:
            raise errors[0]
        refusal = next((end.refusal for end in ends if end.refusal), None)
        if refusal is not None:
            self._batch_max = 1  # more draws would only wait for the same money
            return self._rest(PhaseReport(phase_of(refusal), refusal.text, refusal.retry_at))
        self._batch_max = BATCH_MAX
        self._phase = PhaseReport("drawing")
        return 0.0

    async def _finish(
        self,
        draw: Draw,
        claim: Claim | None,
        facts: PairFound | None,
        proposal: ProposalModel,
        plans: Mapping[str, StagePlan],
    ) -> EndedDraw:
        """Take the pair of a claim with these facts, pay for its daydream and publish it."""
        if claim is None:
            return EndedDraw(draw.claim, DrawEnd.GIVEN_UP)
        pair = await self._chooser.take(
            claim, facts, self._drawn, proposal.may_see, same_document=self._settings.same_document
        )
        if pair is None:
            return EndedDraw(claim, DrawEnd.GIVEN_UP)
        if self._ranking.wants(claim, self._history.projection):
            return EndedDraw(claim, DrawEnd.RANKED_LATER)
        number = draw.before.number
        refusal = await self._publisher.publish(claim, pair, number, plans, proposal.facts)
        if refusal is None:
            return EndedDraw(claim, DrawEnd.PUBLISHED)
        return refused(claim, refusal, datetime.now(UTC))

    def _blocked(self, blocked: Blocked) -> float:
        """Set the phase. Return how many seconds to wait."""
        pause_s = POLL_S if blocked.report is None else self._rest(blocked.report)
        return pause_s if blocked.pause_s is None else blocked.pause_s

    async def _claim(
        self, epoch: Epoch, memory: MemoryState, plans: Mapping[str, StagePlan], count: int
    ) -> tuple[Draw, ...]:
        """Claim the next draws, at most `count`."""
        self._drawn = await self._renewer.follow(self._drawn, epoch, memory.generation)
        if self._drawn.epoch != epoch.number:
            epoch = await self._epoch.read()
        await asyncio.gather(self._drawn.catch_up(), self._history.catch_up())
        due: tuple[DuePair, ...] = ()
        if self._recheck is not None:
            history = self._history.projection
            due = await self._recheck.due(epoch, history, plans.values(), memory.facts)
        return await self._epoch.change(lambda epoch: self._claimed(epoch, memory, due, count))

    def _claimed(
        self, epoch: Epoch, memory: MemoryState, due: tuple[DuePair, ...], count: int
    ) -> tuple[Epoch, tuple[Draw, ...]]:
        """Return the epoch with the next claims, and the draws.

        The epoch before the claims has a new round when it was time for one.
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
        now = datetime.now(UTC)
        after, draws = claim_batch(before, self._settings.instance, now, sources, count)
        return (after, draws) if draws else (epoch, ())

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

    def _rest(self, report: PhaseReport) -> float:
        """Set the phase. Return how many seconds to wait."""
        if (report.phase, report.text) != (self._phase.phase, self._phase.text):
            log.info("%s: %s", report.phase, report.text)
        self._phase = report
        retry_at = report.retry_at
        is_long = retry_at is not None and retry_at - datetime.now(UTC) > LONG_WAIT
        return POLL_LATER_S if is_long else POLL_S
