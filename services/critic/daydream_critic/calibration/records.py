"""The scores that a judge with one prompt gave to the canaries."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from daydream_contracts.events import ContractModel


class CanaryScore(ContractModel):
    """The score of one canary, or None if the judge's answer was unreadable."""

    canary: str = Field(description="kind and place in its list, e.g. bridge:7")
    score: float | None

    @property
    def is_bridge(self) -> bool:
        """Return whether it is a bridge."""
        return self.canary.startswith("bridge")


class JudgeCalibration(ContractModel):
    """All scores of one judge with one prompt, and what they cost.

    `complete`: every canary was asked about. An unfinished one is continued at the next start.
    """

    judge: str
    history_key: str
    scores: tuple[CanaryScore, ...] = ()
    cost_nanousd: int = 0
    complete: bool = False
    calibrated_at: datetime | None = None

    @property
    def readable(self) -> dict[str, float]:
        """Return the scores by canary, without unreadable ones."""
        return {row.canary: row.score for row in self.scores if row.score is not None}

    @property
    def asked(self) -> frozenset[str]:
        """Return the canaries that the judge was asked about."""
        return frozenset(row.canary for row in self.scores)

    @property
    def unreadable(self) -> int:
        """Return the number of answers that no score could be read from."""
        return sum(row.score is None for row in self.scores)

    @property
    def decoy_counts(self) -> dict[float, int]:
        """Return how often the judge gave each score to a decoy."""
        counts: dict[float, int] = {}
        for row in self.scores:
            if row.score is not None and not row.is_bridge:
                counts[row.score] = counts.get(row.score, 0) + 1
        return counts
