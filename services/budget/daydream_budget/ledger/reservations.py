"""Reservations and attempts: one daydream's money, and one draw from it.

States of a reservation:   open → closed            (every way has ended)
                         open → expired → open    (nobody came; somebody came after all)
States of an attempt:    drawn → settled          (known, or unknown and counted in full)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from daydream_budget.ledger.accounts import scopes_of
from daydream_contracts.rpc import AllocationRequest, Purpose


@dataclass
class Allocation:
    """One stage's part of a reservation. While the model is open, what is left counts against each of `models`."""

    stage: str
    models: tuple[str, ...]
    team: str
    scopes: tuple[str, ...]
    bound: int
    spent: int = 0
    drawn: int = 0

    @classmethod
    def of(cls, part: AllocationRequest, purpose: Purpose) -> Allocation:
        models = tuple(dict.fromkeys((part.model, *part.alternative_models)))
        return cls(
            part.stage,
            models,
            part.team,
            scopes_of(part.stage, models, part.team, purpose),
            part.upper_bound_nanousd,
        )

    @property
    def left(self) -> int:
        """What is still held for calls to come, if the reservation is open."""
        return max(0, self.bound - self.spent - self.drawn)

    def pays(self, stage: str, model: str, team: str) -> bool:
        """Whether calls of this kind are paid from it."""
        return self.stage == stage and self.team == team and model in self.models


@dataclass
class Reservation:
    """The money of one piece of work."""

    pots: tuple[Allocation, ...]
    branches: int
    touched_at: datetime
    purpose: Purpose = "daydream"
    plan: int = 0
    status: Literal["open", "expired", "closed"] = "open"
    released_branches: frozenset[int] = frozenset()
    attempts: tuple[str, ...] = ()
    increases: tuple[str, ...] = ()

    @property
    def hold(self) -> int:
        """What is held under the limits."""
        return sum(pot.left for pot in self.pots) if self.status == "open" else 0

    @property
    def spent(self) -> int:
        """What its settled attempts have cost."""
        return sum(pot.spent for pot in self.pots)

    def pot(self, stage: str, model: str, team: str) -> int | None:
        """The place of the pot that pays such calls: the fullest, where several do; None where none does."""
        best = None
        for place, pot in enumerate(self.pots):
            if pot.pays(stage, model, team) and (best is None or pot.left > self.pots[best].left):
                best = place
        return best


@dataclass
class Attempt:
    """One draw from a pot. `charged` is None until it is settled; `quarter` is when it was drawn."""

    reservation_id: str
    pot: int
    call_id: str
    nonce: str
    stage: str
    model: str
    bound: int
    until: datetime
    quarter: int
    scopes: tuple[str, ...]
    charged: int | None = None


@dataclass
class StageTotals:
    """Everything ever settled for one stage and model."""

    calls: int = 0
    unknown_calls: int = 0
    settled: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass
class CostStats:
    """What closed daydreams have cost: enough for a mean and a spread."""

    count: int = 0
    total: int = 0
    squares: int = 0


class ReleasedReservation(NamedTuple):
    """What is remembered of a closed reservation."""

    at: datetime
    plan: int
    spent: int
