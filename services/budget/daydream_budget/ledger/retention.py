"""How long ended reservations are remembered.

A released reservation whose attempts are all settled shrinks to one line, kept for `HORIZON` so
that late and repeated requests find it. After that its id is forgotten, and no reservation that was
requested longer ago than `HORIZON` is opened. An expired one is stored whole for as long, because
an authorization can reopen it.

What is forgotten depends on the commits alone, never on the order in which one replica tried them.
Otherwise one replica would write an entry that another can't fold. So memory is bounded by the open
reservations and one line for each that ended within the horizon, whatever the length of the ledger.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from daydream_budget.ledger.reservations import ReleasedReservation
from daydream_budget.ledger.undo_log import UndoLog

HORIZON = timedelta(days=7)


class EndedReservations:
    """Expired and released reservations. `released` is in the order of the releases."""

    def __init__(self, undo_log: UndoLog) -> None:
        self.expired: dict[str, datetime] = {}
        self.released: dict[str, ReleasedReservation] = {}
        self._undo_log = undo_log
        self._expiries: list[tuple[datetime, str]] = []

    def expire(self, reservation_id: str, at: datetime) -> None:
        """Remember when a reservation expired.

        The heap is not rolled back: an entry that is out of date is skipped when it is due.
        """
        self._undo_log.put(self.expired, reservation_id, at)
        heapq.heappush(self._expiries, (at, reservation_id))

    def clear_expiry(self, reservation_id: str) -> None:
        """Forget that a reservation expired, because it was reopened or released."""
        self._undo_log.drop(self.expired, reservation_id)

    def release(self, reservation_id: str, line: ReleasedReservation) -> None:
        """Remember a released reservation."""
        self._undo_log.put(self.released, reservation_id, line)

    def restore(
        self, expired: dict[str, datetime], released: dict[str, ReleasedReservation]
    ) -> None:
        """Load from a snapshot."""
        self.expired, self.released = expired, released
        self._expiries = [(at, reservation_id) for reservation_id, at in expired.items()]
        heapq.heapify(self._expiries)

    def forget(self, at: datetime, has_open_attempts: Callable[[str], bool]) -> list[str]:
        """Drop what ended longer ago than the horizon; return the expired reservations among it.

        An expired reservation with an unsettled attempt stays until that is settled.
        """
        self._forget_released(at)
        forgotten: list[str] = []
        unsettled: list[tuple[datetime, str]] = []
        while self._expiries and at - self._expiries[0][0] > HORIZON:
            expired_at, reservation_id = heapq.heappop(self._expiries)
            if self.expired.get(reservation_id) != expired_at:
                continue  # reopened, expired again or released since
            if has_open_attempts(reservation_id):
                unsettled.append((expired_at, reservation_id))
                continue
            del self.expired[reservation_id]
            forgotten.append(reservation_id)
        for expiry in unsettled:
            heapq.heappush(self._expiries, expiry)
        return forgotten

    def _forget_released(self, at: datetime) -> None:
        while self.released:
            reservation_id = next(iter(self.released))
            if at - self.released[reservation_id].at <= HORIZON:
                return
            del self.released[reservation_id]
