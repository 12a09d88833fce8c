"""What simpler designs spend at a small cap with many workers, next to the ledger."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

from support.fake_ledger import FakeLedger

CAP, WORKERS, BOUND = 250_000, 256, 6_000


def calls() -> list[int]:
    """Return costs with the spread of real calls."""
    chance = random.Random(5)
    return [min(BOUND, int(chance.lognormvariate(7.6, 0.5))) for _ in range(5000)]


def spent(admit: Callable[[int, deque[int]], bool]) -> int:
    """Return what is spent if the cost of a call is known only when it ends.

    All workers start as many calls as `admit` allows; the oldest call ends first.
    """
    waiting, in_flight, total = deque(calls()), deque[int](), 0
    while waiting:
        while waiting and len(in_flight) < WORKERS and admit(total, in_flight):
            in_flight.append(waiting.popleft())
        if not in_flight:
            return total
        total += in_flight.popleft()
    return total


def test_a_check_after_the_call_spends_twice_a_small_cap_and_the_ledger_stays_below() -> None:
    assert spent(lambda total, _: total < CAP) > 2 * CAP
    assert spent_by_ledger() <= CAP


def test_in_flight_times_average_exceeds_the_cap_and_the_ledger_does_not() -> None:
    done: list[int] = []

    def admit(total: int, in_flight: deque[int]) -> bool:
        done.append(total)
        average = total / max(1, len(done) - len(in_flight))
        return total + average * (len(in_flight) + 1) < CAP

    assert spent(admit) > CAP
    assert spent_by_ledger() <= CAP


def spent_by_ledger() -> int:
    """Return what the same workers and calls spend from reservations."""
    ledger = FakeLedger(lifetime=CAP)
    waiting, in_flight = deque(enumerate(calls())), deque[tuple[str, int]]()

    def begin(number: int) -> str:
        """Return the attempt, or an empty string while it has to wait."""
        if not ledger.open(f"e{number}", BOUND).granted:
            return ""
        return ledger.authorize(f"e{number}", BOUND, call=f"c{number}").attempt_id

    while waiting:
        while waiting and len(in_flight) < WORKERS and (attempt := begin(waiting[0][0])):
            in_flight.append((attempt, waiting.popleft()[1]))
        if not in_flight:
            break
        attempt, cost = in_flight.popleft()
        ledger.settle(attempt, cost, release=True)
    assert ledger.money.settled > 0.97 * CAP
    return ledger.money.settled
