"""Sums over the whole ledger: cost by stage and model, cost per piece of work, and overruns."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_budget.ledger.entries import AttemptSettled
from daydream_budget.ledger.reservations import Allocation, Attempt, Reservation
from daydream_budget.ledger.undo_log import UndoLog
from daydream_contracts.rpc import FOREGROUND, CorrectionEntry


@dataclass
class StageTotals:
    """Everything ever settled for one stage and model."""

    calls: int = 0
    unknown_calls: int = 0
    settled: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass
class KeyTotals(StageTotals):
    """Everything ever settled for one issued key, team and model. `label` is the latest one."""

    label: str = ""


@dataclass
class CostStats:
    """The cost of released reservations, enough for a mean and a spread, and what they reserved."""

    count: int = 0
    total: int = 0
    squares: int = 0
    reserved: int = 0


class Totals:
    """Sums that are never forgotten. Every write goes through the undo log.

    An overrun is an attempt that cost more than its upper bound.
    """

    def __init__(self, undo_log: UndoLog) -> None:
        self.by_stage: dict[tuple[str, str], StageTotals] = {}
        self.by_key: dict[tuple[str, str, str], KeyTotals] = {}
        self.by_purpose: dict[str, CostStats] = {}
        self.released = 0
        self.overruns = 0
        self._undo_log = undo_log

    def settle(self, attempt: Attempt, allocation: Allocation, entry: AttemptSettled) -> None:
        """Count a settled attempt of this allocation."""
        row: StageTotals
        if attempt.is_foreground:
            row = self._key_row(allocation.key, allocation.team, attempt.model)
            self._undo_log.set(row, label=allocation.label)
        else:
            row = self._stage_row(attempt.stage, attempt.model)
        self._undo_log.set(
            row,
            calls=row.calls + entry.sent,
            unknown_calls=row.unknown_calls + entry.unknown,
            settled=row.settled + entry.cost_nanousd,
            input_tokens=row.input_tokens + (entry.input_tokens or 0),
            output_tokens=row.output_tokens + (entry.output_tokens or 0),
        )
        if entry.cost_nanousd > attempt.upper_bound:
            self._undo_log.put(vars(self), "overruns", self.overruns + 1)

    def correct(self, correction: CorrectionEntry) -> None:
        """Add a correction to its stage and model, or to its key, team and model."""
        row: StageTotals
        if correction.purpose == FOREGROUND:
            row = self._key_row(correction.key, correction.team, correction.model)
        else:
            row = self._stage_row(correction.stage, correction.model)
        self._undo_log.set(row, settled=row.settled + correction.by_nanousd)

    def release(self) -> None:
        """Count a released reservation, whose attempts may not all be settled yet."""
        self._undo_log.put(vars(self), "released", self.released + 1)

    def retire(self, reservation: Reservation) -> None:
        """Count the final cost of a released reservation."""
        if reservation.purpose not in self.by_purpose:
            self._undo_log.put(self.by_purpose, reservation.purpose, CostStats())
        stats, cost = self.by_purpose[reservation.purpose], reservation.settled
        self._undo_log.set(
            stats,
            count=stats.count + 1,
            total=stats.total + cost,
            squares=stats.squares + cost * cost,
            reserved=stats.reserved + reservation.reserved,
        )

    def _stage_row(self, stage: str, model: str) -> StageTotals:
        if (stage, model) not in self.by_stage:
            self._undo_log.put(self.by_stage, (stage, model), StageTotals())
        return self.by_stage[stage, model]

    def _key_row(self, key: str, team: str, model: str) -> KeyTotals:
        if (key, team, model) not in self.by_key:
            self._undo_log.put(self.by_key, (key, team, model), KeyTotals())
        return self.by_key[key, team, model]
