"""How fast money goes, and when a cap will be reached if it goes on like this. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import QUARTER_S, quarter_of, renewal, start_of
from daydream_contracts.rpc import Window

LOOK_BACK_QUARTERS = 4
BEYOND = timedelta(days=3650)


def burn_nanousd_per_h(books: LedgerState, scope: str, now: datetime) -> int:
    """Spending in the last hour: the running quarter-hour and the three before it, over the time since these began. What is
    drawn counts: it is being spent."""
    first = quarter_of(now) - LOOK_BACK_QUARTERS + 1
    account = books.accounts.of(scope)
    spent = (
        sum(
            account.quarters.get(quarter, 0) for quarter in range(first, first + LOOK_BACK_QUARTERS)
        )
        + account.drawn
    )
    hours = max((now - start_of(first)).total_seconds(), QUARTER_S) / 3600
    return int(spent / hours)


def reached_at(
    books: LedgerState, scope: str, window: Window, cap_nanousd: int, now: datetime
) -> datetime | None:
    """When settled and drawn money reaches the cap at the present rate; None if that is not before the window renews."""
    used = books.used(scope, window, now)
    left = cap_nanousd - used.settled - used.drawn
    if left <= 0:
        return now
    rate = burn_nanousd_per_h(books, scope, now)
    after = (
        timedelta(hours=left / rate) if rate and left / rate < BEYOND / timedelta(hours=1) else None
    )
    if after is None:
        return None
    ends = renewal(window, now, books.zone)
    return now + after if ends is None or now + after < ends else None
