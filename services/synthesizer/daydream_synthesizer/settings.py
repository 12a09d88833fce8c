"""Settings of the synthesizer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from daydream_models.settings import PaidSettings


class SynthesizerSettings(PaidSettings):
    """`DAYDREAM_SYNTHESIZER_…`"""

    service: ClassVar[str] = "synthesizer"

    models_file: str = Field(
        "",
        description="TOML file with the models that write, a [[writer]] table each; empty: one, the model of this role",
    )
    writer_floor: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of the hypotheses whose writer is drawn evenly, whatever each has brought",
    )
    examples: int = Field(
        0,
        ge=0,
        le=5,
        description="how many promoted and as many discarded findings a writer is shown before each pair, as such",
    )
    writes: bool = Field(True, description="off: it answers what is asked and writes nothing")
