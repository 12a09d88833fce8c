"""The admission queue: who waits near a cap, in the order of arrival. Pure.

A request that was refused only because of unsettled money waits: it asks again until it is granted.
It is queued by an entry of the ledger, so all replicas know the same queue, also after a restart.

    refused near a cap -> queued -> granted, released, or forgotten `FORGOTTEN_AFTER` after it asked

- New work may take only what the queued requests before it leave. Calls of work in progress are
  before all new work, and new work is in the order in which it was first refused.
- A call never waits for the queue, only for the limits. So work in progress can't block itself.
- A queued request that even the remaining money cannot pay any more makes no other one wait.

No request starves: while one is queued, only what is before it and in progress may take money.
Both are finite, and get no newcomers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from daydream_budget.ledger.entries import RequestQueued
from daydream_budget.ledger.undo_log import UndoLog

RENEW_AFTER = timedelta(seconds=5)  # one entry for a request that asks ten times a second
FORGOTTEN_AFTER = timedelta(seconds=20)  # several of the pauses that a refusal asks for


@dataclass(frozen=True)
class QueuedRequest:
    """A request that waits. `needs` is what must remain for it under each scope, nano-dollars."""

    number: int
    reservation_id: str
    is_call: bool
    needs: dict[str, int]
    asked_at: datetime

    def is_gone(self, now: datetime) -> bool:
        """Return whether it was not asked for so long that its worker has given up."""
        return now - self.asked_at > FORGOTTEN_AFTER


class AdmissionQueue:
    """The queued requests by id. Every write goes through the undo log."""

    def __init__(self, undo_log: UndoLog) -> None:
        self.by_id: dict[str, QueuedRequest] = {}
        self._undo_log = undo_log

    def entries(
        self,
        request_id: str,
        reservation_id: str,
        needs: dict[str, int],
        now: datetime,
        *,
        is_call: bool,
    ) -> tuple[RequestQueued, ...]:
        """Return the entry that queues a request, or none if it has just asked for the same."""
        queued = self.by_id.get(request_id)
        if queued and queued.needs == needs and now - queued.asked_at < RENEW_AFTER:
            return ()
        entry = RequestQueued(
            request_id=request_id,
            reservation_id=reservation_id,
            is_call=is_call,
            needs=tuple(needs.items()),
        )
        return (entry,)

    def leave(self, reservation_id: str) -> tuple[RequestQueued, ...]:
        """Return the entry with which new work gives up, or none if it is not queued."""
        if reservation_id not in self.by_id:
            return ()
        entry = RequestQueued(
            request_id=reservation_id, reservation_id=reservation_id, is_call=False, needs=()
        )
        return (entry,)

    def add(self, entry: RequestQueued, at: datetime) -> None:
        """Queue a request at the end, or keep its place if it is queued. No needs: it leaves."""
        if not entry.needs:
            self.remove(entry.request_id)
            return
        queued = self.by_id.get(entry.request_id)
        number = queued.number if queued else 1 + max(map(_number, self.by_id.values()), default=0)
        request = QueuedRequest(number, entry.reservation_id, entry.is_call, dict(entry.needs), at)
        self._undo_log.put(self.by_id, entry.request_id, request)

    def remove(self, request_id: str) -> None:
        """Remove a request that was granted, if it is queued."""
        self._undo_log.drop(self.by_id, request_id)

    def remove_calls_of(self, reservation_id: str) -> None:
        """Remove the calls of a reservation, which has ended."""
        calls = [
            request_id
            for request_id, queued in self.by_id.items()
            if queued.is_call and queued.reservation_id == reservation_id
        ]
        for request_id in calls:
            self.remove(request_id)

    def forget(self, at: datetime) -> None:
        """Drop the requests whose workers have given up."""
        for request_id in [key for key, queued in self.by_id.items() if queued.is_gone(at)]:
            del self.by_id[request_id]

    def calls(self, now: datetime) -> list[QueuedRequest]:
        """Return the calls of work in progress that wait, the first one first."""
        return self._waiting(now, is_call=True)

    def before(self, request_id: str, now: datetime) -> list[QueuedRequest]:
        """Return what new work has to let pass: the calls, and then new work that came earlier."""
        own = self.by_id.get(request_id)
        new_work = self._waiting(now, is_call=False)
        return self.calls(now) + [
            queued for queued in new_work if own is None or queued.number < own.number
        ]

    def _waiting(self, now: datetime, *, is_call: bool) -> list[QueuedRequest]:
        waiting = [
            queued
            for queued in self.by_id.values()
            if queued.is_call == is_call and not queued.is_gone(now)
        ]
        return sorted(waiting, key=_number)


def call_request_id(reservation_id: str, call_id: str) -> str:
    """Return the id under which a call waits: the same for all its attempts and workers."""
    return f"{reservation_id} {call_id}"


def _number(queued: QueuedRequest) -> int:
    return queued.number
