"""Settings of the critic."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from daydream_models.settings import PaidSettings
from daydream_models.similarity_threshold import SAME_FALSE_SHARE
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
    hypotheses_per_call: int = Field(
        1,
        ge=1,
        le=8,
        description="maximum hypotheses of one pair that a judge scores in one call, with"
        " DAYDREAM_SAMPLER_SAMPLES above 1; saves input tokens, and a place may be favoured (see"
        " daydream report critic)",
    )
    promote_by: Literal["ranks", "score"] = Field(
        "ranks",
        description="what promotes: ranks and what canaries showed of the judges, or always the"
        " mean score (promote_score and min_score) without calibration",
    )
    promote_score: float = Field(
        7.0,
        ge=1,
        le=10,
        description="mean score from which a hypothesis is promoted, if promote_by is score",
    )
    min_score: int = Field(
        4, ge=1, le=10, description="minimum of every single score, if promote_by is score"
    )
    promote_quota: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of the judged hypotheses that is promoted: the best",
    )
    calibration_canaries: int = Field(
        62,
        ge=0,
        description="bridges, and as many decoys, that each judge scores before its first verdict;"
        " 0 turns calibration off",
    )
    calibration_share_max: float = Field(
        0.1,
        gt=0,
        le=1,
        description="maximum share of the money that the cap leaves, which a calibration may be"
        " expected to take",
    )
    canary_folder: str = Field(
        "", description="folder with your own bridges.toml and decoys.toml; empty: bundled ones"
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
        3.0, gt=0, description="maximum cost of finding one more hit by further opinions, in USD"
    )
    same_false_share: float = Field(
        SAME_FALSE_SHARE,
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
