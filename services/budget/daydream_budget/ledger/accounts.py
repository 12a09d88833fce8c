"""What counts against limits: open, drawn and settled money, by scope, and settled money also by quarter-hour.

A scope is `all`, `stage:…`, `model:…`, `team:…` or `purpose:…`; every amount is booked under each scope that it belongs to,
so a limit on any of them can be set at any time and knows the past. Quarter-hours older than `KEPT_DAYS` are forgotten: no
window that renews is longer than a month, and the tax looks back 60 days at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from daydream_budget.ledger.undo_log import UndoLog
from daydream_budget.ledger.windows import QUARTERS_A_DAY, Span, quarter_of, span_of
from daydream_contracts.rpc import EVERYTHING, Window

KEPT_DAYS = 62
ROLLING = "rolling"


@lru_cache(maxsize=4096)
def scopes_of(stage: str, models: tuple[str, ...], team: str, purpose: str) -> tuple[str, ...]:
    """Every scope that something belongs to."""
    named = [f"stage:{stage}", *(f"model:{model}" for model in models), f"purpose:{purpose}"]
    return (EVERYTHING, *named, f"team:{team}") if team else (EVERYTHING, *named)


@dataclass
class Account:
    """The money of one scope. `settled` is everything ever; `quarters` when it was drawn."""

    open: int = 0
    drawn: int = 0
    settled: int = 0
    quarters: dict[int, int] = field(default_factory=dict)
    windows: dict[str, tuple[Span, int]] = field(
        default_factory=dict, compare=False
    )  # sums of present windows, a cache


class Accounts:
    """All scopes."""

    def __init__(self, journal: UndoLog, by_scope: dict[str, Account] | None = None) -> None:
        self.by_scope: dict[str, Account] = by_scope or {EVERYTHING: Account()}
        self._journal = journal

    def of(self, scope: str) -> Account:
        """The account of a scope; an empty one where nothing was ever booked."""
        return self.by_scope.get(scope) or Account()

    def book(self, scopes: tuple[str, ...], *, open: int = 0, drawn: int = 0) -> None:
        """Add to what is open and drawn under each of the scopes."""
        self._book(scopes, open, drawn)
        self._journal.done(self._book, scopes, -open, -drawn)

    def settle(self, scopes: tuple[str, ...], quarter: int, cost: int) -> None:
        """Add (negative: take off) what was settled for a draw of that quarter."""
        if cost:
            self._settle(scopes, quarter, cost)
            self._journal.done(self._settle, scopes, quarter, -cost)

    def _book(self, scopes: tuple[str, ...], open: int, drawn: int) -> None:
        for scope in scopes:
            account = self.by_scope.get(scope) or self._new(scope)
            account.open += open
            account.drawn += drawn

    def _settle(self, scopes: tuple[str, ...], quarter: int, cost: int) -> None:
        for scope in scopes:
            account = self.by_scope.get(scope) or self._new(scope)
            account.settled += cost
            in_quarter = account.quarters.pop(quarter, 0) + cost
            if in_quarter:
                account.quarters[quarter] = in_quarter
            for window, (span, total) in account.windows.items():
                if span[0] <= quarter < span[1]:
                    account.windows[window] = (span, total + cost)

    def settled_in(self, scope: str, window: Window, at: datetime, zone: ZoneInfo) -> int:
        """What was settled for draws of the window that `at` lies in."""
        account = self.by_scope.get(scope)
        if account is None:
            return 0
        if window == "lifetime":
            return account.settled
        cached = account.windows.get(window)
        quarter = quarter_of(at)
        if cached is None or not cached[0][0] <= quarter < cached[0][1]:
            span = span_of(window, at, zone)
            cached = (span, self.between(scope, span))
            self._journal.put(account.windows, window, cached)
        return cached[1]

    def settled_since(self, scope: str, span: Span) -> int:
        """What was settled for draws of these quarters, for one that rolls on with the present."""
        account = self.by_scope.get(scope)
        if account is None:
            return 0
        cached = account.windows.get(ROLLING)
        if cached is None or cached[0] != span:
            cached = (span, self.between(scope, span))
            self._journal.put(account.windows, ROLLING, cached)
        return cached[1]

    def between(self, scope: str, span: Span) -> int:
        """What was settled for draws of these quarters."""
        quarters = self.of(scope).quarters
        return sum(amount for quarter, amount in quarters.items() if span[0] <= quarter < span[1])

    def rezone(self) -> None:
        """Days begin elsewhere now."""
        for account in self.by_scope.values():
            self._journal.put(vars(account), "windows", {})

    def forget(self, before: datetime, after: datetime) -> None:
        """Drop old quarters, once a day: when `after` is on another day than `before`."""
        day = quarter_of(after) // QUARTERS_A_DAY
        if quarter_of(before) // QUARTERS_A_DAY == day:
            return
        oldest = (day - KEPT_DAYS) * QUARTERS_A_DAY
        for account in self.by_scope.values():
            for quarter in [quarter for quarter in account.quarters if quarter < oldest]:
                del account.quarters[quarter]

    def _new(self, scope: str) -> Account:
        account = Account()
        self._journal.put(self.by_scope, scope, account)
        return account
