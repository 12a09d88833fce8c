"""What the lab itself spends on models: the denominator of the daydreaming tax."""

from __future__ import annotations

from datetime import datetime, timedelta

from daydream_budget.ledger.entries import ForegroundSpent
from daydream_budget.ledger.undo_log import UndoLog
from daydream_budget.ledger.windows import QUARTERS_A_DAY, Span, quarter_of

REPORT_HORIZON = timedelta(days=1)  # how old a report may be; ids are remembered for twice as long
KEPT_DAYS = 62


class Foreground:
    """Foreground spend by quarter-hour, and the reports that have been counted, in their order."""

    def __init__(self, journal: UndoLog) -> None:
        self.quarters: dict[int, int] = {}
        self.reports: dict[str, datetime] = {}
        self.total = 0
        self._rolling: tuple[Span, int] = ((0, 0), 0)  # a cache
        self._journal = journal

    @property
    def reported(self) -> bool:
        """Whether anything was ever reported: the tax is off until then."""
        return self.total > 0

    def count(self, entry: ForegroundSpent, at: datetime) -> None:
        """Take in a report."""
        quarter = quarter_of(entry.spent_at)
        self._journal.put(
            self.quarters, quarter, self.quarters.get(quarter, 0) + entry.cost_nanousd
        )
        self._journal.put(self.reports, entry.report_id, at)
        self._journal.set(self, total=self.total + entry.cost_nanousd, _rolling=((0, 0), 0))

    def between(self, span: Span) -> int:
        """What was spent in these quarters."""
        if self._rolling[0] != span:
            amount = sum(
                amount for quarter, amount in self.quarters.items() if span[0] <= quarter < span[1]
            )
            self._journal.set(self, _rolling=(span, amount))
        return self._rolling[1]

    def forget(self, before: datetime, after: datetime) -> None:
        """Drop ids and quarters beyond their horizons."""
        while self.reports:
            report_id, counted_at = next(iter(self.reports.items()))
            if after - counted_at <= 2 * REPORT_HORIZON:
                break
            del self.reports[report_id]
        day = quarter_of(after) // QUARTERS_A_DAY
        if quarter_of(before) // QUARTERS_A_DAY != day:
            for quarter in [
                quarter for quarter in self.quarters if quarter < (day - KEPT_DAYS) * QUARTERS_A_DAY
            ]:
                del self.quarters[quarter]
