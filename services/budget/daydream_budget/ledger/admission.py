"""Admission: whether a reservation is opened, and for which plan. Pure.

A reservation holds what such daydreams have cost, so that new work waits for money that work in
progress will need. The full plan is opened unless too little money remains for it, whatever others
hold. If enough remains but others hold it, the answer is to wait, not a smaller plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from daydream_budget.ledger import limits
from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.admission_queue import QueuedRequest
from daydream_budget.ledger.authorization import attempt_of
from daydream_budget.ledger.entries import ReservationOpened
from daydream_budget.ledger.holds import HeldPlan, plans_of
from daydream_budget.ledger.replies import RELEASED, ReplyAndEntries
from daydream_budget.ledger.reservations import Reservation
from daydream_budget.ledger.retention import HORIZON
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import FOREGROUND, Authorize, Grant, OpenReservation, Refusal

CLOCK_SKEW_MAX = timedelta(minutes=5)


def open_reservation(
    state: LedgerState, request: OpenReservation, now: datetime
) -> ReplyAndEntries:
    """Open a reservation once, for the most expensive plan that the remaining money allows."""
    open_already = state.reservations.get(request.reservation_id)
    if open_already is not None:
        return _repeated(state, open_already, request), ()
    released = state.ended.released.get(request.reservation_id)
    if released is not None:
        return RELEASED if request.first_attempt else Grant(plan=released.plan), ()
    refusal = _wrong_time(request.requested_at, now)
    if refusal is not None:
        return Grant(refusal=refusal), ()
    if request.first_attempt is not None:
        return _open_for_one_call(state, request, request.first_attempt, now)
    return _open(state, request, now)


def _open(state: LedgerState, request: OpenReservation, now: datetime) -> ReplyAndEntries:
    plan, refusal = _choose_plan(state, request, now)
    if refusal is not None:
        name = request.reservation_id
        if not refusal.near_cap:
            return Grant(refusal=refusal), ()
        queued = state.queue.entries(name, name, plan.remaining, now, is_call=False)
        return Grant(refusal=refusal), queued
    opened = ReservationOpened(
        reservation_id=request.reservation_id,
        allocations=plan.allocations,
        held=plan.held,
        branches=plan.branches,
        plan=plan.number,
        purpose=request.purpose,
    )
    return Grant(plan=plan.number), (opened,)


def _choose_plan(
    state: LedgerState, request: OpenReservation, now: datetime
) -> tuple[HeldPlan, Refusal | None]:
    """Return the first plan that the remaining money allows, and why it can't be opened now."""
    for plan in plans_of(state.cost_history, request):
        if plan.is_free:
            return plan, None
        stopped = limits.stopped(state, plan.scopes[0][0])
        if stopped is not None:
            return plan, stopped
        if not limits.exceeded(state, plan.remaining, now, limits.settled):
            return plan, _refuse_now(state, request.reservation_id, plan.needs, now)
    return plan, limits.refuse(state, plan.remaining, now, limits.settled)


def _refuse_now(
    state: LedgerState, request_id: str, needs: limits.Needs, now: datetime
) -> Refusal | None:
    """Return why new work has to wait: others hold the money, or are before it in the queue."""
    refusal = limits.refuse(state, needs, now, limits.held)
    return refusal or _let_pass(state, state.queue.before(request_id, now), needs, now)


def _let_pass(
    state: LedgerState, before: Iterable[QueuedRequest], needs: limits.Needs, now: datetime
) -> Refusal | None:
    """Refuse what would take the money that queued requests need."""
    wanted = dict(needs)
    for queued in before:
        if limits.exceeded(state, queued.needs, now, limits.settled):
            continue  # the remaining money can't pay it any more
        for scope in wanted:
            wanted[scope] += queued.needs.get(scope, 0)
        taken = limits.exceeded(state, wanted, now, limits.held)
        if taken:
            return limits.behind_others(taken, now)
    return None


def _open_for_one_call(
    state: LedgerState, request: OpenReservation, first: Authorize, now: datetime
) -> ReplyAndEntries:
    """Open and authorize in one commit. Nothing is held beside the call's upper bound.

    A call waits for what others hold, as a new daydream does; foreground calls do not. It lets
    queued calls pass, and no new work, which may wait for the very daydream that needs this call.
    It is not queued itself, because it has a new name when it is asked again.
    """
    key = request.allocations[0].key
    scopes = scopes_of(first.stage, (first.model,), first.team, request.purpose, key)
    bound = first.upper_bound_nanousd
    is_foreground = scopes[0] == FOREGROUND
    counted = limits.settled_and_authorized if is_foreground else limits.held
    refusal = limits.refuse_attempt(state, scopes, bound, now, counted)
    if refusal is None and bound and not is_foreground:
        needs = dict.fromkeys(scopes, bound)
        refusal = _let_pass(state, state.queue.calls(now), needs, now)
    if refusal is not None:
        return Grant(refusal=refusal), ()
    opened = ReservationOpened(
        reservation_id=request.reservation_id,
        allocations=request.allocations,
        held=(0,) * len(request.allocations),
        branches=request.branches,
        purpose=request.purpose,
        for_one_call=True,
    )
    authorized = attempt_of(first, 1, now)
    return Grant(attempt_id=authorized.attempt_id), (opened, authorized)


def _wrong_time(requested_at: datetime, now: datetime) -> Refusal | None:
    """Refuse a request that is older than the ledger's memory of ids, or from the future."""
    if now - requested_at > HORIZON:
        text = (
            f"The reservation was requested {now - requested_at} ago. "
            f"Ids are remembered for {HORIZON.days} days only."
        )
        return Refusal(reason="too-old", text=text)
    if requested_at - now > CLOCK_SKEW_MAX:
        text = f"The requesting clock is {requested_at - now} ahead of the ledger's clock."
        return Refusal(reason="clock-skew", text=text)
    return None


def _repeated(state: LedgerState, reservation: Reservation, request: OpenReservation) -> Grant:
    """Return the reply to a request that was granted before, or that another worker repeats."""
    if request.first_attempt is None:
        return Grant(plan=reservation.plan)
    for attempt_id in reservation.attempts:
        if state.attempts[attempt_id].nonce == request.first_attempt.nonce:
            return Grant(attempt_id=attempt_id, plan=reservation.plan)
    text = (
        "The reservation is open, and its first attempt belongs to another worker. "
        "Authorize another attempt."
    )
    return Grant(refusal=Refusal(reason="reservation", text=text), plan=reservation.plan)
