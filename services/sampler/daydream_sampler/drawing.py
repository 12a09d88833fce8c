"""The loop that draws: claim a pair, reserve the money for its whole way, publish it, tick it off.

What stops it, within one draw: a goal that is reached, a pipeline that has enough, too few facts, stages that have not said
what they cost, a refusal by the budget (the claim waits and goes on by itself when there is money again), no pairs left.
Killed anywhere, it does the same again: claim, envelope and pair have derived ids.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import nats.errors
from nats.js.kv import KeyValue
from opentelemetry.trace import SpanKind

from daydream_sampler.epoch import Claim, Epoch, ordinals_of
from daydream_sampler.settings import Settings
from daydream_sampler.shared_state import SharedEpoch
from daydream_shared.failures import Failure
from daydream_shared.messages import PairSampled, derive_id, pair_id_of
from daydream_shared.money.plans import SIZES, StagePlan, read_plans, samples_in, ways
from daydream_shared.requests import Nothing, OpenEnvelope, PairAt, Phase, Refusal, SamplerState, SetGoal
from daydream_shared.runtime import Runtime
from daydream_shared.subjects import BUDGET_OPEN, MEMORY_PAIR, MEMORY_STATE, flow_of
from daydream_shared.telemetry import Name

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 0.5
LOOK_AGAIN_LATE_S = 2.0  # when there will be no money for long, but somebody may raise the cap meanwhile
FAR_OFF = timedelta(seconds=30)
STRATEGY = "uniform"


class Drawing:
    """Draws pairs while there is reason to."""

    def __init__(self, runtime: Runtime, settings: Settings, epoch: SharedEpoch, plans: KeyValue) -> None:
        self._runtime = runtime
        self._settings = settings
        self._epoch = epoch
        self._plans = plans
        self._phase: tuple[Phase, str, datetime | None] = ("waiting-for-facts", "starting", None)
        self._looked_at = datetime.now(UTC)

    async def state(self, _: Nothing) -> SamplerState:
        """What it is doing, and why."""
        epoch = await self._epoch.read()
        phase, text, retry_at = self._phase
        if epoch.goal_reached and not epoch.claims:
            phase, text, retry_at = "goal-reached", f"{epoch.drawn} pairs are drawn, as many as were wanted", None
        elif phase == "goal-reached":
            phase, text = "drawing", "there is a new goal"
        return SamplerState(
            phase=phase, text=text, looked_at=self._looked_at, drawn=epoch.drawn, drawn_max=epoch.drawn_max, pairs_left=epoch.pairs_left, retry_at=retry_at
        )

    async def set_goal(self, goal: SetGoal) -> SamplerState:
        """How many pairs may have been drawn in all."""
        await self._epoch.change(lambda epoch: (epoch.model_copy(update={"drawn_max": goal.drawn_max}), None))
        return await self.state(Nothing())

    async def draw_forever(self) -> None:
        """Draw until the stop."""
        while not self._runtime.stopping.is_set():
            started = datetime.now(UTC)
            try:
                pause_s = await self._draw()
                self._looked_at = started  # only now: until then the phase is that of an earlier look
            except (Failure, nats.errors.Error, ConnectionError, TimeoutError) as trouble:
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
            return self._rest("waiting-for-stages", f"waiting for {', '.join(missing)} to say what they cost")
        flow = flow_of(PairSampled)
        ahead = (await self._runtime.js.stream_info(flow.stream)).state.messages
        if ahead >= self._settings.pairs_ahead:
            return self._rest("pipeline-full", f"{ahead} pairs are on their way")
        facts = (await self._runtime.ask(MEMORY_STATE, Nothing())).facts
        now = datetime.now(UTC)
        claim = await self._epoch.change(lambda epoch: _claimed(epoch.cover(facts), self._settings.instance, now))
        if claim is None:
            return self._nothing_to_claim(await self._epoch.read(), facts)
        refusal = await self._send(claim, plans)
        if refusal is not None:
            return self._rest("refused", refusal.text, refusal.retry_at)
        await self._epoch.change(lambda epoch: (epoch.done(claim), None))
        self._phase = ("drawing", "", None)
        return 0.0

    async def _send(self, claim: Claim, plans: dict[str, StagePlan]) -> Refusal | None:
        """Open the envelope and publish the pair, or say why there is no money for it."""
        found = await self._runtime.ask(MEMORY_PAIR, PairAt(ordinals=ordinals_of(claim.number)))
        epoch = await self._epoch.read()
        pair_id = pair_id_of(epoch.number, found.first.fact_id, found.second.fact_id)
        envelope_id = derive_id("envelope", pair_id)
        fact_bytes = len(found.first.text.encode()) + len(found.second.text.encode())
        samples = self._settings.samples
        whole, *smaller = ways(plans.values(), fact_bytes, samples)
        envelope = OpenEnvelope(envelope_id=envelope_id, parts=whole.parts, ways=whole.ways, smaller=tuple(smaller), asked_at=claim.claimed_at)
        grant = await self._runtime.ask(BUDGET_OPEN, envelope)
        if grant.refusal is not None:
            return grant.refusal
        size = SIZES[grant.plan]
        pair = PairSampled(
            pair_id=pair_id, epoch=epoch.number, first=found.first, second=found.second, strategy=STRATEGY, draw_probability=claim.probability,
            similarity=found.similarity, samples=samples_in(size, samples), plan=size, envelope_id=envelope_id, drawn_at=claim.claimed_at,
        )  # fmt: skip
        with self._runtime.telemetry.tracer.start_as_current_span("daydream", kind=SpanKind.INTERNAL, attributes={Name.PAIR: pair_id}):
            log.info("pair drawn", extra={"pair": pair_id})
            await self._runtime.publish(pair)
        return None

    def _nothing_to_claim(self, epoch: Epoch, facts: int) -> float:
        if epoch.goal_reached:
            return self._rest("goal-reached", f"{epoch.drawn} pairs are drawn, as many as were wanted")
        if epoch.claims:
            return self._rest("drawing", "another replica is drawing the last pairs")
        if facts < 2:
            return self._rest("waiting-for-facts", f"{facts} facts are ready, two are needed")
        return self._rest("exhausted", f"all pairs of {facts} facts are drawn")

    def _rest(self, phase: Phase, text: str, retry_at: datetime | None = None) -> float:
        if (phase, text) != self._phase[:2]:
            log.info("%s: %s", phase, text)
        self._phase = (phase, text, retry_at)
        return LOOK_AGAIN_LATE_S if retry_at and retry_at - datetime.now(UTC) > FAR_OFF else LOOK_AGAIN_S


def _claimed(epoch: Epoch, owner: str, now: datetime) -> tuple[Epoch, Claim | None]:
    found = epoch.claim(owner, now)
    return found if found else (epoch, None)
