"""What the critic takes from its stream."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from daydream_critic.criticism import Critic
from daydream_shared.messages import HypothesisProposed, Message, VerdictReached
from daydream_shared.runtime import Handler
from daydream_shared.telemetry import Name, Telemetry

log = logging.getLogger(__name__)


def handlers(critic: Critic, telemetry: Telemetry) -> Mapping[type[Message], Handler]:
    """The critic's consumer."""

    async def hypothesis_proposed(proposed: HypothesisProposed) -> list[VerdictReached]:
        """Harmless twice: the judge's answer is stored under an id made from the hypothesis, the verdict's id likewise."""
        verdict = await critic.judge(proposed)
        telemetry.decisions.add(1, {Name.DECISION: verdict.decision.value, Name.REASON: verdict.reason})
        log.info("verdict: %s (%s)", verdict.decision.value, verdict.reason, extra={"pair": proposed.pair.pair_id})
        return [verdict]

    return {HypothesisProposed: hypothesis_proposed}
