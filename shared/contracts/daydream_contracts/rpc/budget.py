"""Requests to the budget service and its replies. All amounts are nano-dollars (integers).

Repeating a request is harmless: every request that changes something carries an id that makes it
the same one.
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
    """What one stage may need.

    While the model is not chosen yet, `alternative_models` names the other candidates, and the
    upper bound is that of the most expensive one. It counts once against everything, the stage and
    the team, and in full against each of the models.
    """

    stage: str
    model: str
    alternative_models: tuple[str, ...] = ()
    team: str = ""
    upper_bound_nanousd: int = Field(ge=0)


class ReducedPlan(ContractModel):
    """A cheaper way to do the same work: fewer samples or judges, or shorter answers."""

    allocations: tuple[AllocationRequest, ...] = Field(min_length=1)
    branches: int = Field(default=1, ge=1)


class Authorize(ContractModel):
    """Authorize the upper bound of one attempt, from the stage's allocation of the reservation.

    `nonce` is new for each attempt and stays the same when the request is repeated. So a grant is
    valid for one worker only.
    """

    reservation_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    team: str = ""
    upper_bound_nanousd: int = Field(ge=0)
    lifetime_s: float = Field(
        gt=0, description="after this time an unsettled attempt is settled in full"
    )


class OpenReservation(ContractModel):
    """Reserve the money of one whole daydream.

    The reservation ends after one release per branch (one per sample). `reduced_plans` are used
    near a cap, the most expensive first; the grant names the plan it is for. `first_attempt` is
    authorized in the same commit, which saves a request for work that needs a single call.
    """

    reservation_id: str
    allocations: tuple[AllocationRequest, ...] = Field(min_length=1)
    branches: int = Field(default=1, ge=1)
    reduced_plans: tuple[ReducedPlan, ...] = Field(default=(), max_length=8)
    first_attempt: Authorize | None = None
    purpose: Purpose = "daydream"
    requested_at: AwareDatetime

    @model_validator(mode="after")
    def _first_attempt_is_from_it(self) -> OpenReservation:
        if (
            self.first_attempt is not None
            and self.first_attempt.reservation_id != self.reservation_id
        ):
            raise ValueError("the first attempt belongs to another reservation")
        return self


class IncreaseReservation(ContractModel):
    """Reserve more for one stage, or reopen a reservation that expired with work left to do.

    `increase_id` makes it idempotent.
    """

    reservation_id: str
    increase_id: str
    stage: str = ""
    model: str = ""
    team: str = ""
    by_nanousd: int = Field(ge=0)


class Refusal(ContractModel):
    """Why the ledger refuses, and when to ask again.

    `retry_at` None: not before a person changes something.
    """

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
    shortfall_nanousd: int = Field(default=0, ge=0, description="the missing amount")
    limits: tuple[str, ...] = Field(default=(), description="limits that refused, as scope/window")


class Grant(ContractModel):
    """The reply to opening, increasing and authorizing.

    `attempt_id` names an authorized attempt, to be settled. `plan` is the plan a reservation was
    opened for: 0 the full plan, n the n-th reduced plan.
    """

    refusal: Refusal | None = None
    attempt_id: str = ""
    plan: int = 0

    @property
    def granted(self) -> bool:
        """Return whether it was not refused."""
        return self.refusal is None


class Settle(ContractModel):
    """Settle an attempt with its real cost. None: unknown, so the whole upper bound is charged.

    `release`: no other call will be paid from the reservation, which is released in the same
    commit.
    """

    attempt_id: str
    cost_nanousd: int | None = Field(default=None, ge=0)
    input_tokens: int | None = None
    output_tokens: int | None = None
    provider_id: str = Field(
        default="",
        max_length=200,
        description="the provider's id of the answer, for reconciliation",
    )
    release: bool = False


class Settled(ContractModel):
    """What the ledger now charges for the attempt.

    `known` is False for an attempt that the ledger never saw or has forgotten. Its reservation is
    released and all of it is settled, so a request repeated after a lost reply may get this.
    """

    known: bool
    charged_nanousd: int = 0


class ReleaseReservation(ContractModel):
    """End one branch of the reservation. None: all of them.

    The remaining money is free again when all branches have ended.
    """

    reservation_id: str
    branch: int | None = None


class ReservationStatus(ContractModel):
    """What the reservation has cost so far; `released` once every branch has ended."""

    released: bool
    settled_nanousd: int = 0


class ReportForeground(ContractModel):
    """Report what the lab itself spent on models: the denominator of the tax.

    `report_id` makes it idempotent for a day.
    """

    report_id: str = Field(min_length=1, max_length=200)
    at: AwareDatetime
    cost_nanousd: int = Field(ge=0)


class ForegroundAnswer(ContractModel):
    """Whether a report counts. False: it is older than what the ledger remembers."""

    counted: bool


# --- changes by people ----------------------------------------------------------------------------


class SetLimit(ContractModel):
    """Set a limit, or change it.

    The cap is an amount, or a `share` of the cap on everything in the same window. An alert is
    raised at each share in `soft`, once per window. `hard` False: the limit only warns.
    """

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
    def _has_one_cap(self) -> SetLimit:
        if (self.cap_nanousd is None) == (self.share is None):
            raise ValueError("a limit needs either a cap or a share")
        if self.share is not None and self.scope == EVERYTHING:
            raise ValueError("a share is a share of the cap on everything; name a narrower scope")
        return self


class RemoveLimit(ContractModel):
    """Remove a limit."""

    kind: Literal["remove"] = "remove"
    scope: Scope = EVERYTHING
    window: Window


class TopUp(ContractModel):
    """Raise a cap by an amount. Negative: lower it."""

    kind: Literal["top-up"] = "top-up"
    scope: Scope = EVERYTHING
    window: Window
    by_nanousd: int


class Pause(ContractModel):
    """Stop all paid grants, or resume them. Calls in progress end and are settled."""

    kind: Literal["pause"] = "pause"
    paused: bool


class SetTax(ContractModel):
    """Cap the tax: daydream spend ÷ foreground spend over the last days. None: no cap."""

    kind: Literal["tax"] = "tax"
    ratio: float | None = Field(default=20.0, gt=0, description="20: the essay's bound")
    days: int = Field(default=7, ge=1, le=60)


class SetZone(ContractModel):
    """Set the time zone in which hours, days, weeks and months begin."""

    kind: Literal["zone"] = "zone"
    zone: str


class CorrectionEntry(ContractModel):
    """Correct what was spent at that time, on that model at that stage. Negative: less."""

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
    """Change the budget, with author and reason. `change_id` makes it idempotent."""

    change_id: str = Field(min_length=1, max_length=200)
    change: Change
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(default="", max_length=2000)


# --- what is shown --------------------------------------------------------------------------------


class LimitState(ContractModel):
    """One limit: settled + authorized + reserved ≤ cap.

    Only a lowered cap, a correction or an overrun can break it.
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
    renews_at: datetime | None
    reached_at: datetime | None = Field(
        default=None,
        description="when the cap will be reached at the present rate, if before it renews",
    )

    @property
    def free_nanousd(self) -> int:
        """Return what can still be granted."""
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
    """The ledger state, summed up."""

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
    overruns: int = Field(description="calls that cost more than their upper bound")
    last_sequence: int
    paused: bool = False
    zone: str = "UTC"
    tax: TaxState | None = None
    burn_nanousd_per_h: int = Field(default=0, description="settled in the last hour")
    daydreams_paid: int = Field(default=0, description="daydreams whose reservation is released")
    daydreams_nanousd: int = Field(default=0, description="the total cost of these")
    daydreams_nanousd_squared: int = Field(
        default=0, description="sum of the squared costs, for the spread"
    )
    changes: tuple[ChangeRecord, ...] = Field(default=(), description="the latest first")


class BudgetChanged(ContractModel):
    """The state after a change, or why it could not be made."""

    refusal: Refusal | None = None
    state: BudgetState
