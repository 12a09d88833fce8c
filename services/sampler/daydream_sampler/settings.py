"""Settings of the sampler."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from daydream_shared.settings import ServiceSettings
from daydream_shared.subjects import CONSUMERS


class Settings(ServiceSettings):
    """`DAYDREAM_SAMPLER_…`"""

    service: ClassVar[str] = "sampler"

    samples: int = Field(1, ge=1, le=16, description="hypotheses wanted from each pair")
    pairs_ahead: int = Field(
        16, ge=1, le=256, description="pairs that may wait or be worked on before no more are drawn: at least the calls in flight of all synthesizers"
    )
    stages: str = Field("synthesizer,critic", description="stages that an envelope must pay for")
    seed: int = Field(0, description="key of the permutation; read once, when the first pair is drawn")
    strategies: str = Field("importance,anchored,unseen,reservoir,learned", description="strategies beside uniform, separated by commas; none: uniform alone")
    uniform_floor: float = Field(0.1, gt=0, le=1, description="least share of the draws that is uniform over all pairs")
    machine_made_max: float = Field(
        0.5, ge=0, le=1, description="most of all draws that may have a fact that this system made; uniform draws, which take what comes, are not held back"
    )
    draws: bool = Field(True, description="off: it answers what is asked and draws nothing")
    drawn_max: int | None = Field(None, ge=0, description="pairs that may be drawn before anybody sets a goal; unset: no end")

    @property
    def stage_names(self) -> list[str]:
        """The stages, one by one."""
        return [stage.strip() for stage in self.stages.split(",")]

    @property
    def strategy_names(self) -> list[str]:
        """The strategies, one by one."""
        return [name.strip() for name in self.strategies.split(",") if name.strip()]

    @field_validator("stages")
    @classmethod
    def _known(cls, stages: str) -> str:
        unknown = {stage.strip() for stage in stages.split(",")} - {row.service for row in CONSUMERS}
        if unknown:
            raise ValueError(f"unknown stage {', '.join(sorted(unknown))}")
        return stages
