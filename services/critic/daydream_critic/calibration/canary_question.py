"""Ask a judge about one canary of a calibration."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from daydream_contracts.errors import RELEASED, PermanentError, RetryLaterError
from daydream_contracts.events import HypothesisProposed, Synthesis
from daydream_critic.calibration.records import CanaryScore
from daydream_critic.history.records import score_of
from daydream_critic.pipeline.judges.interface import Judge
from daydream_models.canaries.canary_hypothesis import calibration_hypothesis
from daydream_models.canaries.canary_set import CanaryCase, CanarySet, Kind

log = logging.getLogger(__name__)
KINDS: tuple[Kind, ...] = ("bridge", "decoy")


@dataclass(frozen=True)
class NamedCanary:
    """A canary with its name: kind and place."""

    name: str
    kind: Kind
    case: CanaryCase


def named_canaries(canaries: CanarySet) -> list[NamedCanary]:
    """Return all canaries, bridges and decoys in turn, so that each batch has both."""
    lists = [
        [NamedCanary(f"{kind}:{place}", kind, case) for place, case in enumerate(canaries.of(kind))]
        for kind in KINDS
    ]
    longest = max(len(cases) for cases in lists)
    return [cases[place] for place in range(longest) for cases in lists if place < len(cases)]


def hypothesis_of(
    canary: NamedCanary, reservation_id: str, now: datetime
) -> tuple[HypothesisProposed, Synthesis]:
    """Return a canary as a synthesizer would have sent it."""
    proposed = calibration_hypothesis(canary.kind, canary.case, reservation_id, now)
    if proposed.synthesis is None:
        raise ValueError("a canary is no abstention")
    return proposed, proposed.synthesis


async def score_canary(
    judge: Judge, canary: NamedCanary, reservation_id: str, now: datetime
) -> tuple[CanaryScore | None, int]:
    """Return a judge's score of a canary and its cost.

    The score is None if the provider refused the call for good: that is no answer, and the canary
    is asked about again at the next start.
    """
    proposed, synthesis = hypothesis_of(canary, reservation_id, now)
    try:
        opinion = await judge.judge(proposed, synthesis, 0)
    except PermanentError as error:
        if error.reason == RELEASED:
            raise RetryLaterError(str(error)) from error
        log.warning("%s gave no answer about a canary: %s", judge.name, error)
        return None, 0
    cost = sum(call.cost_nanousd for call in opinion.calls)
    return CanaryScore(canary=canary.name, score=score_of(opinion.judgement)), cost
