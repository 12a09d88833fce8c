"""From a hypothesis to its verdict: the free gates, then the judges, then the line; what would be promoted goes to the oracle where the pair pays for one."""

from __future__ import annotations

from datetime import UTC, datetime

from nats.js.kv import KeyValue

from daydream_critic import gates
from daydream_critic.experience import ROLE
from daydream_critic.gates import Stopped
from daydream_critic.hearing import Hearing
from daydream_critic.jury import Jury
from daydream_critic.rulings import Ruling, first, read
from daydream_critic.settings import Settings
from daydream_shared.messages import CandidateNominated, Decision, HypothesisProposed, Known, Synthesis, VerdictReached, Weighing, verdict_id_of
from daydream_shared.money.plans import ORACLE
from daydream_shared.requests import Nearest, Neighbours
from daydream_shared.rpc import Asker
from daydream_shared.subjects import MEMORY_NEAREST


class Critic:
    """Judges hypotheses."""

    def __init__(self, jury: Jury, ask: Asker, settings: Settings, rulings: KeyValue | None = None) -> None:
        """`rulings`: where decisions are kept; None where no oracle has the last word."""
        self._rulings = rulings
        self._jury = jury
        self._ask = ask
        self._settings = settings

    async def judge(self, proposed: HypothesisProposed) -> VerdictReached | CandidateNominated:
        """The verdict on a hypothesis, an abstention included; or its nomination, with the verdict deferred."""
        stopped = gates.by_itself(proposed)
        synthesis = proposed.synthesis
        if stopped is not None or synthesis is None:
            return _verdict(proposed, stopped or Stopped(Decision.ABSTAINED, "abstained", ""))
        before = await self._ruled(proposed)
        known = await self._nearest(proposed, synthesis)
        stopped = self._gate(proposed, known) if before is None else before.stopped(known.nearest)
        if stopped is not None:
            await self._keep(proposed, Ruling.of(stopped))
            return _verdict(proposed, stopped)
        hearing, weighing = await self._jury.hear(proposed, synthesis)
        ruling = await self._keep(proposed, Ruling.of(self._decided(hearing, weighing, known.nearest), weighing))
        verdict = _verdict(proposed, ruling.outcome(known.nearest), hearing, ruling.weighing)
        if verdict.decision is Decision.PROMOTED and ORACLE in proposed.pair.stages:
            return CandidateNominated(verdict=verdict.model_copy(update={"decision": Decision.DEFERRED, "final": False}))
        return verdict

    async def _nearest(self, proposed: HypothesisProposed, synthesis: Synthesis) -> Neighbours:
        own = (proposed.pair.first.fact_id, proposed.pair.second.fact_id)
        question = Nearest(text=synthesis.hypothesis[:20_000], own_fact_ids=own, own_hypothesis_id=proposed.hypothesis_id)
        return await self._ask(MEMORY_NEAREST, question)

    def _gate(self, proposed: HypothesisProposed, known: Neighbours) -> Stopped | None:
        """None for what is planted, to measure the judges, and for what passed this gate before it is judged anew: what came later is no reason."""
        if proposed.pair.canary or proposed.round > 1:
            return None
        settings = self._settings
        return gates.by_memory(
            known,
            duplicate_nearness=settings.duplicate_nearness,
            restatement_nearness=settings.restatement_nearness,
            same_false_share=settings.same_false_share,
        )

    async def _ruled(self, proposed: HypothesisProposed) -> Ruling | None:
        """What was decided at an earlier delivery."""
        return await read(self._rulings, proposed.message_id) if self._rulings is not None and ORACLE in proposed.pair.stages else None

    async def _keep(self, proposed: HypothesisProposed, ruling: Ruling) -> Ruling:
        """This ruling, or the one that was there before."""
        return await first(self._rulings, proposed.message_id, ruling) if self._rulings is not None and ORACLE in proposed.pair.stages else ruling

    def _decided(self, hearing: Hearing, weighing: Weighing, nearest: Known | None) -> Stopped:
        score = hearing.score
        if score is None:
            return Stopped(Decision.DISCARDED, "judge-unreadable", "no judge's answer could be read, even after asking again", nearest)
        if weighing.log_odds is not None and weighing.line is not None:
            ended = weighing.log_odds if weighing.placed is None else weighing.placed
            promoted = ended > weighing.line
            after = f" after {len(hearing.comparisons)} comparisons" if hearing.comparisons else ""
            why = (
                f"which the best {self._settings.promote_share:.0%} reach"
                if weighing.rule == "quota"
                else f"above which people accept {self._settings.target_precision:.0%}"
            )
            text = f"log-odds {ended:.2f}{after} (needed: {weighing.line:.2f}, {why}), mean score {score:.1f}"
        else:
            least, needed, floor = hearing.least, self._settings.promote_score, self._settings.least_score
            promoted = score >= needed and least >= floor
            text = f"mean score {score:.1f} (needed: {needed:g}), least {least} (needed: {floor})"
        return Stopped(Decision.PROMOTED if promoted else Decision.DISCARDED, weighing.rule, text, nearest)


def _verdict(proposed: HypothesisProposed, outcome: Stopped, hearing: Hearing | None = None, weighing: Weighing | None = None) -> VerdictReached:
    heard = hearing or Hearing()
    calls = (*proposed.calls, *heard.calls) if proposed.round == 1 else tuple(heard.calls)  # the synthesis was in the first verdict's cost
    return VerdictReached(
        verdict_id=verdict_id_of(proposed.hypothesis_id, ROLE, proposed.round),
        hypothesis=proposed,
        role=ROLE,
        round=proposed.round,
        decision=outcome.decision,
        reason=outcome.reason,
        explanation=outcome.explanation,
        final=True,
        judgements=tuple(heard.judgements),
        score=heard.score,
        spread=heard.spread,
        weighing=weighing,
        comparisons=heard.comparisons,
        nearest=outcome.nearest,
        calls=tuple(heard.calls),
        cost_nanousd=sum(call.cost_nanousd for call in calls),
        saved_nanousd=sum(call.saved_nanousd for call in calls),
        reached_at=datetime.now(UTC),
    )
