"""The rules of the ledger: a request and the state give a reply and the entries to write. Pure.

`admission` decides which work may begin. `authorization` checks every attempt against every limit,
and settles it. `changes` checks what people change.

Requests are deduplicated by their id: a repeated request gets the same reply and writes no second
entry. What is free (upper bound zero) passes even when a cap is used up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from daydream_budget.ledger import admission, authorization, changes
from daydream_budget.ledger.entries import (
    BranchReleased,
    Entry,
    ForegroundSpent,
    ReservationExpired,
)
from daydream_budget.ledger.foreground import REPORT_HORIZON
from daydream_budget.ledger.lost_attempts import lost
from daydream_budget.ledger.replies import ReplyAndEntries
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import (
    Authorize,
    ChangeBudget,
    ForegroundAnswer,
    OpenReservation,
    ReleaseReservation,
    ReportForeground,
    ReservationStatus,
    Settle,
    Settled,
)

LedgerRequest = (
    OpenReservation | Authorize | Settle | ReleaseReservation | ChangeBudget | ReportForeground
)


def decide(state: LedgerState, request: LedgerRequest, now: datetime) -> ReplyAndEntries:
    """Return the reply, and the entries that make it true. No entries: nothing changes."""
    match request:
        case OpenReservation():
            return admission.open_reservation(state, request, now)
        case Authorize():
            return authorization.authorize(state, request, now)
        case Settle():
            return authorization.settle(state, request)
        case ReleaseReservation():
            return _release(state, request)
        case ReportForeground():
            return _count_foreground(state, request, now)
        case ChangeBudget():
            return changes.decide(state, request, now)


def is_certain(reply: ContractModel) -> bool:
    """Return whether a reply without an entry also holds if this replica's state is behind.

    A refusal does not, nor does "unknown": another replica may have written what this one has not
    read yet. A released reservation that cost nothing looks the same; one more read is harmless.
    """
    match reply:
        case Settled():
            return reply.known
        case ReservationStatus():
            return not reply.released or reply.settled_nanousd > 0
    return getattr(reply, "refusal", None) is None


def due(
    state: LedgerState,
    now: datetime,
    reservation_idle_s: float,
    settlements: Mapping[str, Settle] | None = None,
) -> Iterator[Entry]:
    """Yield what time has decided: the settlements of lost attempts, and idle reservations.

    `settlements` has the lost attempts whose cost was looked up; others wait. None: nothing was
    looked up, so all count in full.
    """
    for attempt_id, _ in lost(state, now):
        if settlements is None:
            yield from authorization.settle(state, Settle(attempt_id=attempt_id))[1]
        elif attempt_id in settlements:
            yield from authorization.settle(state, settlements[attempt_id])[1]
    idle = timedelta(seconds=reservation_idle_s)
    for reservation_id, reservation in state.reservations.items():
        if (
            reservation.status == "open"
            and now - reservation.touched_at > idle
            and not state.has_open_attempts(reservation)
        ):
            yield ReservationExpired(reservation_id=reservation_id)


def _release(state: LedgerState, request: ReleaseReservation) -> ReplyAndEntries:
    reservation = state.reservations.get(request.reservation_id)
    if reservation is None:
        line = state.ended.released.get(request.reservation_id)
        status = ReservationStatus(released=True, settled_nanousd=line.settled if line else 0)
        return status, state.queue.leave(request.reservation_id)
    released, branch = reservation.released_branches, request.branch
    unknown_branch = branch is not None and branch >= reservation.branches
    if reservation.status == "released" or branch in released or unknown_branch:
        status = ReservationStatus(
            released=reservation.status == "released", settled_nanousd=reservation.settled
        )
        return status, ()
    last = branch is None or len(released | {branch}) >= reservation.branches
    status = ReservationStatus(released=last, settled_nanousd=reservation.settled)
    return status, (BranchReleased(reservation_id=request.reservation_id, branch=branch),)


def _count_foreground(
    state: LedgerState, request: ReportForeground, now: datetime
) -> ReplyAndEntries:
    if request.report_id in state.foreground.reports:
        return ForegroundAnswer(counted=True), ()
    if now - request.at > REPORT_HORIZON:
        return ForegroundAnswer(counted=False), ()
    spent = ForegroundSpent(
        report_id=request.report_id,
        spent_at=min(request.at, now),
        cost_nanousd=request.cost_nanousd,
    )
    return ForegroundAnswer(counted=True), (spent,)
