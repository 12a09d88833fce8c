"""What the critic takes from its stream."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from daydream_contracts.events import (
    CandidateNominated,
    HypothesisProposed,
    Message,
    VerdictReached,
)
from daydream_contracts.rpc import CriticState, EmptyRequest
from daydream_contracts.topology import CRITIC_STATE, Endpoint
from daydream_critic.pipeline.critic import Critic
from daydream_runtime.service import Answer, Handler
from daydream_runtime.telemetry import Attribute, Telemetry

log = logging.getLogger(__name__)


def handlers(critic: Critic, telemetry: Telemetry) -> Mapping[type[Message], Handler]:
    """The critic's consumer."""

    async def hypothesis_proposed(
        proposed: HypothesisProposed,
    ) -> list[VerdictReached | CandidateNominated]:
        """Harmless twice: the judge's answer is stored under an id made from the hypothesis, the verdict's id likewise."""
        outcome = await critic.judge(proposed)
        verdict = outcome.verdict if isinstance(outcome, CandidateNominated) else outcome
        tell(verdict, telemetry)
        return [outcome]

    return {HypothesisProposed: hypothesis_proposed}


def tell(verdict: VerdictReached, telemetry: Telemetry) -> None:
    """Count and log a verdict. What was planted is counted when it is final, apart from the others."""
    pair, decision = verdict.hypothesis.pair, verdict.decision.value
    if not pair.canary:
        telemetry.decisions.add(1, {Attribute.DECISION: decision, Attribute.REASON: verdict.reason})
    elif verdict.final:
        telemetry.canaries.add(1, {Attribute.CANARY: pair.canary, Attribute.DECISION: decision})
    log.info("verdict: %s (%s)", decision, verdict.reason, extra={"pair": pair.pair_id})


def endpoints(state: Callable[[], CriticState]) -> Mapping[Endpoint[Any, Any], Answer]:
    """What the critic says of itself. It only reads."""

    async def critic_state(_: EmptyRequest) -> CriticState:
        return state()

    return {CRITIC_STATE: critic_state}
