"""What was decided of a hypothesis, kept before it is told, for those that may go to the oracle.

The line moves with every verdict, and what is known grows. Were a hypothesis delivered again after its nomination was published, it might lie below the
line by then, or near something newer, and would get a verdict here and another one from the oracle. So the first decision holds.
"""

from __future__ import annotations

from nats.js.kv import KeyValue

from daydream_contracts.events import Aggregation, ContractModel, Decision, NearestMatch
from daydream_critic.pipeline.gates import Outcome
from daydream_runtime.cas_state import CasState


class DecisionRecord(ContractModel):
    """A decision with its reasons. `aggregation`: None where a gate stopped it. `decision`: None where nothing is decided yet."""

    decision: Decision | None = None
    reason: str = ""
    explanation: str = ""
    aggregation: Aggregation | None = None

    @classmethod
    def of(cls, outcome: Outcome, aggregation: Aggregation | None = None) -> DecisionRecord:
        """By a gate, or by judges."""
        return cls(
            decision=outcome.decision,
            reason=outcome.reason,
            explanation=outcome.explanation,
            aggregation=aggregation,
        )

    def outcome(self, nearest: NearestMatch | None) -> Outcome:
        """What the verdict says."""
        assert self.decision is not None
        return Outcome(self.decision, self.reason, self.explanation, nearest)

    def stopped(self, nearest: NearestMatch | None) -> Outcome | None:
        """What the gate said; None where judges decided."""
        return self.outcome(nearest) if self.aggregation is None else None


async def first(bucket: KeyValue, message_id: str, ruling: DecisionRecord) -> DecisionRecord:
    """This ruling on a hypothesis, or the one that was there before."""

    def keep(kept: DecisionRecord) -> tuple[DecisionRecord, DecisionRecord]:
        held = ruling if kept.decision is None else kept
        return held, held

    return await CasState(bucket, message_id, DecisionRecord()).change(keep)


async def read(bucket: KeyValue, message_id: str) -> DecisionRecord | None:
    """The ruling on a hypothesis; None where there is none yet."""
    kept = await CasState(bucket, message_id, DecisionRecord()).read()
    return None if kept.decision is None else kept
