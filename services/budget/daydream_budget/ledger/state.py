"""The fold of the ledger: what the entries add up to. Pure; no clock, no broker.

Kept, for every limit and after every entry (`check`): what is open is held, so settled + drawn + open ≤ cap, unless somebody
lowered the cap, corrected the books or a bill came above its bound. Nothing here refuses: an entry in the ledger has
happened. `rules` refuses.

A cost belongs to the window in which it was drawn. A draw that is not settled counts in every window, like what is open:
settled for less, its rest becomes open again.

An entry can be tried and taken back (`journal`). A closed reservation whose attempts are all settled shrinks to a line that is
remembered for `HORIZON`, so that late and repeated questions find it; after that its id is forgotten, and nothing as old as
that is opened. An expired one stays whole for as long, since it can grow again. What is forgotten depends on the commits
alone, never on the order in which one replica tried things: otherwise one replica would write what another can't fold. So
memory is bounded by what is open and a line for each that ended within the horizon, whatever the length of the ledger.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from daydream_budget.ledger.accounts import Accounts, scopes_of
from daydream_budget.ledger.controls import Controls
from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    BranchReleased,
    Commit,
    ControlsChanged,
    Entry,
    ForegroundSpent,
    ReservationExpired,
    ReservationIncreased,
    ReservationOpened,
    SoftLimitReached,
)
from daydream_budget.ledger.foreground import Foreground
from daydream_budget.ledger.reservations import (
    Allocation,
    Attempt,
    CostStats,
    ReleasedReservation,
    Reservation,
    StageTotals,
)
from daydream_budget.ledger.undo_log import UndoLog
from daydream_budget.ledger.windows import quarter_of
from daydream_contracts.rpc import (
    EVERYTHING,
    AllocationRequest,
    CorrectionEntry,
    Window,
)

HORIZON = timedelta(days=7)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LimitUsage:
    """What counts against a limit."""

    settled: int
    drawn: int
    open: int

    @property
    def total(self) -> int:
        return self.settled + self.drawn + self.open


class LedgerState:
    """The state of the ledger after some commit."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.journal = UndoLog()
        self.accounts = Accounts(self.journal)
        self.controls = Controls(self.journal)
        self.foreground = Foreground(self.journal)
        self.reservations: dict[str, Reservation] = {}
        self.attempts: dict[str, Attempt] = {}
        self.outstanding: dict[str, bool] = {}
        self.expired: dict[str, datetime] = {}
        self.closed: dict[str, ReleasedReservation] = {}  # in the order of their time
        self.spend: dict[tuple[str, str], StageTotals] = {}
        self.paid: dict[str, CostStats] = {}
        self.sums: dict[str, int] = {"closed": 0, "overruns": 0}
        self._expiries: list[tuple[datetime, str]] = []

    # --- reading --------------------------------------------------------------------------------------------------

    @property
    def zone(self) -> ZoneInfo:
        """Where days begin."""
        return self.controls.zone

    def used(self, scope: str, window: Window, at: datetime) -> LimitUsage:
        """What counts against a limit in the window that `at` lies in."""
        account = self.accounts.of(scope)
        return LimitUsage(
            self.accounts.settled_in(scope, window, at, self.zone), account.drawn, account.open
        )

    def in_hand(self, reservation: Reservation) -> bool:
        """Whether an attempt of this reservation waits to be settled, be it free."""
        return any(attempt_id in self.outstanding for attempt_id in reservation.attempts)

    # --- folding ----------------------------------------------------------------------------------------------------

    def fold(self, commit: Commit) -> None:
        """Take in a commit that is in the stream."""
        for entry in commit.entries:
            self.apply(entry, commit.at)
        self.keep(commit.at)

    def keep(self, at: datetime) -> None:
        """What was tried since the mark has happened, at `at`."""
        self.journal.keep()
        before = self.at or EPOCH
        self.accounts.forget(before, at)
        self.foreground.forget(before, at)
        self.controls.forget()
        self.at = at
        self._forget(at)

    def apply(self, entry: Entry, at: datetime) -> None:
        """Take in one entry."""
        match entry:
            case ReservationOpened():
                self._open(entry, at)
            case ReservationIncreased():
                self._grow(entry, at)
            case AttemptAuthorized():
                self._draw(entry, at)
            case AttemptSettled():
                self._settle(entry, at)
            case BranchReleased():
                self._close(entry, at)
            case ReservationExpired():
                self._expire(entry.reservation_id, at)
            case ControlsChanged():
                self.controls.change(entry, at)
                if isinstance(entry.change, CorrectionEntry):
                    self._correct(entry.change)
                if entry.change.kind == "zone":
                    self.accounts.rezone()
            case ForegroundSpent():
                self.foreground.count(entry, at)
            case SoftLimitReached():
                self.controls.cross(entry)

    def _open(self, entry: ReservationOpened, at: datetime) -> None:
        pots = tuple(Allocation.of(part, entry.purpose) for part in entry.allocations)
        self.journal.put(
            self.reservations,
            entry.reservation_id,
            Reservation(pots, entry.branches, at, entry.purpose, entry.plan),
        )
        for pot in pots:
            self.accounts.book(pot.scopes, open=pot.left)

    def _grow(self, entry: ReservationIncreased, at: datetime) -> None:
        reservation = self.reservations[entry.reservation_id]
        if reservation.status == "expired":
            for pot in reservation.pots:  # what was left has flowed back
                self.journal.set(pot, bound=pot.spent + pot.drawn)
        place = reservation.pot(entry.stage, entry.model, entry.team) if entry.stage else 0
        if place is None:
            place = len(reservation.pots)
            part = AllocationRequest(
                stage=entry.stage, model=entry.model, team=entry.team, upper_bound_nanousd=0
            )
            self.journal.set(
                reservation, pots=(*reservation.pots, Allocation.of(part, reservation.purpose))
            )
        pot = reservation.pots[place]
        self.journal.set(pot, bound=pot.spent + pot.drawn + pot.left + entry.by_nanousd)
        self.accounts.book(pot.scopes, open=entry.by_nanousd)
        self.journal.set(
            reservation,
            status="open",
            touched_at=at,
            increases=(*reservation.increases, entry.increase_id),
        )
        self.journal.drop(self.expired, entry.reservation_id)

    def _draw(self, entry: AttemptAuthorized, at: datetime) -> None:
        reservation = self.reservations[entry.reservation_id]
        place = reservation.pot(entry.stage, entry.model, entry.team) or 0
        pot, bound = reservation.pots[place], entry.upper_bound_nanousd
        scopes = scopes_of(entry.stage, (entry.model,), entry.team, reservation.purpose)
        attempt = Attempt(
            entry.reservation_id,
            place,
            entry.call_id,
            entry.nonce,
            entry.stage,
            entry.model,
            bound,
            entry.until,
            quarter_of(at),
            scopes,
        )
        self.journal.put(self.attempts, entry.attempt_id, attempt)
        self.journal.put(self.outstanding, entry.attempt_id, True)
        self._move(reservation, pot, scopes, drawn=bound)
        self.journal.set(
            reservation, touched_at=at, attempts=(*reservation.attempts, entry.attempt_id)
        )

    def _settle(self, entry: AttemptSettled, at: datetime) -> None:
        attempt = self.attempts[entry.attempt_id]
        self.journal.set(attempt, charged=entry.cost_nanousd)
        self.journal.drop(self.outstanding, entry.attempt_id)
        reservation = self.reservations[attempt.reservation_id]
        self._move(
            reservation,
            reservation.pots[attempt.pot],
            attempt.scopes,
            drawn=-attempt.bound,
            spent=entry.cost_nanousd,
        )
        if reservation.status == "open":
            self.journal.set(reservation, touched_at=at)
        elif reservation.status == "closed":
            self._retire(attempt.reservation_id, reservation, at)
        self.accounts.settle(attempt.scopes, attempt.quarter, entry.cost_nanousd)
        if entry.cost_nanousd > attempt.bound:
            self._add("overruns", 1)
        key = (attempt.stage, attempt.model)
        if key not in self.spend:
            self.journal.put(self.spend, key, StageTotals())
        row = self.spend[key]
        self.journal.set(
            row,
            calls=row.calls + 1,
            unknown_calls=row.unknown_calls + entry.unknown,
            settled=row.settled + entry.cost_nanousd,
            input_tokens=row.input_tokens + (entry.input_tokens or 0),
            output_tokens=row.output_tokens + (entry.output_tokens or 0),
        )

    def _close(self, entry: BranchReleased, at: datetime) -> None:
        reservation = self.reservations[entry.reservation_id]
        branches = (
            frozenset(range(reservation.branches))
            if entry.branch is None
            else reservation.released_branches | {entry.branch}
        )
        self.journal.set(reservation, released_branches=branches, touched_at=at)
        if len(branches) < reservation.branches:
            return
        self._flow_back(reservation)
        self.journal.set(reservation, status="closed")
        self.journal.drop(self.expired, entry.reservation_id)
        self._add("closed", 1)
        self._retire(entry.reservation_id, reservation, at)

    def _retire(self, reservation_id: str, reservation: Reservation, at: datetime) -> None:
        """A closed reservation with nothing in hand becomes a line."""
        if self.in_hand(reservation):
            return
        for attempt_id in reservation.attempts:
            self.journal.drop(self.attempts, attempt_id)
        self.journal.drop(self.reservations, reservation_id)
        self.journal.put(
            self.closed,
            reservation_id,
            ReleasedReservation(at, reservation.plan, reservation.spent),
        )
        if reservation.purpose not in self.paid:
            self.journal.put(self.paid, reservation.purpose, CostStats())
        paid, cost = self.paid[reservation.purpose], reservation.spent
        self.journal.set(
            paid, count=paid.count + 1, total=paid.total + cost, squares=paid.squares + cost * cost
        )

    def _correct(self, what: CorrectionEntry) -> None:
        self.accounts.settle(
            scopes_of(what.stage, (what.model,), what.team, what.purpose),
            quarter_of(what.at),
            what.by_nanousd,
        )
        key = (what.stage, what.model)
        if key not in self.spend:
            self.journal.put(self.spend, key, StageTotals())
        self.journal.set(self.spend[key], settled=self.spend[key].settled + what.by_nanousd)

    def _move(
        self,
        reservation: Reservation,
        pot: Allocation,
        scopes: tuple[str, ...],
        *,
        drawn: int,
        spent: int = 0,
    ) -> None:
        """Money of a pot changes its state: what is left of it is held under the pot's scopes, what is drawn under those of the call."""
        before = pot.left
        self.journal.set(pot, drawn=pot.drawn + drawn, spent=pot.spent + spent)
        opened = pot.left - before if reservation.status == "open" else 0
        if pot.scopes == scopes:
            self.accounts.book(scopes, open=opened, drawn=drawn)
        else:
            self.accounts.book(pot.scopes, open=opened)
            self.accounts.book(scopes, drawn=drawn)

    def _flow_back(self, reservation: Reservation) -> None:
        """What is left is not held any more."""
        if reservation.status == "open":
            for pot in reservation.pots:
                self.accounts.book(pot.scopes, open=-pot.left)

    def _expire(self, reservation_id: str, at: datetime) -> None:
        reservation = self.reservations[reservation_id]
        self._flow_back(reservation)
        self.journal.set(reservation, status="expired", touched_at=at)
        self.journal.put(self.expired, reservation_id, at)
        heapq.heappush(
            self._expiries, (at, reservation_id)
        )  # of a try that is taken back: found out of date later

    def _add(self, name: str, amount: int) -> None:
        self.journal.put(self.sums, name, self.sums[name] + amount)

    def remember_expiries(self) -> None:
        """After the books were loaded: the order in which expired reservations will be forgotten."""
        self._expiries = [(at, reservation_id) for reservation_id, at in self.expired.items()]
        heapq.heapify(self._expiries)

    def _forget(self, at: datetime) -> None:
        """Drop what ended longer ago than the horizon, but for what still waits to be settled."""
        while self.closed:
            reservation_id = next(iter(self.closed))
            if at - self.closed[reservation_id].at <= HORIZON:
                break
            del self.closed[reservation_id]
        waiting = []
        while self._expiries and at - self._expiries[0][0] > HORIZON:
            expired_at, reservation_id = heapq.heappop(self._expiries)
            if self.expired.get(reservation_id) != expired_at:
                continue  # it has grown, expired again or been closed since
            if self.in_hand(self.reservations[reservation_id]):
                waiting.append((expired_at, reservation_id))
                continue
            for attempt_id in self.reservations[reservation_id].attempts:
                del self.attempts[attempt_id]
            del self.reservations[reservation_id], self.expired[reservation_id]
        for expiry in waiting:
            heapq.heappush(self._expiries, expiry)


def check(books: LedgerState) -> None:
    """Assert what must hold after every entry (for tests and the audit, not for the hot path)."""
    opened: dict[str, int] = {}
    drawn: dict[str, int] = {}
    for reservation in books.reservations.values():
        for pot in reservation.pots if reservation.status == "open" else ():
            for scope in pot.scopes:
                opened[scope] = opened.get(scope, 0) + pot.left
    for key in books.outstanding:
        attempt = books.attempts[key]
        assert attempt.charged is None, f"{key} is settled and still outstanding"
        for scope in attempt.scopes:
            drawn[scope] = drawn.get(scope, 0) + attempt.bound
    for scope, account in books.accounts.by_scope.items():
        assert account.open == opened.get(scope, 0), (
            f"{scope}: open is {account.open}, the reservations hold {opened.get(scope, 0)}"
        )
        assert account.drawn == drawn.get(scope, 0), (
            f"{scope}: drawn is {account.drawn}, the attempts hold {drawn.get(scope, 0)}"
        )
        assert account.settled >= 0, f"{scope}: settled is negative"
        assert account.settled >= sum(account.quarters.values()), (
            f"{scope}: quarters add up to more than was settled"
        )
        for window, (span, cached) in account.windows.items():
            past = books.at is not None and span[1] <= quarter_of(
                books.at
            )  # not asked for again, and its quarters may be forgotten
            assert past or cached == books.accounts.between(scope, span), (
                f"{scope}: the {window} is remembered as {cached}, which it is not"
            )
    total = books.accounts.of(EVERYTHING).settled
    assert sum(row.settled for row in books.spend.values()) == total, (
        "stages and models add up to another sum"
    )
    for kind in ("stage", "model", "purpose"):
        parts = sum(
            account.settled
            for scope, account in books.accounts.by_scope.items()
            if scope.startswith(f"{kind}:")
        )
        assert parts == total, f"{kind}s add up to {parts}, everything is {total}"
