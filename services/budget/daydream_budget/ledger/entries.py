"""What is written to the ledger. A commit is one stream message with the entries of everything that was decided together.

Entries are never changed or removed; a mistake is corrected by another entry. Amounts are nano-dollars. Fields that came
later have defaults that mean what the entries without them meant.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from daydream_contracts.rpc import AllocationRequest, Change, Purpose, Window


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ReservationOpened(_Entry):
    """A reservation was opened: its bound is held for it under every limit. `plan` 0 is what was asked for, n a smaller one."""

    kind: Literal["reservation-opened"] = "reservation-opened"
    reservation_id: str
    allocations: tuple[AllocationRequest, ...]
    branches: int
    plan: int = 0
    purpose: Purpose = "daydream"


class ReservationIncreased(_Entry):
    """A stage's part of a reservation got more, and the reservation is open (again). No stage: the first part."""

    kind: Literal["reservation-increased"] = "reservation-increased"
    reservation_id: str
    increase_id: str
    stage: str = ""
    model: str = ""
    team: str = ""
    by_nanousd: int


class AttemptAuthorized(_Entry):
    """The upper bound of one attempt was taken from the reservation, for one worker, until a time."""

    kind: Literal["attempt-authorized"] = "attempt-authorized"
    attempt_id: str
    reservation_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    team: str
    upper_bound_nanousd: int
    until: datetime


class AttemptSettled(_Entry):
    """What the attempt cost; `unknown`: nobody said, so all that was drawn. `provider_id` is the provider's name for it."""

    kind: Literal["attempt-settled"] = "attempt-settled"
    attempt_id: str
    cost_nanousd: int
    unknown: bool
    input_tokens: int | None = None
    output_tokens: int | None = None
    provider_id: str = ""


class BranchReleased(_Entry):
    """One way of the reservation has ended (None: all)."""

    kind: Literal["branch-released"] = "branch-released"
    reservation_id: str
    branch: int | None


class ReservationExpired(_Entry):
    """Nobody touched the reservation for long: what is left flows back. It can grow again while it is remembered."""

    kind: Literal["reservation-expired"] = "reservation-expired"
    reservation_id: str


class ControlsChanged(_Entry):
    """Somebody changed a limit, the tax, the zone, paused, or corrected the books."""

    kind: Literal["controls-changed"] = "controls-changed"
    change_id: str
    change: Change
    who: str
    why: str


class ForegroundSpent(_Entry):
    """What the lab itself spent on models, as its gateway reported it."""

    kind: Literal["foreground-spent"] = "foreground-spent"
    report_id: str
    spent_at: datetime
    cost_nanousd: int


class SoftLimitReached(_Entry):
    """A limit's soft share was reached in the window that begins with this quarter-hour, or (share 1) it refused a grant.
    The alert was raised before this was written, so it is raised once a window, and again only if that failed between."""

    kind: Literal["soft-limit-reached"] = "soft-limit-reached"
    scope: str
    window: Window
    first_quarter: int
    share: float


Entry = Annotated[
    ReservationOpened
    | ReservationIncreased
    | AttemptAuthorized
    | AttemptSettled
    | BranchReleased
    | ReservationExpired
    | ControlsChanged
    | ForegroundSpent
    | SoftLimitReached,
    Field(discriminator="kind"),
]


class Commit(BaseModel):
    """One message on the ledger stream. `at` never goes back from one commit to the next, whoever writes it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    at: datetime
    by: str
    entries: tuple[Entry, ...]


COMMIT: TypeAdapter[Commit] = TypeAdapter(Commit)
