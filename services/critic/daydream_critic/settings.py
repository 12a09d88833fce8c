"""Settings of the critic."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from daydream_shared.settings import PaidSettings


class Settings(PaidSettings):
    """`DAYDREAM_CRITIC_…`"""

    service: ClassVar[str] = "critic"

    promote_score: float = Field(7.0, ge=1, le=10, description="mean score from which a hypothesis is promoted")
    least_score: int = Field(4, ge=1, le=10, description="no single score may be lower")
    duplicate_nearness: float = Field(0.85, gt=0, le=1, description="how near something known may be: 0 is the median of unrelated facts, 1 the same text")
    restatement_nearness: float = Field(0.92, gt=0, le=1, description="how near a hypothesis may be to one of its own facts")
