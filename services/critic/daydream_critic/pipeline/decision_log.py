"""Store decisions before they are published, for hypotheses that may go to the oracle.

The threshold moves with every verdict, and the memory grows. A hypothesis that is delivered again
after its nomination was published could be below the threshold by then, or similar to something
newer. It would get one verdict here and another one from the oracle. So the first decision holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nats.js.kv import KeyValue

from daydream_contracts.events import HypothesisProposed
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.outcome import DecisionRecord
from daydream_models.stage_plans import ORACLE
from daydream_runtime.cas_state import CasState


@dataclass(frozen=True)
class DecisionLog:
    """The stored decisions by message id.

    `bucket` is None where no oracle decides after the critic.
    """

    bucket: KeyValue | None

    async def recall(self, evaluation: Evaluation) -> Evaluation:
        """Add the decision of an earlier delivery, if there is one."""
        state = self._state(evaluation.proposed)
        if state is None:
            return evaluation
        stored = await state.read()
        return replace(evaluation, record=None if stored.decision is None else stored)

    async def record(self, evaluation: Evaluation) -> Evaluation:
        """Store the outcome, or replace it by the one that was stored first.

        Outcomes of the text alone are not stored: every delivery comes to the same one.
        """
        state, outcome = self._state(evaluation.proposed), evaluation.outcome
        if state is None or outcome is None or evaluation.matches is None:
            return evaluation
        record = DecisionRecord.of(outcome, evaluation.aggregation)

        def keep_first(stored: DecisionRecord) -> tuple[DecisionRecord, DecisionRecord]:
            first = record if stored.decision is None else stored
            return first, first

        first = await state.change(keep_first)
        return replace(
            evaluation, outcome=first.outcome(outcome.nearest), aggregation=first.aggregation
        )

    def _state(self, proposed: HypothesisProposed) -> CasState[DecisionRecord] | None:
        if self.bucket is None or ORACLE not in proposed.pair.stages:
            return None
        return CasState(self.bucket, proposed.message_id, DecisionRecord())
