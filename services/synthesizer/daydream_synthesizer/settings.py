"""Define the settings of the synthesizer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from daydream_models.settings import PaidSettings


class SynthesizerSettings(PaidSettings):
    """Hold the settings that begin with `DAYDREAM_SYNTHESIZER_`."""

    service: ClassVar[str] = "synthesizer"

    models_file: str = Field(
        "",
        description="TOML file with the models that write, one [[writer]] table each;"
        " empty: only the model of this role",
    )
    writer_floor: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of the hypotheses whose writer is drawn evenly, whatever its record",
    )
    examples: int = Field(
        0,
        ge=0,
        le=5,
        description="number of promoted and of discarded findings that a writer sees before each"
        " pair",
    )
    screen_model: str = Field(
        "",
        description="model that ranks pairs before they are written about; empty: the model of this"
        " role. A small one is enough, and its server must give token probabilities",
    )
    enabled: bool = Field(True, description="false: answer requests, but take no pairs")
