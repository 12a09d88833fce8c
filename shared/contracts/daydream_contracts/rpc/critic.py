"""What the critic says of itself. Shares come with exact 95 % intervals; money is in nano-dollars."""

from __future__ import annotations

from pydantic import Field

from daydream_contracts.events import ContractModel


class Share(ContractModel):
    """So many of so many, and between what the true share lies."""

    hits: int = Field(ge=0)
    count: int = Field(ge=0)
    low: float
    high: float


class JudgeState(ContractModel):
    """One judge with its present prompt. `separation`: how far it tells hits from misses, in its own standard deviations; `measured`: on planted
    hypotheses, else guessed from what the judges have in common. `position`: its favour for what it is shown first, in log-odds."""

    name: str
    family: str
    answers: int
    scores: dict[str, int] = Field(description="how often it gave each score")
    nanousd_per_answer: int
    separation: float
    measured: bool
    comparisons: int
    position_bias: float


class Calibrated(ContractModel):
    """Of the promoted hypotheses with such log-odds: how many people accepted."""

    log_odds_low: float
    log_odds_high: float
    accepted: Share


class Certainty(ContractModel):
    """Where people's reviews show that promotion has its target precision."""

    threshold: float
    accepted: Share


class CriticState(ContractModel):
    """What the critic knows of its judges and of its own errors."""

    judges: tuple[JudgeState, ...]
    effective_judges: float = Field(
        description="to how many independent judges the panel amounts; of n equal ones with correlation r: n ÷ (1 + (n − 1) r)"
    )
    rule: str
    promotion_threshold: float
    bridges: Share = Field(description="planted links that hold: how many would have been promoted")
    decoys: Share = Field(
        description="planted links that do not hold: how many would have been promoted"
    )
    oracle_bridges: Share | None = Field(
        default=None,
        description="of those, how many the oracle let through, of all that came to it",
    )
    oracle_decoys: Share | None = Field(
        default=None, description="the same of those that do not hold"
    )
    drift: tuple[str, ...] = Field(default=(), description="what is no longer as it was")
    judged: int
    nanousd_per_verdict: int = Field(
        description="the critic's own calls, of those that reached a judge"
    )
    stopped: dict[str, int] = Field(default_factory=dict, description="by each free gate")
    saved_nanousd: dict[str, int] = Field(
        default_factory=dict,
        description="what each gate saved: the judges would have cost as much as for the others",
    )
    examined: dict[str, int] = Field(
        default_factory=dict,
        description="how the oracle's examinations ended: promoted, or why not",
    )
    calibration: tuple[Calibrated, ...] = ()
    certain: Certainty | None = None
    target_precision: float
