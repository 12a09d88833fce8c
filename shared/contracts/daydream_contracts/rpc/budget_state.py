"""The state of the budget as it is shown. All amounts are nano-dollars (integers)."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from daydream_contracts.events import ContractModel
from daydream_contracts.number_limits import SQUARES_MAX
from daydream_contracts.rpc.budget import Refusal
from daydream_contracts.rpc.budget_changes import EVERYTHING, Window


class LimitState(ContractModel):
    """One limit: settled + authorized ≤ cap.

    Only a lowered cap, a correction or an overrun can break it. Reserved money is held for work in
    progress, so that new work waits; it may exceed what is left.
    """

    scope: str = EVERYTHING
    window: Window
    cap_nanousd: int
    share: float | None = None
    soft: tuple[float, ...] = ()
    hard: bool = True
    settled_nanousd: int
    authorized_nanousd: int
    reserved_nanousd: int
    burn_nanousd_per_h: int = Field(default=0, description="spending of the last hour in its scope")
    renews_at: datetime | None
    reached_at: datetime | None = Field(
        default=None,
        description="when the cap will be reached at the present rate, if before it renews",
    )

    @property
    def free_nanousd(self) -> int:
        """Return what new work can still reserve."""
        used = self.settled_nanousd + self.authorized_nanousd + self.reserved_nanousd
        return max(0, self.cap_nanousd - used)


class StageSpend(ContractModel):
    """Everything ever settled for one stage and model."""

    stage: str
    model: str
    calls: int
    unknown_calls: int = Field(description="attempts of unknown cost, counted in full")
    settled_nanousd: int
    input_tokens: int
    output_tokens: int


class ForegroundSpend(ContractModel):
    """Everything ever settled for one issued key, team and model: the lab's own work."""

    key: str
    team: str
    label: str = ""
    model: str
    calls: int
    unknown_calls: int = Field(description="attempts of unknown cost, counted in full")
    settled_nanousd: int
    input_tokens: int
    output_tokens: int


class TaxState(ContractModel):
    """The tax over its window; `ratio` None until foreground spend was reported or measured."""

    days: int
    ratio_cap: float | None
    daydream_nanousd: int
    foreground_nanousd: int
    ratio: float | None


class ChangeRecord(ContractModel):
    """Who changed what, when and why."""

    at: datetime
    who: str
    why: str
    text: str


class BudgetState(ContractModel):
    """The ledger state, summed up.

    Foreground spend is the lab's own work through the gateway. It is in no other sum.
    """

    limits: tuple[LimitState, ...]
    spend: tuple[StageSpend, ...]
    settled_nanousd: int
    authorized_nanousd: int
    reserved_nanousd: int
    reservations_open: int
    reservations_released: int
    attempts_authorized: int = Field(
        description="attempts not settled yet: in progress, or of workers that died"
    )
    foreground: tuple[ForegroundSpend, ...] = ()
    foreground_settled_nanousd: int = 0
    foreground_authorized_nanousd: int = 0
    overruns: int = Field(description="calls that cost more than their upper bound")
    last_sequence: int
    paused: bool = False
    zone: str = "UTC"
    tax: TaxState | None = None
    burn_nanousd_per_h: int = Field(
        default=0,
        description="the present rate: settled in at most the last hour, scaled to an hour",
    )
    daydreams_open: int = Field(
        default=0,
        description="open reservations of daydreams: the others are of embeddings, calibrations, "
        "canaries and single calls",
    )
    daydreams_paid: int = Field(default=0, description="daydreams whose reservation is released")
    daydreams_nanousd: int = Field(default=0, description="the total cost of these")
    daydreams_nanousd_squared: int = Field(
        default=0, le=SQUARES_MAX, description="sum of the squared costs, for the spread"
    )
    daydreams_reserved_nanousd: int = Field(
        default=0, description="what these had reserved: at the start, and by growing"
    )
    changes: tuple[ChangeRecord, ...] = Field(default=(), description="the latest first")
    halted: Refusal | None = Field(
        default=None, description="why nothing is committed: everything here is read only"
    )


class BudgetChanged(ContractModel):
    """The state after a change, or why it could not be made."""

    refusal: Refusal | None = None
    state: BudgetState
