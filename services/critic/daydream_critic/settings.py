"""Settings of the critic."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from daydream_models.settings import PaidSettings


class CriticSettings(PaidSettings):
    """`DAYDREAM_CRITIC_…`"""

    service: ClassVar[str] = "critic"

    panel_file: str = Field(
        "",
        description="TOML file with the judges, a [[judge]] table each; empty: one judge, the model of this role",
    )
    promote_score: float = Field(
        7.0,
        ge=1,
        le=10,
        description="mean score from which a hypothesis is promoted, until each judge has a history of 50 scores",
    )
    min_score: int = Field(4, ge=1, le=10, description="until then no single score may be lower")
    promote_quota: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of the judged hypotheses that is promoted from then on: the best",
    )
    target_precision: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="share of what is promoted that people should accept; the line is there as soon as their reviews show where that is",
    )
    compare_max: int = Field(
        2,
        ge=0,
        le=10,
        description="with how many neighbours what lies near the line is compared, in both orders; 0: nothing is compared",
    )
    usd_per_hit_max: float = Field(
        0.2, gt=0, description="what it may cost to find one more hit by second opinions"
    )
    same_false_share: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="of different claims about one subject this share is taken for the same, by what the embedding model was measured to do",
    )
    duplicate_similarity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="instead: how near something known may be; 0 is the median of unrelated facts, 1 the same text",
    )
    restatement_similarity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="instead: how near a hypothesis may be to one of its own facts",
    )
    judges: bool = Field(True, description="off: it answers what is asked and judges nothing")
