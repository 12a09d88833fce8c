"""A gate: discard hypotheses that only ask a question."""

from __future__ import annotations

from daydream_contracts.events import Decision
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.gates.interface import Gate
from daydream_critic.pipeline.outcome import Outcome
from daydream_critic.settings import CriticSettings


class QuestionGate(Gate):
    """Stops a hypothesis that ends with a question mark."""

    needs_memory = False

    def check(self, evaluation: Evaluation) -> Outcome | None:
        """Discard as `question`."""
        if not evaluation.synthesis.hypothesis.rstrip().endswith("?"):
            return None
        return Outcome(Decision.DISCARDED, "question", "it asks a question and claims nothing")


def open_gate(settings: CriticSettings) -> Gate:
    """Return the gate. It needs none of the critic's settings."""
    return QuestionGate()
