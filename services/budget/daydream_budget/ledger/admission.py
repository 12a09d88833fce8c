"""Admission: whether a reservation is opened, and for which plan. Pure.

A reservation holds what such daydreams have cost, so that new work waits for money that work in
progress will need. The full plan is opened unless too little money remains for it, whatever others
hold. If enough remains but others hold it, the answer is to wait, not a smaller plan.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from daydream_budget.ledger import limits
from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.authorization import attempt_of
from daydream_budget.ledger.decision import RELEASED, ReplyAndEntries
from daydream_budget.ledger.entries import ReservationOpened
from daydream_budget.ledger.holds import HeldPlan, plans_of
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
        return Grant(refusal=refusal), ()
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
            return plan, limits.refuse(state, plan.needs, now, limits.held)
    return plan, limits.refuse(state, plan.remaining, now, limits.settled)


def _open_for_one_call(
    state: LedgerState, request: OpenReservation, first: Authorize, now: datetime
) -> ReplyAndEntries:
    """Open and authorize in one commit. Nothing is held beside the call's upper bound.

    A call waits for what others hold, as a new daydream does; foreground calls do not.
    """
    key = request.allocations[0].key
    scopes = scopes_of(first.stage, (first.model,), first.team, request.purpose, key)
    counted = limits.settled_and_authorized if scopes[0] == FOREGROUND else limits.held
    refusal = limits.refuse_attempt(state, scopes, first.upper_bound_nanousd, now, counted)
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
