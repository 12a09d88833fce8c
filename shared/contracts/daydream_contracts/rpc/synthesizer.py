"""What the synthesizer says of itself. Money is in nano-dollars."""

from __future__ import annotations

from pydantic import Field

from daydream_contracts.events import ContractModel, Fact

SCREENED_MAX = 20  # as many alternatives as a server names for a token


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


class ScreenPairs(ContractModel):
    """Rank pairs of facts by how likely each has a good connection. `screen_id` names the call:
    the same one is paid for once.
    """

    screen_id: str
    pairs: tuple[tuple[Fact, Fact], ...] = Field(min_length=2, max_length=SCREENED_MAX)


class ScreenedPairs(ContractModel):
    """The probability that each pair is the best one, in the order of the request.

    Empty if the pairs could not be ranked; `problem` says why.
    """

    probabilities: tuple[float, ...] = ()
    cost_nanousd: int = Field(default=0, ge=0)
    problem: str = ""
