"""What others were seen to do at a small cap with many workers, beside what the ledger does with the same calls."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

from support.desk import Desk

CAP, WORKERS, BOUND = 250_000, 256, 6_000


def calls() -> list[int]:
    """Costs that differ as those of real calls do."""
    chance = random.Random(5)
    return [min(BOUND, int(chance.lognormvariate(7.6, 0.5))) for _ in range(5000)]


def spent(admit: Callable[[int, deque[int]], bool]) -> int:
    """All workers start as many calls as they may, the oldest ends first, and only then its cost is known."""
    waiting, in_flight, total = deque(calls()), deque[int](), 0
    while waiting:
        while waiting and len(in_flight) < WORKERS and admit(total, in_flight):
            in_flight.append(waiting.popleft())
        if not in_flight:
            return total
        total += in_flight.popleft()
    return total


def test_a_check_after_the_call_spends_many_times_a_small_cap_and_the_ledger_nothing_above_it() -> (
    None
):
    assert spent(lambda total, _: total < CAP) > 2 * CAP
    assert ledger() <= CAP


def test_in_flight_times_average_spends_above_the_cap_and_the_ledger_nothing() -> None:
    done: list[int] = []

    def admit(total: int, in_flight: deque[int]) -> bool:
        done.append(total)
        average = total / max(1, len(done) - len(in_flight))
        return total + average * (len(in_flight) + 1) < CAP

    assert spent(admit) > CAP
    assert ledger() <= CAP


def ledger() -> int:
    """The same workers and calls, each paid from a reservation."""
    desk = Desk(lifetime=CAP)
    waiting, in_flight = deque(enumerate(calls())), deque[tuple[str, int]]()
    while waiting:
        while (
            waiting and len(in_flight) < WORKERS and desk.open(f"e{waiting[0][0]}", BOUND).granted
        ):
            number, cost = waiting.popleft()
            attempt = desk.draw(f"e{number}", BOUND, call=f"c{number}").attempt_id
            in_flight.append((attempt, cost))
        if not in_flight:
            break
        attempt, cost = in_flight.popleft()
        desk.settle(attempt, cost, release=True)
    assert desk.money.settled > 0.97 * CAP
    return desk.money.settled
