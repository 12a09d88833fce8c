"""Run gates in order until one ends the evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_contracts.events import Decision
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.gates.interface import Gate
from daydream_critic.pipeline.outcome import Outcome


@dataclass(frozen=True)
class GateChain:
    """Gates in the order in which they run. Those that need the memory run after the lookup."""

    gates: tuple[Gate, ...]

    async def check_text(self, evaluation: Evaluation) -> Evaluation:
        """End evaluations without a hypothesis, then run the gates that need the text alone."""
        outcome = check_answer(evaluation) or self._first(evaluation, needs_memory=False)
        return evaluation.ended(outcome)

    async def check_memory(self, evaluation: Evaluation) -> Evaluation:
        """Run the gates that compare a hypothesis with what is known.

        If an earlier delivery was decided, that decision holds: the memory grows, and what was
        added since is no reason.
        """
        if (record := evaluation.record) is not None:
            stopped_then = record.aggregation is None
            return evaluation.ended(record.outcome(evaluation.nearest) if stopped_then else None)
        if evaluation.proposed.pair.canary or evaluation.proposed.round > 1:
            return evaluation
        return evaluation.ended(self._first(evaluation, needs_memory=True))

    def _first(self, evaluation: Evaluation, *, needs_memory: bool) -> Outcome | None:
        gates = (gate for gate in self.gates if gate.needs_memory == needs_memory)
        outcomes = (gate.check(evaluation) for gate in gates)
        return next((outcome for outcome in outcomes if outcome is not None), None)


def check_answer(evaluation: Evaluation) -> Outcome | None:
    """Return the outcome of an answer without a hypothesis: filtered, unreadable, abstained."""
    proposed = evaluation.proposed
    if proposed.filtered is not None:
        explanation = f"the content filter of the synthesizer's provider: {proposed.filtered}"
        return Outcome(Decision.DISCARDED, "filtered", explanation)
    if proposed.unreadable is not None:
        return Outcome(
            Decision.DISCARDED,
            "unreadable",
            "the synthesizer's answer was unreadable, also after one repair",
        )
    if proposed.synthesis is None:
        return Outcome(Decision.ABSTAINED, "abstained", proposed.abstention or "no reason given")
    return None
