"""Money per scope: reserved, authorized and settled, and settled money also by quarter-hour.

A scope is `all`, `stage:…`, `model:…`, `team:…` or `purpose:…`. What the lab's own programs spend
is booked under `foreground`, `key:…` and `team:…` instead. Every amount is booked under each scope
that it belongs to. So a limit on any scope can be set at any time and already knows the past.
Quarter-hours older than `RETENTION_DAYS` are dropped: no window that renews is longer than a month,
and the tax looks back at most 60 days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from daydream_budget.ledger.undo_log import UndoLog
from daydream_budget.ledger.windows import QUARTERS_PER_DAY, Span, quarter_of, span_of
from daydream_contracts.rpc import EVERYTHING, FOREGROUND, Window

RETENTION_DAYS = 62
ROLLING = "rolling"


@lru_cache(maxsize=4096)
def scopes_of(
    stage: str, models: tuple[str, ...], team: str, purpose: str, key: str = ""
) -> tuple[str, ...]:
    """Return every scope under which an amount is booked; the first is the root of the others."""
    own = (f"team:{team}",) if team else ()
    if purpose == FOREGROUND:
        return (FOREGROUND, f"key:{key}", *own)
    named = [f"stage:{stage}", *(f"model:{model}" for model in models), f"purpose:{purpose}"]
    return (EVERYTHING, *named, *own)


@dataclass
class Account:
    """The money of one scope, in nano-dollars.

    `settled` is the sum since the beginning. `quarters` splits it by the quarter-hour of the
    authorization. `windows` caches the sums of current windows.
    """

    reserved: int = 0
    authorized: int = 0
    settled: int = 0
    quarters: dict[int, int] = field(default_factory=dict)
    windows: dict[str, tuple[Span, int]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class LimitUsage:
    """What counts against a limit. `limits` says which of it counts in which check."""

    settled: int
    authorized: int
    reserved: int


class Accounts:
    """The accounts of all scopes. Every write goes through the undo log."""

    def __init__(self, undo_log: UndoLog, by_scope: dict[str, Account] | None = None) -> None:
        self.by_scope: dict[str, Account] = by_scope or {EVERYTHING: Account()}
        self._undo_log = undo_log

    def of(self, scope: str) -> Account:
        """Return the account of a scope, or an empty one if nothing was booked there."""
        return self.by_scope.get(scope) or Account()

    def book(self, scopes: tuple[str, ...], *, reserved: int = 0, authorized: int = 0) -> None:
        """Add to the reserved and authorized money of each scope."""
        self._book(scopes, reserved, authorized)
        self._undo_log.record(self._book, scopes, -reserved, -authorized)

    def settle(self, scopes: tuple[str, ...], quarter: int, cost: int) -> None:
        """Add a cost, which may be negative, to each scope in the quarter-hour of the attempt."""
        if cost:
            self._settle(scopes, quarter, cost)
            self._undo_log.record(self._settle, scopes, quarter, -cost)

    def settled_in(self, scope: str, window: Window, at: datetime, zone: ZoneInfo) -> int:
        """Return what was settled in the window that contains `at`."""
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
            self._undo_log.put(account.windows, window, cached)
        return cached[1]

    def settled_since(self, scope: str, span: Span) -> int:
        """Return what was settled in a span that rolls with the present. One span is cached."""
        account = self.by_scope.get(scope)
        if account is None:
            return 0
        cached = account.windows.get(ROLLING)
        if cached is None or cached[0] != span:
            cached = (span, self.between(scope, span))
            self._undo_log.put(account.windows, ROLLING, cached)
        return cached[1]

    def between(self, scope: str, span: Span) -> int:
        """Return what was settled for authorizations of these quarter-hours, without the cache."""
        quarters = self.of(scope).quarters
        return sum(amount for quarter, amount in quarters.items() if span[0] <= quarter < span[1])

    def rezone(self) -> None:
        """Drop cached sums, because windows begin at other times now."""
        for account in self.by_scope.values():
            self._undo_log.put(vars(account), "windows", {})

    def forget(self, before: datetime, after: datetime) -> None:
        """Drop old quarter-hours once a day: when `after` is on a later UTC day than `before`."""
        day = quarter_of(after) // QUARTERS_PER_DAY
        if quarter_of(before) // QUARTERS_PER_DAY == day:
            return
        oldest = (day - RETENTION_DAYS) * QUARTERS_PER_DAY
        for account in self.by_scope.values():
            for quarter in [quarter for quarter in account.quarters if quarter < oldest]:
                del account.quarters[quarter]

    def _book(self, scopes: tuple[str, ...], reserved: int, authorized: int) -> None:
        for scope in scopes:
            account = self.by_scope.get(scope) or self._create(scope)
            account.reserved += reserved
            account.authorized += authorized

    def _settle(self, scopes: tuple[str, ...], quarter: int, cost: int) -> None:
        for scope in scopes:
            account = self.by_scope.get(scope) or self._create(scope)
            account.settled += cost
            in_quarter = account.quarters.pop(quarter, 0) + cost
            if in_quarter:
                account.quarters[quarter] = in_quarter
            for window, (span, total) in account.windows.items():
                if span[0] <= quarter < span[1]:
                    account.windows[window] = (span, total + cost)

    def _create(self, scope: str) -> Account:
        account = Account()
        self._undo_log.put(self.by_scope, scope, account)
        return account
