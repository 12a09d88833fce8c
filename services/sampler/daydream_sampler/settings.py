"""Settings of the sampler."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from daydream_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`DAYDREAM_SAMPLER_…`"""

    service: ClassVar[str] = "sampler"

    samples: int = Field(1, ge=1, le=16, description="hypotheses wanted from each pair")
    pairs_ahead: int = Field(
        16, ge=1, le=256, description="pairs that may wait or be worked on before no more are drawn: at least the calls in flight of all synthesizers"
    )
    stages: str = Field("synthesizer,critic", description="stages that an envelope must pay for")
    seed: int = Field(0, description="key of the permutation; read once, when the first pair is drawn")
    drawn_max: int | None = Field(None, ge=0, description="pairs that may be drawn before anybody sets a goal; unset: no end")
