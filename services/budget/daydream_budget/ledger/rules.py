"""What may be written: a question and the books give an answer and, if something changes, entries. Pure.

The check against the limits is made when a reservation opens or grows, for the whole of it; a draw only moves money inside
its reservation. Asking twice gives the same answer and no second entry: every question carries what makes it the same one.
Near a cap a reservation is opened for the dearest plan that fits. What is free (bound zero) passes even when a cap is used
up. Once a limit is exceeded (a cap was lowered, a bill came above its bound) nothing that costs is granted, draws included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from daydream_budget.ledger import changes, limits
from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    BranchReleased,
    Entry,
    ForegroundSpent,
    ReservationExpired,
    ReservationIncreased,
    ReservationOpened,
)
from daydream_budget.ledger.foreground import REPORT_HORIZON
from daydream_budget.ledger.reservations import Reservation
from daydream_budget.ledger.state import HORIZON, LedgerState
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    ChangeBudget,
    ForegroundAnswer,
    Grant,
    IncreaseReservation,
    OpenReservation,
    Purpose,
    Refusal,
    ReleaseReservation,
    ReportForeground,
    ReservationStatus,
    Settle,
    Settled,
)

Question = (
    OpenReservation
    | IncreaseReservation
    | Authorize
    | Settle
    | ReleaseReservation
    | ChangeBudget
    | ReportForeground
)
Decided = tuple[ContractModel, tuple[Entry, ...]]
CLOCKS_DIFFER = timedelta(minutes=5)
UNKNOWN = Grant(
    refusal=Refusal(
        reason="unknown-reservation", text="the ledger does not know the reservation (any more)"
    )
)
CLOSED = Grant(
    refusal=Refusal(reason="released", text="the reservation is closed: its work has ended")
)


def decide(books: LedgerState, question: Question, now: datetime) -> Decided:
    """The answer, and the entries that make it so (none: nothing changes)."""
    match question:
        case OpenReservation():
            return _open(books, question, now)
        case IncreaseReservation():
            return _grow(books, question, now)
        case Authorize():
            return _draw(books, question, now)
        case Settle():
            return _settle(books, question)
        case ReleaseReservation():
            return _close(books, question)
        case ReportForeground():
            return _foreground(books, question, now)
        case ChangeBudget():
            return changes.decide(books, question)


def is_sure(answer: ContractModel) -> bool:
    """Whether an answer that came without an entry holds also if the books are behind: not a refusal, and nothing that only says
    that something isn't known. (What is closed and has cost nothing looks like it; to read once more does no harm.)"""
    match answer:
        case Settled():
            return answer.known
        case ReservationStatus():
            return not answer.released or answer.settled_nanousd > 0
    return getattr(answer, "refusal", None) is None


def due(books: LedgerState, now: datetime, reservation_idle_s: float) -> Iterator[Entry]:
    """What time has decided: draws whose worker never came back, counted in full, and reservations that nobody touches."""
    for attempt_id in books.outstanding:
        attempt = books.attempts[attempt_id]
        if attempt.until < now:
            yield AttemptSettled(attempt_id=attempt_id, cost_nanousd=attempt.bound, unknown=True)
    idle = timedelta(seconds=reservation_idle_s)
    for reservation_id, reservation in books.reservations.items():
        if (
            reservation.status == "open"
            and now - reservation.touched_at > idle
            and not books.in_hand(reservation)
        ):
            yield ReservationExpired(reservation_id=reservation_id)


def needs_of(parts: Iterable[AllocationRequest], purpose: Purpose) -> dict[str, int]:
    """How much these parts ask for under each scope."""
    needs: dict[str, int] = {}
    for part in parts:
        for scope in scopes_of(
            part.stage,
            tuple(dict.fromkeys((part.model, *part.alternative_models))),
            part.team,
            purpose,
        ):
            needs[scope] = needs.get(scope, 0) + part.upper_bound_nanousd
    return needs


def _open(books: LedgerState, question: OpenReservation, now: datetime) -> Decided:
    known = books.reservations.get(question.reservation_id)
    if known is not None:
        return _opened_before(books, known, question), ()
    closed = books.closed.get(question.reservation_id)
    if closed is not None:
        return CLOSED if question.first_attempt else Grant(plan=closed.plan), ()
    if now - question.requested_at > HORIZON:
        text = f"the reservation was asked for {now - question.requested_at} ago; ids are remembered for {HORIZON.days} days only"
        return Grant(refusal=Refusal(reason="too-old", text=text)), ()
    if question.requested_at - now > CLOCKS_DIFFER:
        text = f"the reservation is asked for by a clock that is {question.requested_at - now} ahead of the ledger's"
        return Grant(refusal=Refusal(reason="clock-skew", text=text)), ()
    plans = (
        (question.allocations, question.branches),
        *((plan.allocations, plan.branches) for plan in question.reduced_plans),
    )
    refusal = None
    for number, (parts, branches) in enumerate(plans):
        refusal = limits.refusal(books, needs_of(parts, question.purpose), now)
        if refusal is None:
            opened = ReservationOpened(
                reservation_id=question.reservation_id,
                allocations=parts,
                branches=branches,
                plan=number,
                purpose=question.purpose,
            )
            return _with_first(question, opened, now)
    return Grant(refusal=refusal), ()


def _with_first(question: OpenReservation, opened: ReservationOpened, now: datetime) -> Decided:
    first = question.first_attempt
    if first is None:
        return Grant(plan=opened.plan), (opened,)
    able = [
        part
        for part in opened.allocations
        if part.stage == first.stage
        and part.team == first.team
        and first.model in (part.model, *part.alternative_models)
    ]
    most = max((part.upper_bound_nanousd for part in able), default=0)
    if not able or first.upper_bound_nanousd > most:
        return Grant(refusal=_short(first.upper_bound_nanousd - most)), ()
    drawn = _drawn(first, 1, now)
    return Grant(attempt_id=drawn.attempt_id, plan=opened.plan), (opened, drawn)


def _opened_before(
    books: LedgerState, reservation: Reservation, question: OpenReservation
) -> Grant:
    if question.first_attempt is None:
        return Grant(plan=reservation.plan)
    for key in reservation.attempts:
        if books.attempts[key].nonce == question.first_attempt.nonce:
            return Grant(attempt_id=key, plan=reservation.plan)
    text = "the reservation is open, and its first draw is another worker's; draw from it"
    return Grant(refusal=Refusal(reason="reservation", text=text), plan=reservation.plan)


def _grow(books: LedgerState, question: IncreaseReservation, now: datetime) -> Decided:
    reservation = books.reservations.get(question.reservation_id)
    if reservation is None:
        return CLOSED if question.reservation_id in books.closed else UNKNOWN, ()
    if question.increase_id in reservation.increases:
        return Grant(plan=reservation.plan), ()
    if reservation.status == "closed":
        return CLOSED, ()
    place = reservation.pot(question.stage, question.model, question.team) if question.stage else 0
    scopes = (
        scopes_of(question.stage, (question.model,), question.team, reservation.purpose)
        if place is None
        else reservation.pots[place].scopes
    )
    refusal = limits.refusal(books, dict.fromkeys(scopes, question.by_nanousd), now)
    if refusal:
        return Grant(refusal=refusal), ()
    grown = ReservationIncreased(
        reservation_id=question.reservation_id,
        increase_id=question.increase_id,
        stage=question.stage,
        model=question.model,
        team=question.team,
        by_nanousd=question.by_nanousd,
    )
    return Grant(plan=reservation.plan), (grown,)


def _draw(books: LedgerState, question: Authorize, now: datetime) -> Decided:
    reservation = books.reservations.get(question.reservation_id)
    if reservation is None:
        return CLOSED if question.reservation_id in books.closed else UNKNOWN, ()
    earlier = [
        key for key in reservation.attempts if books.attempts[key].call_id == question.call_id
    ]
    for attempt_id in earlier:
        if books.attempts[attempt_id].nonce == question.nonce:
            return Grant(attempt_id=attempt_id, plan=reservation.plan), ()
    if reservation.status == "closed":
        return CLOSED, ()
    place = reservation.pot(question.stage, question.model, question.team)
    left = reservation.pots[place].left if place is not None and reservation.status == "open" else 0
    if place is None or reservation.status == "expired" or question.upper_bound_nanousd > left:
        return Grant(refusal=_short(question.upper_bound_nanousd - left)), ()
    if question.upper_bound_nanousd:
        refusal = limits.stopped(
            books,
            scopes_of(question.stage, (question.model,), question.team, reservation.purpose),
            now,
        )
        if refusal:
            return Grant(refusal=refusal), ()
    drawn = _drawn(question, len(earlier) + 1, now)
    return Grant(attempt_id=drawn.attempt_id, plan=reservation.plan), (drawn,)


def _drawn(question: Authorize, number: int, now: datetime) -> AttemptAuthorized:
    return AttemptAuthorized(
        attempt_id=f"{question.call_id}:{number}",
        reservation_id=question.reservation_id,
        call_id=question.call_id,
        nonce=question.nonce,
        stage=question.stage,
        model=question.model,
        team=question.team,
        upper_bound_nanousd=question.upper_bound_nanousd,
        until=now + timedelta(seconds=question.lifetime_s),
    )


def _short(by: int) -> Refusal:
    return Refusal(
        reason="reservation",
        text="the reservation does not cover the call",
        shortfall_nanousd=max(0, by),
    )


def _settle(books: LedgerState, question: Settle) -> Decided:
    attempt = books.attempts.get(question.attempt_id)
    if attempt is None:
        return Settled(known=False), ()
    entries: tuple[Entry, ...] = ()
    if question.release and books.reservations[attempt.reservation_id].status != "closed":
        entries = (BranchReleased(reservation_id=attempt.reservation_id, branch=None),)
    if attempt.charged is not None:
        return Settled(known=True, charged_nanousd=attempt.charged), entries
    cost = attempt.bound if question.cost_nanousd is None else question.cost_nanousd
    settled = AttemptSettled(
        attempt_id=question.attempt_id,
        cost_nanousd=cost,
        unknown=question.cost_nanousd is None,
        input_tokens=question.input_tokens,
        output_tokens=question.output_tokens,
        provider_id=question.provider_id,
    )
    return Settled(known=True, charged_nanousd=cost), (settled, *entries)


def _close(books: LedgerState, question: ReleaseReservation) -> Decided:
    reservation = books.reservations.get(question.reservation_id)
    if reservation is None:
        closed = books.closed.get(question.reservation_id)
        return ReservationStatus(released=True, settled_nanousd=closed.spent if closed else 0), ()
    unknown_branch = question.branch is not None and question.branch >= reservation.branches
    if (
        reservation.status == "closed"
        or question.branch in reservation.released_branches
        or unknown_branch
    ):
        return ReservationStatus(
            released=reservation.status == "closed", settled_nanousd=reservation.spent
        ), ()
    last = (
        question.branch is None
        or len(reservation.released_branches | {question.branch}) >= reservation.branches
    )
    return ReservationStatus(released=last, settled_nanousd=reservation.spent), (
        BranchReleased(reservation_id=question.reservation_id, branch=question.branch),
    )


def _foreground(books: LedgerState, question: ReportForeground, now: datetime) -> Decided:
    if question.report_id in books.foreground.reports:
        return ForegroundAnswer(counted=True), ()
    if now - question.at > REPORT_HORIZON:
        return ForegroundAnswer(counted=False), ()
    spent_at = min(question.at, now)
    return ForegroundAnswer(counted=True), (
        ForegroundSpent(
            report_id=question.report_id, spent_at=spent_at, cost_nanousd=question.cost_nanousd
        ),
    )
