"""What the oracle takes from its stream."""

from __future__ import annotations

from collections.abc import Mapping

from daydream_contracts.events import CandidateNominated, Message, VerdictReached
from daydream_critic.handlers import tell
from daydream_critic.oracle.examining import Oracle
from daydream_runtime.service import Handler
from daydream_runtime.telemetry import Telemetry


def handlers(oracle: Oracle, telemetry: Telemetry) -> Mapping[type[Message], Handler]:
    """The oracle's consumer."""

    async def candidate_nominated(nominated: CandidateNominated) -> list[VerdictReached]:
        """Harmless twice: answers are stored under ids made from what was asked, the verdict's id is made from the hypothesis."""
        verdict = await oracle.examine(nominated.verdict)
        tell(verdict, telemetry)
        return [verdict]

    return {CandidateNominated: candidate_nominated}
