"""Questions to the budget service and its answers. All amounts are nano-dollars (integers).

Asking twice is harmless: every question that changes something carries the id that makes it the same one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from daydream_contracts.events import ContractModel

Window = Literal["hour", "day", "week", "month", "lifetime"]
Scope = Annotated[str, Field(pattern=r"^(all|(stage|model|team|purpose):.+)$", max_length=200)]
Purpose = Literal["daydream", "embedding", "rejudging", "canary", "question"]
EVERYTHING = "all"


class AllocationRequest(ContractModel):
    """What one stage may need. Where the model is still open, `alternative_models` names the others, and the bound is the dearest one's:
    it counts once against everything, the stage and the team, and in full against each of the models."""

    stage: str
    model: str
    alternative_models: tuple[str, ...] = ()
    team: str = ""
    upper_bound_nanousd: int = Field(ge=0)


class ReducedPlan(ContractModel):
    """A cheaper way to do the same work: fewer samples or judges, briefer answers."""

    allocations: tuple[AllocationRequest, ...] = Field(min_length=1)
    branches: int = Field(default=1, ge=1)


class Authorize(ContractModel):
    """Take the upper bound of one attempt from the stage's part of the reservation. `nonce` is new for each attempt, and kept when
    the question is repeated: it is what makes a grant good for one worker only."""

    reservation_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    team: str = ""
    upper_bound_nanousd: int = Field(ge=0)
    lifetime_s: float = Field(gt=0, description="after which an unsettled draw is spent in full")


class OpenReservation(ContractModel):
    """Reserve the whole way of one daydream. `ways` closings (one per sample) end it.

    `smaller` are plans to fall back on near a cap, the dearest first; the grant says which one it is for. `first` is drawn in
    the same commit: work that needs a single call saves a question by it."""

    reservation_id: str
    allocations: tuple[AllocationRequest, ...] = Field(min_length=1)
    branches: int = Field(default=1, ge=1)
    reduced_plans: tuple[ReducedPlan, ...] = Field(default=(), max_length=8)
    first_attempt: Authorize | None = None
    purpose: Purpose = "daydream"
    requested_at: AwareDatetime

    @model_validator(mode="after")
    def _first_is_its_own(self) -> OpenReservation:
        if (
            self.first_attempt is not None
            and self.first_attempt.reservation_id != self.reservation_id
        ):
            raise ValueError("the first draw is from another reservation")
        return self


class IncreaseReservation(ContractModel):
    """Ask for more for one stage, or reopen a reservation that expired with work still to do. `increase_id` makes it idempotent."""

    reservation_id: str
    increase_id: str
    stage: str = ""
    model: str = ""
    team: str = ""
    by_nanousd: int = Field(ge=0)


class Refusal(ContractModel):
    """Why not, and when it is worth asking again; `retry_at` None means: when somebody changes something."""

    reason: Literal[
        "cap",
        "no-cap",
        "tax",
        "paused",
        "reservation",
        "unknown-reservation",
        "too-old",
        "clock-skew",
        "released",
        "unknown-limit",
        "invalid-change",
    ]
    text: str
    retry_at: datetime | None = None
    shortfall_nanousd: int = Field(default=0, ge=0, description="how much was missing")
    limits: tuple[str, ...] = Field(
        default=(), description="the limits that were in the way, as scope/window"
    )


class Grant(ContractModel):
    """The answer to open, grow and draw. `attempt_id` names a draw and is what is settled; `plan` says which plan a reservation
    was opened for: 0 the one that was asked for, n the n-th of the smaller ones."""

    refusal: Refusal | None = None
    attempt_id: str = ""
    plan: int = 0

    @property
    def granted(self) -> bool:
        return self.refusal is None


class Settle(ContractModel):
    """What an attempt really cost; None means unknown, which is the whole draw. `last`: no other call will be paid from the
    reservation, which is closed in the same commit."""

    attempt_id: str
    cost_nanousd: int | None = Field(default=None, ge=0)
    input_tokens: int | None = None
    output_tokens: int | None = None
    provider_id: str = Field(
        default="",
        max_length=200,
        description="the provider's own id of the answer, for reconciliation",
    )
    release: bool = False


class Settled(ContractModel):
    """What is on the books for the attempt now. `known` is False for an attempt that the ledger never saw, or has forgotten:
    its reservation is closed and all of it is settled, so a question that is repeated after a lost answer may hear it."""

    known: bool
    charged_nanousd: int = 0


class ReleaseReservation(ContractModel):
    """One way of the reservation has ended (None: all of them). What is left flows back when all have."""

    reservation_id: str
    branch: int | None = None


class ReservationStatus(ContractModel):
    """What the reservation has spent so far; `closed` once every way has ended."""

    released: bool
    settled_nanousd: int = 0


class ReportForeground(ContractModel):
    """What the lab itself spent on models: the denominator of the tax. `report_id` makes it idempotent for a day."""

    report_id: str = Field(min_length=1, max_length=200)
    at: AwareDatetime
    cost_nanousd: int = Field(ge=0)


class ForegroundAnswer(ContractModel):
    """Whether a report counts; False: it is older than what the ledger remembers, and was left out."""

    counted: bool


# --- changes by people ----------------------------------------------------------------------------------------------------------


class SetLimit(ContractModel):
    """Set a limit, or change it. The cap is an amount, or a `share` of the cap on everything in the same window. At each share
    of `soft` an alert is raised, once a window. `hard` False: it only warns."""

    kind: Literal["limit"] = "limit"
    scope: Scope = EVERYTHING
    window: Window
    cap_nanousd: int | None = Field(default=None, ge=0)
    share: float | None = Field(default=None, gt=0, le=1)
    soft: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.8, 0.95), max_length=10
    )
    hard: bool = True

    @model_validator(mode="after")
    def _one_cap(self) -> SetLimit:
        if (self.cap_nanousd is None) == (self.share is None):
            raise ValueError("a limit needs a cap or a share, and not both")
        if self.share is not None and self.scope == EVERYTHING:
            raise ValueError(
                "a share is a share of the cap on everything, so it needs a narrower scope"
            )
        return self


class RemoveLimit(ContractModel):
    """Take a limit away."""

    kind: Literal["remove"] = "remove"
    scope: Scope = EVERYTHING
    window: Window


class TopUp(ContractModel):
    """Raise a cap by an amount (negative: lower it)."""

    kind: Literal["top-up"] = "top-up"
    scope: Scope = EVERYTHING
    window: Window
    by_nanousd: int


class Pause(ContractModel):
    """Stop all paid grants, or let them go on. Calls in hand end and are settled."""

    kind: Literal["pause"] = "pause"
    paused: bool


class SetTax(ContractModel):
    """Cap the tax: daydream spend ÷ foreground spend over the last days (None: no cap)."""

    kind: Literal["tax"] = "tax"
    ratio: float | None = Field(default=20.0, gt=0, description="20: the essay's bound")
    days: int = Field(default=7, ge=1, le=60)


class SetZone(ContractModel):
    """In which time zone hours, days, weeks and months begin."""

    kind: Literal["zone"] = "zone"
    zone: str


class CorrectionEntry(ContractModel):
    """A counter-entry: so much more (negative: less) was really spent, at that time, on that model at that stage."""

    kind: Literal["correct"] = "correct"
    stage: str
    model: str
    team: str = ""
    purpose: Purpose = "daydream"
    at: AwareDatetime
    by_nanousd: int
    attempt_id: str = ""


Change = Annotated[
    SetLimit | RemoveLimit | TopUp | Pause | SetTax | SetZone | CorrectionEntry,
    Field(discriminator="kind"),
]


class ChangeBudget(ContractModel):
    """Somebody changes something, and says why. `change_id` makes it idempotent."""

    change_id: str = Field(min_length=1, max_length=200)
    change: Change
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(default="", max_length=2000)


# --- what is shown --------------------------------------------------------------------------------------------------------------


class LimitState(ContractModel):
    """One limit. settled + drawn + open ≤ cap, unless somebody lowered the cap or a bill came above its bound."""

    scope: str = EVERYTHING
    window: Window
    cap_nanousd: int
    share: float | None = None
    soft: tuple[float, ...] = ()
    hard: bool = True
    settled_nanousd: int
    authorized_nanousd: int
    reserved_nanousd: int
    renews_at: datetime | None
    reached_at: datetime | None = Field(
        default=None,
        description="when the cap will be reached at the present rate, if before it renews",
    )

    @property
    def free_nanousd(self) -> int:
        """What can still be granted."""
        return max(
            0,
            self.cap_nanousd
            - self.settled_nanousd
            - self.authorized_nanousd
            - self.reserved_nanousd,
        )


class StageSpend(ContractModel):
    """Everything ever settled for one stage and model."""

    stage: str
    model: str
    calls: int
    unknown_calls: int = Field(description="attempts whose real cost never came, counted in full")
    settled_nanousd: int
    input_tokens: int
    output_tokens: int


class TaxState(ContractModel):
    """The tax over its window; `ratio` None until foreground spend was reported."""

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
    """The books, summed up."""

    limits: tuple[LimitState, ...]
    spend: tuple[StageSpend, ...]
    settled_nanousd: int
    authorized_nanousd: int
    reserved_nanousd: int
    reservations_open: int
    reservations_released: int
    attempts_authorized: int = Field(
        description="calls that are drawn and not settled: in hand, or of workers that died"
    )
    overruns: int = Field(description="bills above their bound; each is an alarm")
    last_sequence: int
    paused: bool = False
    zone: str = "UTC"
    tax: TaxState | None = None
    burn_nanousd_per_h: int = Field(default=0, description="settled in the last hour")
    daydreams_paid: int = Field(default=0, description="daydreams whose reservation is closed")
    daydreams_nanousd: int = Field(default=0, description="what these have cost together")
    daydreams_nanousd_squared: int = Field(
        default=0, description="sum of the squares, for the spread"
    )
    changes: tuple[ChangeRecord, ...] = Field(default=(), description="the latest first")


class BudgetChanged(ContractModel):
    """The state after a change, or why it could not be made."""

    refusal: Refusal | None = None
    state: BudgetState
