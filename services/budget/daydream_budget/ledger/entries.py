"""What is written to the ledger, by event sourcing: the state is the fold of these entries.

A commit is one stream message with the entries of everything that was decided together. Entries
are never changed or removed; a correction entry fixes a mistake. Amounts are nano-dollars.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from daydream_contracts.number_limits import BranchCount, Nanousd, TokenCount
from daydream_contracts.rpc import AllocationRequest, Change, Purpose, Window


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ReservationOpened(_Entry):
    """A reservation was opened; `held` is what is held for each of its allocations.

    `plan` 0 is the full plan, n the n-th of the reduced plans. `for_one_call`: its only attempt is
    authorized in the same commit, and nothing else is held.
    """

    kind: Literal["reservation-opened"] = "reservation-opened"
    reservation_id: str
    allocations: tuple[AllocationRequest, ...]
    held: tuple[Nanousd, ...]
    branches: BranchCount
    plan: int = 0
    for_one_call: bool = False
    purpose: Purpose = "daydream"


class AttemptAuthorized(_Entry):
    """The upper bound of one attempt was authorized for one worker.

    The reservation grows if it holds less, and is open again if it had expired. After `expires_at`
    an unsettled attempt is settled in full.
    """

    kind: Literal["attempt-authorized"] = "attempt-authorized"
    attempt_id: str
    reservation_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    team: str
    upper_bound_nanousd: Nanousd
    expires_at: AwareDatetime


class AttemptSettled(_Entry):
    """The cost of an attempt. `unknown`: no cost was reported, so the whole upper bound counts.

    `provider_id` is the provider's id of the answer. `sent` is False for an attempt that was given
    back.
    """

    kind: Literal["attempt-settled"] = "attempt-settled"
    attempt_id: str
    cost_nanousd: Nanousd
    unknown: bool
    input_tokens: TokenCount | None = None
    output_tokens: TokenCount | None = None
    provider_id: str = ""
    sent: bool = True


class BranchReleased(_Entry):
    """One branch of the reservation has ended. None: all branches have."""

    kind: Literal["branch-released"] = "branch-released"
    reservation_id: str
    branch: int | None


class ReservationExpired(_Entry):
    """The reservation was idle for too long, so its remaining money is free again.

    An authorization reopens it while it is remembered.
    """

    kind: Literal["reservation-expired"] = "reservation-expired"
    reservation_id: str


class ControlsChanged(_Entry):
    """A person changed a limit, the tax, the time zone or the pause, or corrected a cost."""

    kind: Literal["controls-changed"] = "controls-changed"
    change_id: str
    change: Change
    who: str
    why: str


class ForegroundSpent(_Entry):
    """What the lab itself spent on models, as reported."""

    kind: Literal["foreground-spent"] = "foreground-spent"
    report_id: str
    spent_at: AwareDatetime
    cost_nanousd: Nanousd


class SoftLimitReached(_Entry):
    """A soft share of a limit was reached, or (share 1) the limit refused a grant.

    `first_quarter` is the first quarter-hour of the window. The alert is raised before this entry
    is written. So it is raised once per window, and again only after a failure in between.
    """

    kind: Literal["soft-limit-reached"] = "soft-limit-reached"
    scope: str
    window: Window
    first_quarter: int
    share: float


class RequestQueued(_Entry):
    """A request waits for unsettled money: new work lets it pass. See `admission_queue`.

    `needs` is what must remain for it, by scope. Repeated while it waits, under the same id. No
    needs: it has given up.
    """

    kind: Literal["request-queued"] = "request-queued"
    request_id: str
    reservation_id: str
    is_call: bool
    needs: tuple[tuple[str, Nanousd], ...]


class MessageVoided(_Entry):
    """A person voided an unreadable message of the stream: these bytes at this sequence."""

    kind: Literal["message-voided"] = "message-voided"
    sequence: int = Field(ge=1)
    digest: str = Field(min_length=64, max_length=64)
    who: str
    why: str


Entry = Annotated[
    ReservationOpened
    | AttemptAuthorized
    | AttemptSettled
    | BranchReleased
    | ReservationExpired
    | ControlsChanged
    | ForegroundSpent
    | SoftLimitReached
    | RequestQueued
    | MessageVoided,
    Field(discriminator="kind"),
]


class Commit(BaseModel):
    """One message on the ledger stream. `at` never decreases from one commit to the next.

    `previous` is the SHA-256 of the message before it, in hexadecimal; empty for the first one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    previous: str = ""
    at: AwareDatetime
    by: str
    entries: tuple[Entry, ...]


COMMIT: TypeAdapter[Commit] = TypeAdapter(Commit)
