"""What allocations of the same kind have cost lately: the basis of what a reservation holds. Pure.

The kind is the purpose, the plan, the stage and its set of models. Costs are stored per branch,
because plans differ in the number of their samples. Only released reservations count, once all
their attempts are settled, and only those that cost anything: one that was given up before its
first call says nothing.

The usual cost is a high quantile, because a reservation that grows near the cap makes its daydream
wait. It is never below the mean: a stage that seldom runs has a quantile of 0. `make bench-budget`,
part `holds`, shows what other quantiles and windows would hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daydream_budget.ledger.reservations import Reservation
from daydream_budget.ledger.undo_log import UndoLog
from daydream_contracts.rpc import FOREGROUND

SAMPLES_MAX = 64
SAMPLES_MIN = 20  # with fewer, one expensive daydream moves the quantile
QUANTILE_PERCENT = 90
UNUSED_AFTER = timedelta(days=30)
SEPARATOR = " | "


@dataclass(frozen=True)
class CostSamples:
    """The latest costs per branch of one kind, the oldest first. `at`: when the last one came."""

    at: datetime
    costs: tuple[int, ...]


def kind_of(purpose: str, plan: int, stage: str, models: Iterable[str]) -> str:
    """Return the kind of an allocation. Teams share one: they differ in facts, not in prompts."""
    return SEPARATOR.join((purpose, str(plan), stage, *sorted(set(models))))


def usual_cost(costs: Sequence[int], percent: int = QUANTILE_PERCENT) -> int:
    """Return the quantile (nearest rank), or the mean if that is higher. Integers only."""
    rank = -(-percent * len(costs) // 100)
    return max(sorted(costs)[rank - 1], -(-sum(costs) // len(costs)))


class CostHistory:
    """The latest costs of each kind of allocation. Every write goes through the undo log."""

    def __init__(self, undo_log: UndoLog) -> None:
        self.by_kind: dict[str, CostSamples] = {}
        self._undo_log = undo_log

    def usual_per_branch(self, kind: str) -> int | None:
        """Return the usual cost of one branch; None until enough is known."""
        samples = self.by_kind.get(kind)
        if samples is None or len(samples.costs) < SAMPLES_MIN:
            return None
        return usual_cost(samples.costs)

    def record(self, reservation: Reservation, at: datetime) -> None:
        """Add the costs of a released reservation whose attempts are all settled."""
        is_single = reservation.for_one_call or reservation.purpose == FOREGROUND
        if is_single or not reservation.settled:
            return
        for allocation in reservation.allocations:
            kind = kind_of(
                reservation.purpose, reservation.plan, allocation.stage, allocation.models
            )
            cost = -(-allocation.settled // reservation.branches)
            earlier = self.by_kind[kind].costs if kind in self.by_kind else ()
            samples = CostSamples(at, (*earlier[1 - SAMPLES_MAX :], cost))
            self._undo_log.put(self.by_kind, kind, samples)

    def forget(self, before: datetime, after: datetime) -> None:
        """Drop kinds that are no longer used: once a day, when `after` is on a later UTC day."""
        if before.date() == after.date():
            return
        unused = [
            kind for kind, samples in self.by_kind.items() if after - samples.at > UNUSED_AFTER
        ]
        for kind in unused:
            del self.by_kind[kind]
