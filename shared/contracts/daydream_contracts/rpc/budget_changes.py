"""Changes that people make to the budget. All amounts are nano-dollars (integers)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from daydream_contracts.events import ContractModel
from daydream_contracts.number_limits import TAX_RATIO_MAX, Nanousd, NanousdChange
from daydream_contracts.rpc.budget import Purpose

Window = Literal["hour", "day", "week", "month", "lifetime"]
Scope = Annotated[
    str, Field(pattern=r"^(all|foreground|(stage|model|team|purpose|key):.+)$", max_length=210)
]
EVERYTHING = "all"
"""Everything that daydream spends. The lab's own work is not part of it."""
FOREGROUND = "foreground"
"""Everything that the lab's own programs spend through the gateway."""


class SetLimit(ContractModel):
    """Set a limit, or change it.

    The cap is an amount, or a `share` of the cap on everything in the same window. An alert is
    raised at each share in `soft`, once per window. `hard` False: the limit only warns.
    """

    kind: Literal["limit"] = "limit"
    scope: Scope = EVERYTHING
    window: Window
    cap_nanousd: Nanousd | None = None
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
    by_nanousd: NanousdChange


class Pause(ContractModel):
    """Stop all paid grants of daydreaming, or resume them.

    Calls in progress end and are settled. Foreground work is not paused.
    """

    kind: Literal["pause"] = "pause"
    paused: bool


class SetTax(ContractModel):
    """Cap the tax: daydream spend ÷ foreground spend over the last days. None: no cap."""

    kind: Literal["tax"] = "tax"
    ratio: float | None = Field(
        default=20.0, gt=0, le=TAX_RATIO_MAX, description="20: the essay's bound"
    )
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
    key: str = Field(default="", max_length=200, description="id of the issued key (foreground)")
    at: AwareDatetime
    by_nanousd: NanousdChange
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
