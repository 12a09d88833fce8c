"""From a hypothesis to its verdict: the free gates, then the judges, then the line; what would be promoted goes to the oracle where the pair pays for one."""

from __future__ import annotations

from datetime import UTC, datetime

from nats.js.kv import KeyValue

from daydream_contracts.events import (
    Aggregation,
    CandidateNominated,
    Decision,
    HypothesisProposed,
    NearestMatch,
    Synthesis,
    VerdictReached,
    verdict_id_of,
)
from daydream_contracts.rpc import FindNearest, NearestMatches
from daydream_contracts.topology import MEMORY_NEAREST
from daydream_critic.history.projection import ROLE
from daydream_critic.pipeline import gates
from daydream_critic.pipeline.decision_log import DecisionRecord, first, read
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.gates import Outcome
from daydream_critic.pipeline.judge_panel import JudgePanel
from daydream_critic.settings import CriticSettings
from daydream_models.reservations import ORACLE
from daydream_runtime.rpc import RpcClient


class Critic:
    """Judges hypotheses."""

    def __init__(
        self,
        jury: JudgePanel,
        ask: RpcClient,
        settings: CriticSettings,
        rulings: KeyValue | None = None,
    ) -> None:
        """`rulings`: where decisions are kept; None where no oracle has the last word."""
        self._rulings = rulings
        self._jury = jury
        self._ask = ask
        self._settings = settings

    async def judge(self, proposed: HypothesisProposed) -> VerdictReached | CandidateNominated:
        """The verdict on a hypothesis, an abstention included; or its nomination, with the verdict deferred."""
        stopped = gates.check_text(proposed)
        synthesis = proposed.synthesis
        if stopped is not None or synthesis is None:
            return _verdict(proposed, stopped or Outcome(Decision.ABSTAINED, "abstained", ""))
        before = await self._ruled(proposed)
        known = await self._nearest(proposed, synthesis)
        stopped = self._gate(proposed, known) if before is None else before.stopped(known.nearest)
        if stopped is not None:
            await self._keep(proposed, DecisionRecord.of(stopped))
            return _verdict(proposed, stopped)
        hearing, aggregation = await self._jury.hear(proposed, synthesis)
        ruling = await self._keep(
            proposed,
            DecisionRecord.of(self._decided(hearing, aggregation, known.nearest), aggregation),
        )
        verdict = _verdict(proposed, ruling.outcome(known.nearest), hearing, ruling.aggregation)
        if verdict.decision is Decision.PROMOTED and ORACLE in proposed.pair.stages:
            return CandidateNominated(
                verdict=verdict.model_copy(update={"decision": Decision.DEFERRED, "final": False})
            )
        return verdict

    async def _nearest(self, proposed: HypothesisProposed, synthesis: Synthesis) -> NearestMatches:
        own = (proposed.pair.first.fact_id, proposed.pair.second.fact_id)
        question = FindNearest(
            text=synthesis.hypothesis[:20_000],
            own_fact_ids=own,
            own_hypothesis_id=proposed.hypothesis_id,
        )
        return await self._ask(MEMORY_NEAREST, question)

    def _gate(self, proposed: HypothesisProposed, known: NearestMatches) -> Outcome | None:
        """None for what is planted, to measure the judges, and for what passed this gate before it is judged anew: what came later is no reason."""
        if proposed.pair.canary or proposed.round > 1:
            return None
        settings = self._settings
        return gates.check_memory(
            known,
            duplicate_similarity=settings.duplicate_similarity,
            restatement_similarity=settings.restatement_similarity,
            same_false_share=settings.same_false_share,
        )

    async def _ruled(self, proposed: HypothesisProposed) -> DecisionRecord | None:
        """What was decided at an earlier delivery."""
        return (
            await read(self._rulings, proposed.message_id)
            if self._rulings is not None and ORACLE in proposed.pair.stages
            else None
        )

    async def _keep(self, proposed: HypothesisProposed, ruling: DecisionRecord) -> DecisionRecord:
        """This ruling, or the one that was there before."""
        return (
            await first(self._rulings, proposed.message_id, ruling)
            if self._rulings is not None and ORACLE in proposed.pair.stages
            else ruling
        )

    def _decided(
        self, hearing: Evaluation, aggregation: Aggregation, nearest: NearestMatch | None
    ) -> Outcome:
        score = hearing.score
        if score is None:
            return Outcome(
                Decision.DISCARDED,
                "judge-unreadable",
                "no judge's answer could be read, even after asking again",
                nearest,
            )
        if aggregation.log_odds is not None and aggregation.threshold is not None:
            ended = aggregation.log_odds if aggregation.rating is None else aggregation.rating
            promoted = ended > aggregation.threshold
            after = f" after {len(hearing.comparisons)} comparisons" if hearing.comparisons else ""
            why = (
                f"which the best {self._settings.promote_quota:.0%} reach"
                if aggregation.rule == "quota"
                else f"above which people accept {self._settings.target_precision:.0%}"
            )
            text = f"log-odds {ended:.2f}{after} (needed: {aggregation.threshold:.2f}, {why}), mean score {score:.1f}"
        else:
            least, needed, floor = (
                hearing.least,
                self._settings.promote_score,
                self._settings.min_score,
            )
            promoted = score >= needed and least >= floor
            text = f"mean score {score:.1f} (needed: {needed:g}), least {least} (needed: {floor})"
        return Outcome(
            Decision.PROMOTED if promoted else Decision.DISCARDED, aggregation.rule, text, nearest
        )


def _verdict(
    proposed: HypothesisProposed,
    outcome: Outcome,
    hearing: Evaluation | None = None,
    aggregation: Aggregation | None = None,
) -> VerdictReached:
    heard = hearing or Evaluation()
    calls = (
        (*proposed.calls, *heard.calls) if proposed.round == 1 else tuple(heard.calls)
    )  # the synthesis was in the first verdict's cost
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
        aggregation=aggregation,
        comparisons=heard.comparisons,
        nearest=outcome.nearest,
        calls=tuple(heard.calls),
        cost_nanousd=sum(call.cost_nanousd for call in calls),
        saved_nanousd=sum(call.saved_nanousd for call in calls),
        reached_at=datetime.now(UTC),
    )
