"""Handlers of the oracle: nominated hypotheses from its stream."""

from __future__ import annotations

from collections.abc import Mapping

from daydream_contracts.events import CandidateNominated, Message, VerdictReached
from daydream_critic.metrics import VerdictMetrics
from daydream_critic.oracle.oracle import Oracle
from daydream_runtime.service import Handler


def handlers(oracle: Oracle, metrics: VerdictMetrics) -> Mapping[type[Message], Handler]:
    """Return the oracle's consumer."""

    async def candidate_nominated(nominated: CandidateNominated) -> list[VerdictReached]:
        """Examine a candidate.

        Idempotent: answers are stored under ids derived from the requests, and the verdict's id is
        derived from the hypothesis.
        """
        verdict = await oracle.examine(nominated.verdict)
        metrics.count(verdict)
        return [verdict]

    return {CandidateNominated: candidate_nominated}
