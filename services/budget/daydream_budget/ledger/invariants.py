"""What must hold after every entry. For tests and the audit; too slow for the request path."""

from __future__ import annotations

from collections import Counter

from daydream_budget.ledger.accounts import Account
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import quarter_of
from daydream_contracts.rpc import EVERYTHING, FOREGROUND


def check(state: LedgerState) -> None:
    """Assert that accounts, reservations, attempts and totals add up to each other.

    Raises AssertionError that names the scope and both amounts.
    """
    reserved, authorized = _reserved(state), _authorized(state)
    for scope, account in state.accounts.by_scope.items():
        assert account.reserved == reserved[scope], (
            f"{scope}: {account.reserved} reserved, but the reservations hold {reserved[scope]}"
        )
        assert account.authorized == authorized[scope], (
            f"{scope}: {account.authorized} authorized, but the attempts hold {authorized[scope]}"
        )
        _check_settled(state, scope, account)
    _check_totals(state)


def _reserved(state: LedgerState) -> Counter[str]:
    """Return the remaining money of open reservations by scope."""
    amounts: Counter[str] = Counter()
    for reservation in state.reservations.values():
        for allocation in reservation.allocations if reservation.status == "open" else ():
            for scope in allocation.scopes:
                amounts[scope] += allocation.remaining
    return amounts


def _authorized(state: LedgerState) -> Counter[str]:
    """Return the upper bounds of unsettled attempts by scope."""
    amounts: Counter[str] = Counter()
    for attempt_id in state.open_attempts:
        attempt = state.attempts[attempt_id]
        assert attempt.charged is None, f"{attempt_id} is settled and still open"
        for scope in attempt.scopes:
            amounts[scope] += attempt.upper_bound
    return amounts


def _check_settled(state: LedgerState, scope: str, account: Account) -> None:
    assert account.settled >= 0, f"{scope}: settled is negative"
    assert account.settled >= sum(account.quarters.values()), (
        f"{scope}: the quarter-hours add up to more than was settled"
    )
    for window, (span, cached) in account.windows.items():
        # a past window is not read again, and its quarter-hours may be forgotten
        past = state.at is not None and span[1] <= quarter_of(state.at)
        total = state.accounts.between(scope, span)
        assert past or cached == total, f"{scope}: the {window} is cached as {cached}, not {total}"


def _check_totals(state: LedgerState) -> None:
    """Check that the parts of each root add up to it. Daydreams and foreground work share none."""
    everything = state.accounts.of(EVERYTHING).settled
    foreground = state.accounts.of(FOREGROUND).settled
    by_stage = sum(row.settled for row in state.totals.by_stage.values())
    assert by_stage == everything, (
        f"stages and models add up to {by_stage}, everything is {everything}"
    )
    by_key = sum(row.settled for row in state.totals.by_key.values())
    assert by_key == foreground, f"keys and models add up to {by_key}, foreground is {foreground}"
    assert state.foreground.total >= foreground, (
        f"foreground spend is {state.foreground.total}, but {foreground} was measured"
    )
    for kind, total in (
        ("stage", everything),
        ("model", everything),
        ("purpose", everything),
        ("key", foreground),
    ):
        parts = sum(
            account.settled
            for scope, account in state.accounts.by_scope.items()
            if scope.startswith(f"{kind}:")
        )
        assert parts == total, f"{kind}s add up to {parts}, their root is {total}"
