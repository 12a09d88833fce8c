"""Requests to the budget service and its replies. All amounts are nano-dollars (integers).

Repeating a request is harmless: every request that changes something carries an id that makes it
the same one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from daydream_contracts.events import ContractModel
from daydream_contracts.number_limits import LIFETIME_S_MAX, BranchCount, Nanousd, TokenCount

Purpose = Literal[
    "daydream", "embedding", "rejudging", "canary", "calibration", "screening", "foreground"
]
"""What money is spent for. `foreground` is the lab's own work, outside the caps on daydreaming."""

SETTLEMENTS_MAX = 256  # in one request


class AllocationRequest(ContractModel):
    """What one stage may need.

    While the model is not chosen yet, `alternative_models` names the other candidates, and the
    upper bound is that of the most expensive one. What is held counts once against everything, the
    stage and the team, and in full against each of the models.
    """

    stage: str
    model: str
    alternative_models: tuple[str, ...] = ()
    team: str = ""
    upper_bound_nanousd: Nanousd
    expected_nanousd: Nanousd = Field(
        default=0,
        description="the usual cost, held until the ledger has seen enough; 0: unknown",
    )
    key: str = Field(default="", max_length=200, description="id of the issued key (foreground)")
    label: str = Field(
        default="", max_length=200, description="what the key is for, in its owner's words"
    )


class ReducedPlan(ContractModel):
    """A cheaper way to do the same work: fewer samples or judges, or shorter answers."""

    allocations: tuple[AllocationRequest, ...] = Field(min_length=1)
    branches: BranchCount = 1


class Settle(ContractModel):
    """Settle an attempt with its real cost. None: unknown, so the whole upper bound is charged.

    `release`: no other call will be paid from the reservation, which is released in the same
    commit. `sent` is False for an attempt that was given back: it is no call.
    """

    attempt_id: str
    cost_nanousd: Nanousd | None = None
    input_tokens: TokenCount | None = None
    output_tokens: TokenCount | None = None
    provider_id: str = Field(
        default="",
        max_length=200,
        description="the provider's id of the answer, for reconciliation",
    )
    release: bool = False
    sent: bool = True


class Authorize(ContractModel):
    """Authorize the upper bound of one attempt. It is checked against every limit.

    The reservation grows when it holds less, and is open again if it had expired. `nonce` is new
    for each attempt and stays the same when the request is repeated. So a grant is valid for one
    worker only. `settlements` are of earlier attempts: they are decided first, in the same commit.
    A reply says that they are settled, unless its reason is one of `HALT_REASONS`.
    """

    reservation_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    team: str = ""
    upper_bound_nanousd: Nanousd
    lifetime_s: float = Field(
        gt=0,
        le=LIFETIME_S_MAX,
        description="after this time an attempt without a settlement is settled, with the cost "
        "in its stored answer or in full",
    )
    settlements: tuple[Settle, ...] = Field(default=(), max_length=SETTLEMENTS_MAX)


class OpenReservation(ContractModel):
    """Reserve money for one whole daydream: what such daydreams have cost, not the worst case.

    The reservation ends after one release per branch (one per sample). `reduced_plans` are used
    when little money remains, the most expensive first; the grant names the plan it is for.
    `first_attempt`: the work is a single call. It is authorized in the same commit, and nothing is
    held beside it.
    """

    reservation_id: str
    allocations: tuple[AllocationRequest, ...] = Field(min_length=1)
    branches: BranchCount = 1
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

    @model_validator(mode="after")
    def _foreground_has_a_key(self) -> OpenReservation:
        if self.purpose == "foreground" and not all(
            allocation.key for allocation in self.allocations
        ):
            raise ValueError("foreground spend needs the id of the key that it is booked under")
        return self


HALT_REASONS = ("ledger-unreadable", "clock-skew")
"""Reasons to refuse that are not about money: nothing can be committed, or a clock is off."""


class Refusal(ContractModel):
    """Why the ledger refuses, and when to ask again.

    `near_cap`: the remaining money is enough, but held for other work: ask again in seconds.
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
        "ledger-unreadable",
        "released",
        "unknown-limit",
        "invalid-change",
    ]
    text: str
    retry_at: datetime | None = None
    shortfall_nanousd: int = Field(default=0, ge=0, description="the missing amount")
    limits: tuple[str, ...] = Field(default=(), description="limits that refused, as scope/window")
    near_cap: bool = Field(default=False, description="only unsettled money is in the way")


class Grant(ContractModel):
    """The reply to opening and authorizing.

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


class Settled(ContractModel):
    """What the ledger now charges for the attempt.

    `known` is False for an attempt that the ledger never saw or has forgotten. Its reservation is
    released and all of it is settled, so a request repeated after a lost reply may get this.
    """

    known: bool
    charged_nanousd: int = 0


class SettleAttempts(ContractModel):
    """Settle attempts that ended at about the same time, in one commit."""

    attempts: tuple[Settle, ...] = Field(min_length=1, max_length=SETTLEMENTS_MAX)

    @classmethod
    def of(cls, attempt_id: str, cost_nanousd: int, *, release: bool = False) -> Self:
        """Return the request to settle one attempt."""
        settle = Settle(attempt_id=attempt_id, cost_nanousd=cost_nanousd, release=release)
        return cls(attempts=(settle,))


class AttemptsSettled(ContractModel):
    """What the ledger now charges, for each attempt in the order of the request."""

    attempts: tuple[Settled, ...]


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
    cost_nanousd: Nanousd


class ForegroundAnswer(ContractModel):
    """Whether a report counts. False: it is older than what the ledger remembers."""

    counted: bool
