"""The ledger state: the projection of the ledger's stream, what its entries add up to. Pure.

No clock, no broker. For every limit after every entry: settled + authorized ≤ cap. Only a lowered
cap, a correction or an overrun can break it. The remaining money of open reservations is held
beside that, for admission only. Nothing here refuses, because an entry in the ledger has happened.
`rules` refuses.

A cost belongs to the window of its authorization. An authorized attempt that is not settled counts
in every window, like reserved money.

An entry can be tried and rolled back (`undo_log`). `retention` says what is forgotten, and when.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from daydream_budget.ledger.accounts import Accounts, LimitUsage, scopes_of
from daydream_budget.ledger.admission_queue import AdmissionQueue, call_request_id
from daydream_budget.ledger.controls import Controls
from daydream_budget.ledger.cost_history import CostHistory
from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    BranchReleased,
    Commit,
    ControlsChanged,
    Entry,
    ForegroundSpent,
    MessageVoided,
    RequestQueued,
    ReservationExpired,
    ReservationOpened,
    SoftLimitReached,
)
from daydream_budget.ledger.foreground import Foreground
from daydream_budget.ledger.reservations import (
    Allocation,
    Attempt,
    ReleasedReservation,
    Reservation,
)
from daydream_budget.ledger.retention import EndedReservations
from daydream_budget.ledger.totals import Totals
from daydream_budget.ledger.undo_log import UndoLog
from daydream_budget.ledger.windows import quarter_of
from daydream_contracts.rpc import (
    FOREGROUND,
    AllocationRequest,
    CorrectionEntry,
    SetZone,
    Window,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LedgerState:
    """The state of the ledger after some commit. `at` is the time of that commit."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.undo_log = UndoLog()
        self.accounts = Accounts(self.undo_log)
        self.controls = Controls(self.undo_log)
        self.foreground = Foreground(self.undo_log)
        self.totals = Totals(self.undo_log)
        self.cost_history = CostHistory(self.undo_log)
        self.ended = EndedReservations(self.undo_log)
        self.queue = AdmissionQueue(self.undo_log)
        self.reservations: dict[str, Reservation] = {}  # open, expired, or released and unsettled
        self.attempts: dict[str, Attempt] = {}
        self.open_attempts: dict[str, bool] = {}  # the authorized ones, as an ordered set

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which windows begin."""
        return self.controls.zone

    def used(self, scope: str, window: Window, at: datetime) -> LimitUsage:
        """Return what counts against a limit in the window that contains `at`."""
        account = self.accounts.of(scope)
        settled = self.accounts.settled_in(scope, window, at, self.zone)
        return LimitUsage(settled, account.authorized, account.reserved)

    def has_open_attempts(self, reservation: Reservation) -> bool:
        """Return whether an attempt of this reservation, even a free one, is not settled yet."""
        return any(attempt_id in self.open_attempts for attempt_id in reservation.attempts)

    def fold(self, commit: Commit) -> None:
        """Apply a commit that is in the stream."""
        for entry in commit.entries:
            self.apply(entry, commit.at)
        self.finish_commit(commit.at)

    def finish_commit(self, at: datetime) -> None:
        """Keep the entries applied since `undo_log.begin` as a commit made at `at`."""
        self.undo_log.commit()
        before = self.at or EPOCH
        self.accounts.forget(before, at)
        self.foreground.forget(before, at)
        self.cost_history.forget(before, at)
        self.controls.forget()
        self.queue.forget(at)
        self.at = at
        for reservation_id in self.ended.forget(
            at, lambda name: self.has_open_attempts(self.reservations[name])
        ):
            for attempt_id in self.reservations[reservation_id].attempts:
                del self.attempts[attempt_id]
            del self.reservations[reservation_id]

    def apply(self, entry: Entry, at: datetime) -> None:
        """Apply one entry. Raises KeyError if it names a reservation or attempt that is unknown."""
        match entry:
            case ReservationOpened():
                self._open(entry, at)
            case AttemptAuthorized():
                self._authorize(entry, at)
            case AttemptSettled():
                self._settle(entry, at)
            case BranchReleased():
                self._release_branch(entry, at)
            case ReservationExpired():
                self._expire(entry.reservation_id, at)
            case ControlsChanged():
                self._change(entry, at)
            case ForegroundSpent():
                self.foreground.count(entry, at)
            case RequestQueued():
                self.queue.add(entry, at)
            case SoftLimitReached() | MessageVoided():
                self.controls.record(entry, at)

    def _open(self, entry: ReservationOpened, at: datetime) -> None:
        allocations = tuple(
            Allocation.of(request, held, entry.purpose)
            for request, held in zip(entry.allocations, entry.held, strict=True)
        )
        reservation = Reservation(
            allocations, entry.branches, at, entry.purpose, entry.plan, entry.for_one_call
        )
        self.undo_log.put(self.reservations, entry.reservation_id, reservation)
        self.queue.remove(entry.reservation_id)
        for allocation in allocations:
            self.accounts.book(allocation.scopes, reserved=allocation.remaining)

    def _reopen(self, reservation_id: str, reservation: Reservation) -> None:
        """Open an expired reservation again. What it held was freed, so it holds nothing more."""
        for allocation in reservation.allocations:
            self.undo_log.set(allocation, held=0)
        self.undo_log.set(reservation, status="open")
        self.ended.clear_expiry(reservation_id)

    def _allocation_to_charge(self, reservation: Reservation, entry: AttemptAuthorized) -> int:
        """Return the index of the allocation that pays; add an empty one if none does."""
        index = reservation.allocation_index(entry.stage, entry.model, entry.team)
        if index is not None:
            return index
        request = AllocationRequest(
            stage=entry.stage,
            model=entry.model,
            team=entry.team,
            upper_bound_nanousd=0,
            key=reservation.key,
        )
        allocation = Allocation.of(request, 0, reservation.purpose)
        self.undo_log.set(reservation, allocations=(*reservation.allocations, allocation))
        return len(reservation.allocations) - 1

    def _authorize(self, entry: AttemptAuthorized, at: datetime) -> None:
        reservation = self.reservations[entry.reservation_id]
        if reservation.status == "expired":
            self._reopen(entry.reservation_id, reservation)
        index = self._allocation_to_charge(reservation, entry)
        attempt = Attempt(
            reservation_id=entry.reservation_id,
            allocation_index=index,
            call_id=entry.call_id,
            nonce=entry.nonce,
            stage=entry.stage,
            model=entry.model,
            upper_bound=entry.upper_bound_nanousd,
            expires_at=entry.expires_at,
            quarter=quarter_of(at),
            scopes=scopes_of(
                entry.stage, (entry.model,), entry.team, reservation.purpose, reservation.key
            ),
        )
        self.undo_log.put(self.attempts, entry.attempt_id, attempt)
        self.queue.remove(call_request_id(entry.reservation_id, entry.call_id))
        self.undo_log.put(self.open_attempts, entry.attempt_id, True)
        self._move(reservation, attempt, authorized=attempt.upper_bound)
        self.undo_log.set(
            reservation, touched_at=at, attempts=(*reservation.attempts, entry.attempt_id)
        )

    def _settle(self, entry: AttemptSettled, at: datetime) -> None:
        attempt = self.attempts[entry.attempt_id]
        self.undo_log.set(attempt, charged=entry.cost_nanousd)
        self.undo_log.drop(self.open_attempts, entry.attempt_id)
        reservation = self.reservations[attempt.reservation_id]
        self._move(
            reservation, attempt, authorized=-attempt.upper_bound, settled=entry.cost_nanousd
        )
        if reservation.status == "open":
            self.undo_log.set(reservation, touched_at=at)
        elif reservation.status == "released":
            self._retire(attempt.reservation_id, reservation, at)
        self.accounts.settle(attempt.scopes, attempt.quarter, entry.cost_nanousd)
        if attempt.is_foreground:
            self.foreground.add(attempt.quarter, entry.cost_nanousd)
        allocation = reservation.allocations[attempt.allocation_index]
        self.totals.settle(attempt, allocation, entry)

    def _release_branch(self, entry: BranchReleased, at: datetime) -> None:
        reservation = self.reservations[entry.reservation_id]
        branches = (
            frozenset(range(reservation.branches))
            if entry.branch is None
            else reservation.released_branches | {entry.branch}
        )
        self.undo_log.set(reservation, released_branches=branches, touched_at=at)
        if len(branches) < reservation.branches:
            return
        self._free_remaining(reservation)
        self.queue.remove_calls_of(entry.reservation_id)
        self.undo_log.set(reservation, status="released")
        self.ended.clear_expiry(entry.reservation_id)
        self.totals.release()
        self._retire(entry.reservation_id, reservation, at)

    def _retire(self, reservation_id: str, reservation: Reservation, at: datetime) -> None:
        """Shrink a released reservation to one line, once all its attempts are settled."""
        if self.has_open_attempts(reservation):
            return
        for attempt_id in reservation.attempts:
            self.undo_log.drop(self.attempts, attempt_id)
        self.undo_log.drop(self.reservations, reservation_id)
        line = ReleasedReservation(at, reservation.plan, reservation.settled)
        self.ended.release(reservation_id, line)
        self.totals.retire(reservation)
        self.cost_history.record(reservation, at)

    def _expire(self, reservation_id: str, at: datetime) -> None:
        reservation = self.reservations[reservation_id]
        self._free_remaining(reservation)
        self.undo_log.set(reservation, status="expired", touched_at=at)
        self.ended.expire(reservation_id, at)

    def _change(self, entry: ControlsChanged, at: datetime) -> None:
        self.controls.change(entry, at)
        match entry.change:
            case CorrectionEntry() as correction:
                self._correct(correction)
            case SetZone():
                self.accounts.rezone()

    def _correct(self, correction: CorrectionEntry) -> None:
        scopes = scopes_of(
            correction.stage,
            (correction.model,),
            correction.team,
            correction.purpose,
            correction.key,
        )
        quarter = quarter_of(correction.at)
        self.accounts.settle(scopes, quarter, correction.by_nanousd)
        if correction.purpose == FOREGROUND:
            self.foreground.add(quarter, correction.by_nanousd)
        self.totals.correct(correction)

    def _move(
        self, reservation: Reservation, attempt: Attempt, *, authorized: int, settled: int = 0
    ) -> None:
        """Move an attempt's money between remaining, authorized and settled.

        The remaining money is held under the scopes of the allocation, which may name several
        models. Authorized money is held under the scopes of the attempt.
        """
        allocation = reservation.allocations[attempt.allocation_index]
        before = allocation.remaining
        self.undo_log.set(
            allocation,
            authorized=allocation.authorized + authorized,
            settled=allocation.settled + settled,
        )
        reserved = allocation.remaining - before if reservation.status == "open" else 0
        if allocation.scopes == attempt.scopes:
            self.accounts.book(attempt.scopes, reserved=reserved, authorized=authorized)
        else:
            self.accounts.book(allocation.scopes, reserved=reserved)
            self.accounts.book(attempt.scopes, authorized=authorized)

    def _free_remaining(self, reservation: Reservation) -> None:
        """Stop holding the remaining money, if the reservation holds any."""
        if reservation.status == "open":
            for allocation in reservation.allocations:
                self.accounts.book(allocation.scopes, reserved=-allocation.remaining)
