"""What was decided of a hypothesis, kept before it is told, for those that may go to the oracle.

The line moves with every verdict, and what is known grows. Were a hypothesis delivered again after its nomination was published, it might lie below the
line by then, or near something newer, and would get a verdict here and another one from the oracle. So the first decision holds.
"""

from __future__ import annotations

from nats.js.kv import KeyValue

from daydream_critic.gates import Stopped
from daydream_shared.messages import Decision, Known, Part, Weighing
from daydream_shared.shared_state import SharedState


class Ruling(Part):
    """A decision with its reasons. `weighing`: None where a gate stopped it. `decision`: None where nothing is decided yet."""

    decision: Decision | None = None
    reason: str = ""
    explanation: str = ""
    weighing: Weighing | None = None

    @classmethod
    def of(cls, outcome: Stopped, weighing: Weighing | None = None) -> Ruling:
        """By a gate, or by judges."""
        return cls(decision=outcome.decision, reason=outcome.reason, explanation=outcome.explanation, weighing=weighing)

    def outcome(self, nearest: Known | None) -> Stopped:
        """What the verdict says."""
        assert self.decision is not None
        return Stopped(self.decision, self.reason, self.explanation, nearest)

    def stopped(self, nearest: Known | None) -> Stopped | None:
        """What the gate said; None where judges decided."""
        return self.outcome(nearest) if self.weighing is None else None


async def first(bucket: KeyValue, message_id: str, ruling: Ruling) -> Ruling:
    """This ruling on a hypothesis, or the one that was there before."""

    def keep(kept: Ruling) -> tuple[Ruling, Ruling]:
        held = ruling if kept.decision is None else kept
        return held, held

    return await SharedState(bucket, message_id, Ruling()).change(keep)


async def read(bucket: KeyValue, message_id: str) -> Ruling | None:
    """The ruling on a hypothesis; None where there is none yet."""
    kept = await SharedState(bucket, message_id, Ruling()).read()
    return None if kept.decision is None else kept
