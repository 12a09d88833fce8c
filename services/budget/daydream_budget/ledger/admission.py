"""Admission: whether a reservation is opened or increased. Pure.

The limits are checked here, for the whole reservation. Near a cap a reservation is opened for the
most expensive plan that fits: the full plan, or one of the reduced plans.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from daydream_budget.ledger import limits
from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.authorization import attempt_of
from daydream_budget.ledger.decision import (
    RELEASED,
    ReplyAndEntries,
    not_covered,
    refuse_missing,
)
from daydream_budget.ledger.entries import ReservationIncreased, ReservationOpened
from daydream_budget.ledger.reservations import Reservation, models_of
from daydream_budget.ledger.retention import HORIZON
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import (
    AllocationRequest,
    Grant,
    IncreaseReservation,
    OpenReservation,
    Purpose,
    Refusal,
)

CLOCK_SKEW_MAX = timedelta(minutes=5)


def open_reservation(
    state: LedgerState, request: OpenReservation, now: datetime
) -> ReplyAndEntries:
    """Open a reservation once, for the first plan that all limits allow."""
    open_already = state.reservations.get(request.reservation_id)
    if open_already is not None:
        return _repeated(state, open_already, request), ()
    released = state.ended.released.get(request.reservation_id)
    if released is not None:
        return RELEASED if request.first_attempt else Grant(plan=released.plan), ()
    refusal = _wrong_time(request.requested_at, now)
    if refusal is not None:
        return Grant(refusal=refusal), ()
    plans = (
        (request.allocations, request.branches),
        *((plan.allocations, plan.branches) for plan in request.reduced_plans),
    )
    for number, (allocations, branches) in enumerate(plans):
        refusal = limits.refusal(state, needs_of(allocations, request.purpose), now)
        if refusal is None:
            opened = ReservationOpened(
                reservation_id=request.reservation_id,
                allocations=allocations,
                branches=branches,
                plan=number,
                purpose=request.purpose,
            )
            return _with_first_attempt(request, opened, now)
    return Grant(refusal=refusal), ()


def increase(state: LedgerState, request: IncreaseReservation, now: datetime) -> ReplyAndEntries:
    """Increase a reservation once per `increase_id`; an expired one is open again."""
    reservation = state.reservations.get(request.reservation_id)
    if reservation is None:
        return refuse_missing(state, request.reservation_id), ()
    if request.increase_id in reservation.increases:
        return Grant(plan=reservation.plan), ()
    if reservation.status == "released":
        return RELEASED, ()
    scopes = _scopes_to_increase(reservation, request)
    refusal = limits.refusal(state, dict.fromkeys(scopes, request.by_nanousd), now)
    if refusal:
        return Grant(refusal=refusal), ()
    increased = ReservationIncreased(
        reservation_id=request.reservation_id,
        increase_id=request.increase_id,
        stage=request.stage,
        model=request.model,
        team=request.team,
        by_nanousd=request.by_nanousd,
    )
    return Grant(plan=reservation.plan), (increased,)


def needs_of(allocations: Iterable[AllocationRequest], purpose: Purpose) -> dict[str, int]:
    """Return how much these allocations need under each scope."""
    needs: dict[str, int] = {}
    for allocation in allocations:
        for scope in scopes_of(allocation.stage, models_of(allocation), allocation.team, purpose):
            needs[scope] = needs.get(scope, 0) + allocation.upper_bound_nanousd
    return needs


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


def _with_first_attempt(
    request: OpenReservation, opened: ReservationOpened, now: datetime
) -> ReplyAndEntries:
    """Open, and authorize the first attempt in the same commit if one was requested."""
    first = request.first_attempt
    if first is None:
        return Grant(plan=opened.plan), (opened,)
    held = max(
        (
            allocation.upper_bound_nanousd
            for allocation in opened.allocations
            if allocation.stage == first.stage
            and allocation.team == first.team
            and first.model in models_of(allocation)
        ),
        default=None,
    )
    if held is None or first.upper_bound_nanousd > held:
        return Grant(refusal=not_covered(first.upper_bound_nanousd - (held or 0))), ()
    authorized = attempt_of(first, 1, now)
    return Grant(attempt_id=authorized.attempt_id, plan=opened.plan), (opened, authorized)


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


def _scopes_to_increase(reservation: Reservation, request: IncreaseReservation) -> tuple[str, ...]:
    if not request.stage:
        return reservation.allocations[0].scopes
    index = reservation.allocation_index(request.stage, request.model, request.team)
    if index is not None:
        return reservation.allocations[index].scopes
    return scopes_of(request.stage, (request.model,), request.team, reservation.purpose)
