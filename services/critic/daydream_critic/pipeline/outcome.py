"""How the evaluation of a hypothesis ends, and the record of it."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_contracts.events import Aggregation, ContractModel, Decision, NearestMatch


@dataclass(frozen=True)
class Outcome:
    """A decision, a short reason code for dashboards, and an explanation for people.

    `nearest` is the known text that is most similar, if there is one.
    """

    decision: Decision
    reason: str
    explanation: str
    nearest: NearestMatch | None = None


class DecisionRecord(ContractModel):
    """A stored outcome.

    `decision` is None while nothing is decided. `aggregation` is None if a gate decided.
    """

    decision: Decision | None = None
    reason: str = ""
    explanation: str = ""
    aggregation: Aggregation | None = None

    @classmethod
    def of(cls, outcome: Outcome, aggregation: Aggregation | None) -> DecisionRecord:
        """Return the record of an outcome."""
        return cls(
            decision=outcome.decision,
            reason=outcome.reason,
            explanation=outcome.explanation,
            aggregation=aggregation,
        )

    def outcome(self, nearest: NearestMatch | None) -> Outcome:
        """Return the recorded outcome, with the most similar known text of this delivery."""
        if self.decision is None:
            raise ValueError("nothing is decided yet")
        return Outcome(self.decision, self.reason, self.explanation, nearest)
