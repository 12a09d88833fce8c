"""What the oracle takes from its stream."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from daydream_critic.oracle.examining import Oracle
from daydream_shared.messages import CandidateNominated, Message, VerdictReached
from daydream_shared.runtime import Handler
from daydream_shared.telemetry import Name, Telemetry

log = logging.getLogger(__name__)


def handlers(oracle: Oracle, telemetry: Telemetry) -> Mapping[type[Message], Handler]:
    """The oracle's consumer."""

    async def candidate_nominated(nominated: CandidateNominated) -> list[VerdictReached]:
        """Harmless twice: answers are stored under ids made from what was asked, the verdict's id is made from the hypothesis."""
        verdict = await oracle.examine(nominated.verdict)
        canary = verdict.hypothesis.pair.canary
        if canary:
            telemetry.canaries.add(1, {Name.CANARY: canary, Name.DECISION: verdict.decision.value})
        else:
            telemetry.decisions.add(1, {Name.DECISION: verdict.decision.value, Name.REASON: verdict.reason})
        log.info("verdict: %s (%s)", verdict.decision.value, verdict.reason, extra={"pair": verdict.hypothesis.pair.pair_id})
        return [verdict]

    return {CandidateNominated: candidate_nominated}
