"""Reservations and attempts: the money of one daydream, and one try at one of its model calls.

States of a reservation:   open → released           (every branch has ended)
                           open → expired → open     (it was idle too long; then a call was made)
States of an attempt:      authorized → settled      (known cost, or unknown and counted in full)

A reservation is for admission only: it holds what such daydreams have cost. It grows by itself when
more than that is authorized or settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from daydream_budget.ledger.accounts import scopes_of
from daydream_contracts.rpc import FOREGROUND, AllocationRequest, Purpose


def models_of(request: AllocationRequest) -> tuple[str, ...]:
    """Return the models that an allocation may pay for, each once, the preferred one first."""
    return tuple(dict.fromkeys((request.model, *request.alternative_models)))


@dataclass
class Allocation:
    """One stage's part of a reservation. `held` is what was held for it at the opening.

    While the model is not chosen yet, the remaining money counts against each of `models`. `key`
    and `label` are those of foreground spend.
    """

    stage: str
    models: tuple[str, ...]
    team: str
    scopes: tuple[str, ...]
    held: int
    key: str = ""
    label: str = ""
    settled: int = 0
    authorized: int = 0

    @classmethod
    def of(cls, request: AllocationRequest, held: int, purpose: Purpose) -> Allocation:
        """Make the allocation that was requested, with nothing authorized yet."""
        models = models_of(request)
        return cls(
            request.stage,
            models,
            request.team,
            scopes_of(request.stage, models, request.team, purpose, request.key),
            held,
            request.key,
            request.label,
        )

    @property
    def remaining(self) -> int:
        """Return what is held for calls to come, if the reservation is open."""
        return max(0, self.held - self.settled - self.authorized)

    def covers(self, stage: str, model: str, team: str) -> bool:
        """Return whether it pays for calls of this stage, model and team."""
        return self.stage == stage and self.team == team and model in self.models


@dataclass
class Reservation:
    """The money of one piece of work, reserved before the work starts.

    `for_one_call`: it was opened with its only attempt, and says nothing about daydreams.
    """

    allocations: tuple[Allocation, ...]
    branches: int
    touched_at: datetime
    purpose: Purpose = "daydream"
    plan: int = 0
    for_one_call: bool = False
    status: Literal["open", "expired", "released"] = "open"
    released_branches: frozenset[int] = frozenset()
    attempts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the id of the issued key that foreground spend is booked under."""
        return self.allocations[0].key

    @property
    def team(self) -> str:
        """Return the team whose limits it counts against, if any. Teams do not mix."""
        return self.allocations[0].team

    @property
    def settled(self) -> int:
        """Return the cost of its settled attempts."""
        return sum(allocation.settled for allocation in self.allocations)

    @property
    def reserved(self) -> int:
        """Return what was held at the opening, and what it grew by, once all is settled."""
        return sum(max(row.held, row.settled) for row in self.allocations)

    def allocation_index(self, stage: str, model: str, team: str) -> int | None:
        """Return the index of the allocation that pays for such calls; None if none does.

        If several do, it is the one with the most remaining money.
        """
        best = None
        for index, allocation in enumerate(self.allocations):
            if allocation.covers(stage, model, team) and (
                best is None or allocation.remaining > self.allocations[best].remaining
            ):
                best = index
        return best


@dataclass
class Attempt:
    """One authorized try at a model call.

    `charged` is None until it is settled. `quarter` is the quarter-hour of its authorization.
    """

    reservation_id: str
    allocation_index: int
    call_id: str
    nonce: str
    stage: str
    model: str
    upper_bound: int
    expires_at: datetime
    quarter: int
    scopes: tuple[str, ...]
    charged: int | None = None

    @property
    def caller(self) -> str:
        """Return the space of its call's id: `stage:…`, or `key:…` for the lab's own work."""
        return self.scopes[1]

    @property
    def is_foreground(self) -> bool:
        """Return whether it is the lab's own work."""
        return self.scopes[0] == FOREGROUND


class ReleasedReservation(NamedTuple):
    """What is remembered of a released reservation."""

    at: datetime
    plan: int
    settled: int
