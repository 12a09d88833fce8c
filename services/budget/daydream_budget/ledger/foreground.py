"""What the lab itself spends on models: the denominator of the daydreaming tax.

It is reported by others, or measured by the gateway: a settled attempt of a foreground reservation.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from daydream_budget.ledger.accounts import RETENTION_DAYS
from daydream_budget.ledger.entries import ForegroundSpent
from daydream_budget.ledger.undo_log import UndoLog
from daydream_budget.ledger.windows import QUARTERS_PER_DAY, Span, quarter_of

REPORT_HORIZON = timedelta(days=1)  # maximum age of a report; ids are remembered twice as long


class Foreground:
    """Foreground spend by quarter-hour, and the ids of the counted reports in their order."""

    def __init__(self, undo_log: UndoLog) -> None:
        self.quarters: dict[int, int] = {}
        self.reports: dict[str, datetime] = {}
        self.total = 0
        self._rolling: tuple[Span, int] = ((0, 0), 0)  # a cache
        self._undo_log = undo_log

    @property
    def reported(self) -> bool:
        """Return whether any spend was ever reported or measured. The tax is off until then."""
        return self.total > 0

    def count(self, entry: ForegroundSpent, at: datetime) -> None:
        """Count a report."""
        self._undo_log.put(self.reports, entry.report_id, at)
        self.add(quarter_of(entry.spent_at), entry.cost_nanousd)

    def add(self, quarter: int, cost: int) -> None:
        """Add a cost, which may be negative, to a quarter-hour."""
        self._undo_log.put(self.quarters, quarter, self.quarters.get(quarter, 0) + cost)
        self._undo_log.set(self, total=self.total + cost, _rolling=((0, 0), 0))

    def between(self, span: Span) -> int:
        """Return what was spent in these quarter-hours. One span is cached."""
        if self._rolling[0] != span:
            first, end = span
            amount = sum(
                spent for quarter, spent in self.quarters.items() if first <= quarter < end
            )
            self._undo_log.set(self, _rolling=(span, amount))
        return self._rolling[1]

    def forget(self, before: datetime, after: datetime) -> None:
        """Drop ids and quarter-hours beyond their horizons."""
        while self.reports:
            report_id, counted_at = next(iter(self.reports.items()))
            if after - counted_at <= 2 * REPORT_HORIZON:
                break
            del self.reports[report_id]
        day = quarter_of(after) // QUARTERS_PER_DAY
        if quarter_of(before) // QUARTERS_PER_DAY == day:
            return
        oldest = (day - RETENTION_DAYS) * QUARTERS_PER_DAY
        for quarter in [quarter for quarter in self.quarters if quarter < oldest]:
            del self.quarters[quarter]
