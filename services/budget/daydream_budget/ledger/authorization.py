"""Authorization and settlement of attempts at model calls. Pure.

Every attempt is authorized before the call, with its own upper bound against every limit, and
settled afterwards. What reservations hold does not matter here: an attempt may take more than its
own holds, and reservations that need more than they hold never wait for each other. A call that the
unsettled money of others keeps waiting is queued, so that no new work gets in its way.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from daydream_budget.ledger import limits
from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.admission_queue import call_request_id
from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    BranchReleased,
    Entry,
)
from daydream_budget.ledger.replies import RELEASED, ReplyAndEntries, refuse_missing
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import Authorize, Grant, Refusal, Settle, Settled


def authorize(state: LedgerState, request: Authorize, now: datetime) -> ReplyAndEntries:
    """Authorize the upper bound of one attempt, once per nonce.

    A stage does not know whose facts it works on: the reservation does.
    """
    reservation = state.reservations.get(request.reservation_id)
    if reservation is None:
        return refuse_missing(state, request.reservation_id), ()
    earlier = [
        attempt_id
        for attempt_id in reservation.attempts
        if state.attempts[attempt_id].call_id == request.call_id
    ]
    for attempt_id in earlier:
        if state.attempts[attempt_id].nonce == request.nonce:
            return Grant(attempt_id=attempt_id, plan=reservation.plan), ()
    if reservation.status == "released":
        return RELEASED, ()
    request = request.model_copy(update={"team": request.team or reservation.team})
    scopes = scopes_of(
        request.stage, (request.model,), request.team, reservation.purpose, reservation.key
    )
    refusal = limits.refuse_attempt(state, scopes, request.upper_bound_nanousd, now)
    if refusal is not None:
        return Grant(refusal=refusal), _queued(state, request, scopes, now, refusal)
    authorized = attempt_of(request, len(earlier) + 1, now)
    return Grant(attempt_id=authorized.attempt_id, plan=reservation.plan), (authorized,)


def _queued(
    state: LedgerState,
    request: Authorize,
    scopes: tuple[str, ...],
    now: datetime,
    refusal: Refusal,
) -> tuple[Entry, ...]:
    """Return the entry with which a call begins to wait for unsettled money."""
    if not refusal.near_cap:
        return ()
    request_id = call_request_id(request.reservation_id, request.call_id)
    needs = dict.fromkeys(scopes, request.upper_bound_nanousd)
    return state.queue.entries(request_id, request.reservation_id, needs, now, is_call=True)


def settle(state: LedgerState, request: Settle) -> ReplyAndEntries:
    """Settle an attempt once; release its reservation in the same commit if requested."""
    attempt = state.attempts.get(request.attempt_id)
    if attempt is None:
        return Settled(known=False), ()
    entries: tuple[Entry, ...] = ()
    if request.release and state.reservations[attempt.reservation_id].status != "released":
        entries = (BranchReleased(reservation_id=attempt.reservation_id, branch=None),)
    if attempt.charged is not None:
        return Settled(known=True, charged_nanousd=attempt.charged), entries
    cost = attempt.upper_bound if request.cost_nanousd is None else request.cost_nanousd
    settled = AttemptSettled(
        attempt_id=request.attempt_id,
        cost_nanousd=cost,
        unknown=request.cost_nanousd is None,
        input_tokens=request.input_tokens,
        output_tokens=request.output_tokens,
        provider_id=request.provider_id,
        sent=request.sent,
    )
    return Settled(known=True, charged_nanousd=cost), (settled, *entries)


def attempt_of(request: Authorize, number: int, now: datetime) -> AttemptAuthorized:
    """Return the entry of the n-th attempt at a call."""
    return AttemptAuthorized(
        attempt_id=f"{request.call_id}:{number}",
        reservation_id=request.reservation_id,
        call_id=request.call_id,
        nonce=request.nonce,
        stage=request.stage,
        model=request.model,
        team=request.team,
        upper_bound_nanousd=request.upper_bound_nanousd,
        expires_at=now + timedelta(seconds=request.lifetime_s),
    )
