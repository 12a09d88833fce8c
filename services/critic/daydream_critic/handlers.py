"""What the critic takes from its stream."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from daydream_critic.criticism import Critic
from daydream_shared.messages import CandidateNominated, HypothesisProposed, Message, VerdictReached
from daydream_shared.requests import CriticState, Nothing
from daydream_shared.runtime import Answer, Handler
from daydream_shared.subjects import CRITIC_STATE, Endpoint
from daydream_shared.telemetry import Name, Telemetry

log = logging.getLogger(__name__)


def handlers(critic: Critic, telemetry: Telemetry) -> Mapping[type[Message], Handler]:
    """The critic's consumer."""

    async def hypothesis_proposed(proposed: HypothesisProposed) -> list[VerdictReached | CandidateNominated]:
        """Harmless twice: the judge's answer is stored under an id made from the hypothesis, the verdict's id likewise."""
        outcome = await critic.judge(proposed)
        verdict = outcome.verdict if isinstance(outcome, CandidateNominated) else outcome
        canary = proposed.pair.canary
        if canary and not verdict.final:
            pass  # counted when the oracle has examined it
        elif canary:
            telemetry.canaries.add(1, {Name.CANARY: canary, Name.DECISION: verdict.decision.value})
        else:
            telemetry.decisions.add(1, {Name.DECISION: verdict.decision.value, Name.REASON: verdict.reason})
        log.info("verdict: %s (%s)", verdict.decision.value, verdict.reason, extra={"pair": proposed.pair.pair_id})
        return [outcome]

    return {HypothesisProposed: hypothesis_proposed}


def endpoints(state: Callable[[], CriticState]) -> Mapping[Endpoint[Any, Any], Answer]:
    """What the critic says of itself. It only reads."""

    async def critic_state(_: Nothing) -> CriticState:
        return state()

    return {CRITIC_STATE: critic_state}
