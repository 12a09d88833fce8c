"""How fast money is spent, and when a cap will be reached at that rate. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import QUARTER_S, quarter_of, renewal, start_of
from daydream_contracts.rpc import Window

LOOK_BACK_QUARTERS = 4
FORECAST_MAX = timedelta(days=3650)


def burn_nanousd_per_h(state: LedgerState, scope: str, now: datetime) -> int:
    """Return the spending of the last hour, in nano-dollars per hour.

    That is the current quarter-hour and the three before it, over the time since these began.
    Authorized money does not count: most of an upper bound is never spent.
    """
    first = quarter_of(now) - LOOK_BACK_QUARTERS + 1
    account = state.accounts.of(scope)
    quarters = range(first, first + LOOK_BACK_QUARTERS)
    spent = sum(account.quarters.get(quarter, 0) for quarter in quarters)
    hours = max((now - start_of(first)).total_seconds(), QUARTER_S) / 3600
    return int(spent / hours)


def reached_at(
    state: LedgerState, scope: str, window: Window, cap_nanousd: int, now: datetime
) -> datetime | None:
    """Return when settled money reaches the cap at the present rate.

    None if the window renews before that, or if it takes longer than ten years.
    """
    used = state.used(scope, window, now)
    left = cap_nanousd - used.settled
    if left <= 0:
        return now
    rate = burn_nanousd_per_h(state, scope, now)
    if not rate or left / rate >= FORECAST_MAX / timedelta(hours=1):
        return None
    reached = now + timedelta(hours=left / rate)
    renews = renewal(window, now, state.zone)
    return reached if renews is None or reached < renews else None
