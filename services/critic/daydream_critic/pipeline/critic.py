"""The critic: run the steps of the pipeline on one hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_contracts.events import CandidateNominated, HypothesisProposed, VerdictReached
from daydream_critic.pipeline.comparison import PairwiseComparer
from daydream_critic.pipeline.decision import PromotionRule, aggregate
from daydream_critic.pipeline.decision_log import DecisionLog
from daydream_critic.pipeline.evaluation import Evaluation, Step
from daydream_critic.pipeline.gates.chain import GateChain
from daydream_critic.pipeline.judge_panel import JudgePanel
from daydream_critic.pipeline.memory_lookup import MemoryLookup
from daydream_critic.pipeline.verdict import verdict_or_nomination


@dataclass(frozen=True)
class Critic:
    """Evaluates hypotheses. `comparer` is None where nothing is compared."""

    gates: GateChain
    log: DecisionLog
    memory: MemoryLookup
    panel: JudgePanel
    comparer: PairwiseComparer | None
    rule: PromotionRule

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps in their order. Each gets the evaluation of the one before it."""
        return (
            self.gates.check_text,
            self.log.recall,
            self.memory.find_matches,
            self.gates.check_memory,
            self.panel.evaluate,
            aggregate,
            *([self.comparer.compare] if self.comparer else []),
            self.rule.decide,
        )

    async def judge(self, proposed: HypothesisProposed) -> VerdictReached | CandidateNominated:
        """Return the verdict on a hypothesis (also on an abstention), or its nomination."""
        evaluation = Evaluation(proposed)
        for step in self.steps:
            evaluation = await step(evaluation)
            if evaluation.outcome is not None:
                break
        return verdict_or_nomination(await self.log.record(evaluation))
