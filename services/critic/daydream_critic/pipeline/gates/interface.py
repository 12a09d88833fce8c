"""What a gate is."""

from __future__ import annotations

from typing import Protocol

from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.outcome import Outcome


class Gate(Protocol):
    """A check without a model call.

    It runs in the event loop for every hypothesis, so it must be fast. The entry point names a
    callable that gets the `CriticSettings` and returns the gate.
    """

    @property
    def needs_memory(self) -> bool:
        """Return whether it reads `Evaluation.matches`.

        Such a gate runs after the memory lookup. It is skipped for canaries, which measure the
        judges, and for hypotheses that are judged again, which passed it before.
        """

    def check(self, evaluation: Evaluation) -> Outcome | None:
        """Return the outcome that ends the evaluation, or None to let it pass.

        The evaluation has a synthesis.
        """
