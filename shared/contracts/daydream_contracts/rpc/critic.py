"""The critic's report on itself. Shares have exact 95 % intervals; money is in nano-dollars."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from daydream_contracts.events import ContractModel


class Share(ContractModel):
    """`hits` of `count`, and the interval in which the true share lies."""

    hits: int = Field(ge=0)
    count: int = Field(ge=0)
    low: float
    high: float


class JudgeSkill(ContractModel):
    """How well a judge tells bridges from decoys, with its 95 % interval."""

    share: float = Field(
        description="share of the pairs of a bridge and a decoy in which the bridge scored higher;"
        " 0.5 is chance"
    )
    low: float
    high: float
    bridges: int
    decoys: int
    shown: bool = Field(description="whether it is better than chance beyond doubt")


class CalibrationProgress(ContractModel):
    """How far the calibration of the judges is, for people, and what it has cost."""

    state: Literal["waiting", "running", "done", "off", "refused"] = "waiting"
    text: str = ""
    cost_nanousd: int = 0
    answers: int = Field(default=0, ge=0, description="answers about canaries that judges gave")
    answers_wanted: int = Field(
        default=0, ge=0, description="answers that complete it; 0 while this is not known"
    )

    @property
    def in_progress(self) -> bool:
        """Return whether hypotheses wait for it."""
        return self.state in ("waiting", "running")

    @property
    def answers_text(self) -> str:
        """Return how many answers there are, or "" while it is not known how many it takes."""
        if not self.answers_wanted:
            return ""
        return f"{self.answers} of {self.answers_wanted} answers about canaries"


class PlaceScore(ContractModel):
    """The scores that a judge gave in one place of a call about several hypotheses."""

    place: int = Field(ge=0, description="0 is the first")
    answers: int = Field(ge=1)
    mean: float
    error: float | None = Field(default=None, description="half of the 95 % interval of the mean")


class PlaceBias(ContractModel):
    """What each place further down in a call about several hypotheses adds to a score."""

    per_place: float = Field(description="points of 10; 0 without a bias")
    low: float = Field(description="low end of its 95 % interval")
    high: float = Field(description="high end of its 95 % interval")


class JudgeState(ContractModel):
    """One judge with its present prompt or version."""

    name: str
    family: str = Field(description="family of its model; empty for a judge that is no model")
    answers: int
    scores: dict[str, int] = Field(description="how often it gave each score")
    nanousd_per_answer: int
    separation: float = Field(
        description="distance between hits and misses, in the judge's own standard deviations (d′)"
    )
    measured: bool = Field(
        description="whether the separation is measured on canaries; otherwise it is guessed from"
        " what the judges have in common"
    )
    comparisons: int
    position_bias: float = Field(
        description="how much it favours the hypothesis shown first, in log-odds"
    )
    places: tuple[PlaceScore, ...] = Field(
        default=(),
        description="mean scores by place, where calls are about several hypotheses: orders are"
        " random, so differences are what a place is worth",
    )
    place_bias: PlaceBias | None = Field(
        default=None, description="how much it favours a place in such calls; none if unknown"
    )
    skill: JudgeSkill | None = Field(
        default=None, description="what canaries show; none before the calibration"
    )


class Calibrated(ContractModel):
    """One bin of the calibration curve: promoted hypotheses with these log-odds."""

    log_odds_low: float
    log_odds_high: float
    accepted: Share = Field(description="how many of them people accepted")


class Certainty(ContractModel):
    """The promotion threshold for which reviews prove the target precision."""

    threshold: float
    accepted: Share = Field(description="how many hypotheses above it people accepted")


class CriticState(ContractModel):
    """What the critic knows of its judges and of its errors."""

    judges: tuple[JudgeState, ...]
    effective_judges: float = Field(
        description="number of independent judges that the panel is worth; for n equal judges with"
        " correlation r: n ÷ (1 + (n − 1) r)"
    )
    rule: str = Field(description="what decides now: score, quota or precision")
    promotion_threshold: float = Field(description="log-odds above which hypotheses are promoted")
    bridges: Share = Field(description="positive canaries: how many would have been promoted")
    decoys: Share = Field(description="negative canaries: how many would have been promoted")
    oracle_bridges: Share | None = Field(
        default=None, description="positive canaries that reached the oracle: how many passed"
    )
    oracle_decoys: Share | None = Field(
        default=None, description="negative canaries that reached the oracle: how many passed"
    )
    judge_calibration: CalibrationProgress = CalibrationProgress()
    warnings: tuple[str, ...] = Field(
        default=(),
        description="one sentence per judge that can't tell bridges from decoys, and one if"
        " canaries contradict the judges' consensus",
    )
    drift: tuple[str, ...] = Field(
        default=(), description="one sentence per canary rate that has changed"
    )
    judged: int
    nanousd_per_verdict: int = Field(
        description="mean cost of the critic's own calls for a judged hypothesis"
    )
    stopped: dict[str, int] = Field(
        default_factory=dict, description="number of hypotheses that each gate stopped"
    )
    saved_nanousd: dict[str, int] = Field(
        default_factory=dict,
        description="what each gate saved, if the judges had cost as much as for others",
    )
    examined: dict[str, int] = Field(
        default_factory=dict,
        description="number of examinations by the oracle per ending: promoted, or the reason",
    )
    calibration: tuple[Calibrated, ...] = ()
    certain: Certainty | None = None
    target_precision: float
