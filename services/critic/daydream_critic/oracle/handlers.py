"""Handle what the oracle receives: nominated hypotheses."""

from __future__ import annotations

from typing import Annotated

from daydream_contracts.events import CandidateNominated
from daydream_critic.metrics import VerdictMetrics
from daydream_critic.oracle.oracle import Oracle
from daydream_runtime.from_context import FromContext
from daydream_runtime.publisher import EventPublisher


async def candidate_nominated(
    nominated: CandidateNominated,
    oracle: Annotated[Oracle, FromContext()],
    metrics: Annotated[VerdictMetrics, FromContext()],
    publisher: Annotated[EventPublisher, FromContext()],
) -> None:
    """Examine a candidate, and publish the verdict that replaces the judges' deferred one.

    Idempotent: answers are stored under ids derived from the requests, and the verdict's id is
    derived from the hypothesis.
    """
    verdict = await oracle.examine(nominated.verdict)
    metrics.count(verdict)
    await publisher.publish(verdict)
