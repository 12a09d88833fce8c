"""Requests to the sampler and its replies."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from daydream_contracts.events import ContractModel


class SetGoal(ContractModel):
    """How many pairs may have been drawn in all (None: no end)."""

    pairs_max: int | None = Field(ge=0)


Phase = Literal[
    "drawing",
    "goal-reached",
    "waiting-for-facts",
    "waiting-for-stages",
    "model-stopped",
    "pipeline-full",
    "refused",
    "near-cap",
    "ledger-halted",
    "exhausted",
    "off",
    "not-now",
]


class StrategyYield(ContractModel):
    """What a strategy has brought under the promotion rule in force.

    `insights_per_draw` is what it would bring if it drew alone, estimated from the draws of all
    strategies by inverse propensity and corrected for the judges' errors, with its 95 % interval.
    """

    strategy: str
    share: float = Field(description="of the draws, in this round")
    draws: int = Field(description="verdicts on pairs that it drew")
    insights: int = Field(description="of those, promoted")
    good_insights: float = Field(
        default=0, description="of those, good ones by the judges' errors that canaries show"
    )
    cost_nanousd: int
    insights_per_draw: float | None = None
    low: float | None = None
    high: float | None = None


class StratumYield(ContractModel):
    """What was found in a stratum of pairs under the promotion rule in force."""

    stratum: str = Field(description="how close the two facts are, and within or across domains")
    draws: int
    insights: int = Field(description="of those, promoted")


class ScreenState(ContractModel):
    """What ranking pairs before they are written about has shown, under the rule in force.

    Counts are over verdicts on ranked pairs, weighted by 1 ÷ the probability of passing. So they
    hold for all pairs that were ranked, with those that did not pass.
    """

    on: bool = Field(default=False, description="whether the setting is on")
    kept_quarters: int = Field(default=4, description="best quarters that pass; 4: all pass")
    ranked: tuple[float, ...] = Field(default=(), description="pairs by quarter, the best first")
    insights: tuple[float, ...] = Field(default=(), description="of those, promoted")
    lost_share: float | None = Field(
        default=None, description="share of insights that keeping these quarters (or half) loses"
    )
    lost_low: float | None = None
    lost_high: float | None = None
    nanousd_per_pair: float = 0
    problem: str = Field(default="", description="why pairs can't be ranked")


class SamplerState(ContractModel):
    """What the sampler is doing, and why."""

    phase: Phase
    text: str
    looked_at: datetime = Field(
        description="when it began the look at whether it can draw that led to this phase"
    )
    drawn: int
    drawing: int = Field(
        default=0, description="draws in progress: their pairs may be published, but do not count"
    )
    pairs_max: int | None
    pairs_left: int
    retry_at: datetime | None = None
    round: int = 0
    strategies: tuple[StrategyYield, ...] = ()
    strata: tuple[StratumYield, ...] = ()
    screen: ScreenState = ScreenState()
    rule: str = Field(default="", description="promotion rule in force, which the yields are of")
    good_promoted: float = Field(default=1, description="share of good hypotheses that is promoted")
    bad_promoted: float = Field(default=0, description="share of bad hypotheses that is promoted")
