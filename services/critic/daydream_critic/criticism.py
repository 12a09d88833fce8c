"""From a hypothesis to its verdict: the free gates, then the judge, then two thresholds."""

from __future__ import annotations

from datetime import UTC, datetime

from daydream_critic import gates
from daydream_critic.gates import Stopped
from daydream_critic.judging import Judge
from daydream_critic.settings import Settings
from daydream_shared.messages import (
    Decision,
    HypothesisProposed,
    Judgement,
    Known,
    ModelCall,
    Synthesis,
    VerdictReached,
    verdict_id_of,
)
from daydream_shared.requests import Nearest
from daydream_shared.rpc import Asker
from daydream_shared.subjects import MEMORY_NEAREST

ROLE = "critic"
ROUND = 1


class Critic:
    """Judges hypotheses."""

    def __init__(self, judge: Judge, ask: Asker, settings: Settings) -> None:
        self._judge = judge
        self._ask = ask
        self._settings = settings

    async def judge(self, proposed: HypothesisProposed) -> VerdictReached:
        """The verdict on a hypothesis, an abstention included."""
        stopped = gates.by_itself(proposed)
        synthesis = proposed.synthesis
        if stopped is not None or synthesis is None:
            return _verdict(proposed, stopped or Stopped(Decision.ABSTAINED, "abstained", ""))
        own = (proposed.pair.first.fact_id, proposed.pair.second.fact_id)
        known = await self._ask(MEMORY_NEAREST, Nearest(text=synthesis.hypothesis[:20_000], own_fact_ids=own, own_hypothesis_id=proposed.hypothesis_id))
        stopped = gates.by_memory(known, duplicate_nearness=self._settings.duplicate_nearness, restatement_nearness=self._settings.restatement_nearness)
        if stopped is not None:
            return _verdict(proposed, stopped)
        return await self._by_model(proposed, synthesis, known.nearest)

    async def _by_model(self, proposed: HypothesisProposed, synthesis: Synthesis, nearest: Known | None) -> VerdictReached:
        judgement, calls = await self._judge.judge(proposed, synthesis)
        scores = judgement.scores
        if scores is None:
            outcome = Stopped(Decision.DISCARDED, "judge-unreadable", "the judge's answer could not be read, even after asking again", nearest)
            return _verdict(proposed, outcome, (judgement,), calls)
        least = min(scores.novelty, scores.coherence, scores.usefulness)
        promoted = scores.mean >= self._settings.promote_score and least >= self._settings.least_score
        outcome = Stopped(
            Decision.PROMOTED if promoted else Decision.DISCARDED,
            "score",
            f"mean score {scores.mean:.1f} (needed: {self._settings.promote_score:g}), least {least} (needed: {self._settings.least_score})",
            nearest,
        )
        return _verdict(proposed, outcome, (judgement,), calls, scores.mean)


def _verdict(
    proposed: HypothesisProposed, outcome: Stopped, judgements: tuple[Judgement, ...] = (), calls: tuple[ModelCall, ...] = (), score: float | None = None
) -> VerdictReached:
    return VerdictReached(
        verdict_id=verdict_id_of(proposed.hypothesis_id, ROLE, ROUND),
        hypothesis=proposed,
        role=ROLE,
        round=ROUND,
        decision=outcome.decision,
        reason=outcome.reason,
        explanation=outcome.explanation,
        final=True,
        judgements=judgements,
        score=score,
        nearest=outcome.nearest,
        calls=calls,
        cost_nanousd=sum(call.cost_nanousd for call in (*proposed.calls, *calls)),
        saved_nanousd=sum(call.saved_nanousd for call in (*proposed.calls, *calls)),
        reached_at=datetime.now(UTC),
    )
