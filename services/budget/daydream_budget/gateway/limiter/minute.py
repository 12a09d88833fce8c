"""Requests or tokens of the last minute, held below a limit.

The count covers any 60 seconds, not those of a clock, so it never exceeds a provider's fixed window
and fits a bucket that refills within a minute. A replica counts its own starts and those that other
replicas report. It also stays within its share of the limit, because reports are a moment old.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_S = 60.5  # half a second more, because calls do not all travel equally fast
GRAIN_S = 0.1


@dataclass
class CountedAmount:
    """What was started within one grain of time. The amount may be corrected."""

    ends: float
    amount: int


class SlidingSum:
    """Sum what was added within the last minute."""

    def __init__(self) -> None:
        self._amounts: deque[CountedAmount] = deque()

    def add(self, amount: int, now: float) -> CountedAmount:
        """Add an amount. Return what to correct when the true amount is known."""
        ends = (now // GRAIN_S + 1) * GRAIN_S + WINDOW_S
        if not self._amounts or self._amounts[-1].ends < ends:
            self._amounts.append(CountedAmount(ends, 0))
        self._amounts[-1].amount += amount
        return self._amounts[-1]

    def total(self, now: float) -> int:
        """Return the sum of the last minute."""
        while self._amounts and self._amounts[0].ends <= now:
            self._amounts.popleft()
        return sum(counted.amount for counted in self._amounts)

    def frees_at(self, amount: int) -> float:
        """Return when this amount will have left the sum, or when everything has."""
        ends = 0.0
        for counted in self._amounts:
            ends = counted.ends
            amount -= counted.amount
            if amount <= 0:
                break
        return ends


class MinuteLimit:
    """Hold one replica's part of a limit per minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._own, self._peers = SlidingSum(), SlidingSum()

    def delay_s(self, amount: int, share: float, now: float) -> float:
        """Return how long a start of this amount has to wait, as far as is known now.

        An amount above the limit counts as the whole limit: it starts alone.
        """
        amount = min(amount, self._limit)
        own, peers = self._own.total(now), self._peers.total(now)
        over_share = own + amount - max(self._limit * share, amount)
        over_limit = own + peers + amount - self._limit
        waits = [0.0]
        if over_share > 0:
            waits.append(self._own.frees_at(int(over_share)) - now)
        if over_limit > 0:
            # Either sum may free the place: look again at the earlier moment.
            sums = ((self._own, own), (self._peers, peers))
            waits.append(
                min(part.frees_at(min(over_limit, held)) for part, held in sums if held) - now
            )
        return max(waits)

    def add(self, amount: int, now: float) -> CountedAmount:
        """Count a start of this replica. Return what to correct."""
        return self._own.add(amount, now)

    def add_peers(self, amount: int, now: float) -> None:
        """Count what another replica reported."""
        self._peers.add(amount, now)
