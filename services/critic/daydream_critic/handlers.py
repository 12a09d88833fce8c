"""Handle what the critic receives: hypotheses, and requests for its state."""

from __future__ import annotations

from typing import Annotated

from daydream_contracts.events import CandidateNominated, HypothesisProposed
from daydream_contracts.rpc import CriticState, EmptyRequest
from daydream_critic.history.report import CriticReport
from daydream_critic.metrics import VerdictMetrics
from daydream_critic.pipeline.critic import Critic
from daydream_runtime.from_context import FromContext
from daydream_runtime.publisher import EventPublisher


async def hypothesis_proposed(
    proposed: HypothesisProposed,
    critic: Annotated[Critic, FromContext()],
    metrics: Annotated[VerdictMetrics, FromContext()],
    publisher: Annotated[EventPublisher, FromContext()],
) -> None:
    """Judge a hypothesis, and publish its verdict or its nomination.

    Idempotent: answers are stored under ids derived from the hypothesis, and so is the verdict's.
    """
    outcome = await critic.judge(proposed)
    metrics.count(outcome.verdict if isinstance(outcome, CandidateNominated) else outcome)
    await publisher.publish(outcome)


async def critic_state(
    request: EmptyRequest, report: Annotated[CriticReport, FromContext()]
) -> CriticState:
    """Report how good the judges are, and what the critic did to canaries. Read only."""
    return report.state()
