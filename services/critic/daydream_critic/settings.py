"""Settings of the critic."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from daydream_models.settings import PaidSettings
from daydream_runtime.settings import StringList

GATES = ("malformed", "repetitive", "copied", "restatement", "duplicate")


class CriticSettings(PaidSettings):
    """`DAYDREAM_CRITIC_…`"""

    service: ClassVar[str] = "critic"

    panel_file: str = Field(
        "",
        description="TOML file with one [[judge]] table per judge. Default: one judge, the model of"
        " this role",
    )
    gates: StringList = Field(
        GATES,
        description="gates in the order in which they run: bundled ones, or names of entry points"
        " in daydream.gates",
    )
    promote_score: float = Field(
        7.0,
        ge=1,
        le=10,
        description="mean score from which a hypothesis is promoted, until each judge has a history"
        " of 50 scores",
    )
    min_score: int = Field(
        4, ge=1, le=10, description="minimum of every single score, until each judge has a history"
    )
    promote_by: Literal["ranks", "score"] = Field(
        "ranks",
        description="what promotes: ranks in each judge's history, or always the mean score "
        "(promote_score and min_score) without calibration",
    )
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
        description="share of the promoted hypotheses that people should accept; replaces the quota"
        " as soon as reviews show a promotion threshold with this precision",
    )
    compare_max: int = Field(
        2,
        ge=0,
        le=10,
        description="judged hypotheses that one near the promotion threshold is compared with, in"
        " both orders; 0 turns comparisons off",
    )
    usd_per_hit_max: float = Field(
        0.2, gt=0, description="maximum cost of finding one more hit by further opinions, in USD"
    )
    same_false_share: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="share of different statements about one subject that may be taken for the "
        "same; sets the similarity thresholds from the baseline of the embedding model",
    )
    duplicate_similarity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="similarity from which a hypothesis counts as known, instead of the measured"
        " one; 0 is the median of unrelated facts, 1 the same text",
    )
    restatement_similarity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="similarity from which a hypothesis repeats one of its two facts, instead of"
        " the measured one",
    )
    enabled: bool = Field(True, description="judge hypotheses; off: only answer requests")
