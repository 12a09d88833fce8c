"""What the synthesizer says of itself. Money is in nano-dollars."""

from __future__ import annotations

from pydantic import Field

from daydream_contracts.events import ContractModel


class WriterState(ContractModel):
    """What one model has brought under the promotion rule in force, and how likely it is next."""

    model: str
    share: float = Field(ge=0, le=1)
    hypotheses: int = Field(ge=0, description="that have their verdict, abstentions included")
    promoted: int = Field(ge=0)
    cost_nanousd: int = Field(ge=0, description="of their whole daydreams")


class SynthesizerState(ContractModel):
    """Who writes."""

    writers: tuple[WriterState, ...]
    examples: int = Field(
        default=0, ge=0, description="findings of each kind that a writer is shown"
    )
