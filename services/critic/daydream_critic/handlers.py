"""Handlers of the critic: hypotheses from its stream, and requests for its state."""

from __future__ import annotations

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
from daydream_critic.metrics import VerdictMetrics
from daydream_critic.pipeline.critic import Critic
from daydream_runtime.service import Answer, Handler


def handlers(critic: Critic, metrics: VerdictMetrics) -> Mapping[type[Message], Handler]:
    """Return the critic's consumer."""

    async def hypothesis_proposed(
        proposed: HypothesisProposed,
    ) -> list[VerdictReached | CandidateNominated]:
        """Judge a hypothesis.

        Idempotent: answers are stored under ids derived from the hypothesis, and so is the
        verdict's.
        """
        outcome = await critic.judge(proposed)
        metrics.count(outcome.verdict if isinstance(outcome, CandidateNominated) else outcome)
        return [outcome]

    return {HypothesisProposed: hypothesis_proposed}


def endpoints(state: Callable[[], CriticState]) -> Mapping[Endpoint[Any, Any], Answer]:
    """Return what the critic answers about itself. It only reads."""

    async def critic_state(_: EmptyRequest) -> CriticState:
        return state()

    return {CRITIC_STATE: critic_state}
