"""Requests near a cap are served in the order of arrival, and no request starves."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daydream_budget.ledger.admission_queue import RENEW_AFTER
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_contracts.rpc import Grant
from support.fake_ledger import FakeLedger

CAP = 100
WAITING_MAX = 20
ROUND = timedelta(seconds=5)  # after which a refused request asks again


def is_behind(grant: Grant) -> bool:
    return grant.refusal is not None and "Earlier requests" in grant.refusal.text


def full_ledger() -> FakeLedger:
    """Return a ledger with a daydream in progress whose call may cost 60 of 100."""
    ledger = FakeLedger(lifetime=CAP)
    assert ledger.open("first", 60).granted
    assert ledger.authorize("first", 60, call="first").granted
    return ledger


def test_a_small_new_daydream_does_not_take_the_money_that_an_earlier_large_one_waits_for() -> None:
    ledger = full_ledger()
    assert not ledger.open("large", 70).granted
    small = ledger.open("small", 40)
    assert is_behind(small)
    assert small.refusal is not None
    assert small.refusal.near_cap
    ledger.settle("first:1", 10, release=True)
    assert is_behind(ledger.open("small", 40)), "it still leaves the 70"
    assert ledger.open("large", 70).granted


def test_new_work_may_take_what_those_before_it_leave() -> None:
    ledger = full_ledger()
    assert not ledger.open("large", 41).granted
    ledger.settle("first:1", 10, release=True)
    assert ledger.open("small", 49).granted, "90 remain, and 41 are needed"
    assert ledger.open("large", 41).granted


def test_no_new_work_begins_while_a_call_in_progress_waits_for_money() -> None:
    ledger = full_ledger()
    assert ledger.open("second", 10).granted
    assert not ledger.authorize("second", 50, call="second").granted
    assert is_behind(ledger.open("third", 10))
    assert is_behind(ledger.call("embedding", 10, purpose="embedding"))
    ledger.settle("first:1", 10, release=True)
    assert ledger.authorize("second", 50, call="second").granted
    assert ledger.open("third", 10).granted


def test_calls_do_not_wait_for_the_queue() -> None:
    ledger = full_ledger()
    assert ledger.open("second", 10).granted
    assert not ledger.open("large", 70).granted
    assert ledger.authorize("second", 40, call="second").granted
    assert not ledger.authorize("second", 50, call="third").granted


def test_what_even_the_remaining_money_can_not_pay_any_more_makes_no_other_one_wait() -> None:
    ledger = full_ledger()
    assert not ledger.open("large", 70).granted
    ledger.settle("first:1", 60, release=True)
    assert ledger.open("small", 40).granted


def test_who_does_not_ask_any_more_is_forgotten_and_who_asks_keeps_the_place() -> None:
    ledger = full_ledger()
    assert not ledger.open("gone", 70).granted
    ledger.now += RENEW_AFTER
    assert not ledger.open("waiting", 60).granted
    for _ in range(5):
        ledger.now += RENEW_AFTER
        assert not ledger.open("waiting", 60).granted
    ledger.settle("first:1", 10, release=True)
    assert list(ledger.state.queue.by_id) == ["waiting"]
    assert ledger.open("waiting", 60).granted
    assert ledger.state.queue.by_id == {}


def test_new_work_that_gives_up_leaves_the_queue() -> None:
    ledger = full_ledger()
    assert not ledger.open("large", 70).granted
    assert is_behind(ledger.open("small", 40))
    assert ledger.release("large").released
    assert list(ledger.state.queue.by_id) == ["small"]
    assert ledger.open("small", 40).granted


def test_a_request_that_asks_often_writes_one_entry_in_a_while() -> None:
    ledger = full_ledger()
    commits = ledger.count
    for _ in range(20):
        ledger.open("large", 70)
        ledger.now += timedelta(milliseconds=100)
    assert len(ledger.state.queue.by_id) == 1
    assert ledger.state.queue.by_id["large"].asked_at < ledger.now - timedelta(seconds=1)
    assert ledger.count == commits


def test_the_queue_survives_a_restart_and_ends_with_its_reservation() -> None:
    ledger = full_ledger()
    assert ledger.open("second", 10).granted
    assert not ledger.authorize("second", 50, call="second").granted
    text = LedgerSnapshot.of(ledger.state, 1).model_dump_json()
    ledger.state = LedgerSnapshot.model_validate_json(text).to_state()
    assert is_behind(ledger.open("third", 10))
    ledger.release("second")
    assert ledger.open("third", 10).granted


def test_foreground_work_has_its_own_limits_and_waits_for_no_queue() -> None:
    ledger = full_ledger()
    assert not ledger.open("large", 70).granted
    assert ledger.call("program", 40, purpose="foreground", key="k1").granted


@dataclass
class Worker:
    """A daydream: it is opened, makes its calls one after the other, and ends."""

    name: str
    bounds: list[int]
    needs: int
    arrival: int
    call: int = 0
    is_open: bool = False
    attempt: str = ""

    @property
    def need(self) -> int:
        return self.bounds[self.call] if self.is_open else self.needs


class Crowd:
    """Daydreams under one cap. A new one comes in each round, for as long as there is money."""

    def __init__(self, seed: int, bound_max: int, cap: int) -> None:
        self.chance = random.Random(seed)
        self.bound_max = bound_max
        self.ledger = FakeLedger(lifetime=cap)
        self.cap = cap
        self.workers: list[Worker] = []
        self.arrivals = 0

    def arrive(self) -> None:
        self.arrivals += 1
        bounds = [self.chance.randint(1, self.bound_max) for _ in range(self.chance.randint(1, 3))]
        needs = max(1, sum(bounds) // self.chance.randint(1, 4))
        self.workers.append(Worker(f"w{self.arrivals}", bounds, needs, self.arrivals))

    def amounts(self) -> tuple[int, int, int]:
        money = self.ledger.money
        return money.settled, money.authorized, money.reserved

    def remaining(self) -> int:
        return self.cap - self.ledger.money.settled

    def step(self, worker: Worker) -> None:
        """Let a worker ask for what it needs next, or end its call."""
        if worker.attempt:
            self.ledger.settle(worker.attempt, self.chance.randint(0, worker.need))
            worker.attempt, worker.call = "", worker.call + 1
            if worker.call == len(worker.bounds):
                self.ledger.release(worker.name)
                self.workers.remove(worker)
            return
        if worker.is_open:
            grant = self.ledger.authorize(
                worker.name, worker.need, call=f"{worker.name}-{worker.call}"
            )
            worker.attempt = grant.attempt_id
        else:
            grant = self.ledger.open(worker.name, sum(worker.bounds), expected=worker.needs)
            worker.is_open = grant.granted
            if grant.granted:
                self.check_that_it_took_nothing_from_earlier_ones(worker)

    def check_that_it_took_nothing_from_earlier_ones(self, new: Worker) -> None:
        """Assert that what waited before can be paid when all that is in progress has ended."""
        money = self.ledger.money
        used = money.settled + money.authorized + money.reserved
        waiting = [
            queued
            for queued in self.ledger.state.queue.by_id.values()
            if queued.needs["all"] <= self.remaining() and not queued.is_gone(self.ledger.now)
        ]
        assert used + sum(queued.needs["all"] for queued in waiting if queued.is_call) <= self.cap
        earlier = [queued for queued in waiting if self.came_before(queued.reservation_id, new)]
        assert used + sum(queued.needs["all"] for queued in earlier) <= self.cap

    def send_away(self) -> None:
        """Let those give up that came last and have not begun."""
        new = [worker for worker in self.workers if not worker.is_open]
        for worker in new[WAITING_MAX:]:
            self.workers.remove(worker)

    def came_before(self, name: str, new: Worker) -> bool:
        return any(other.name == name and other.arrival < new.arrival for other in self.workers)


@given(seed=st.integers(0, 10**6), bound_max=st.integers(5, 40), cap=st.integers(60, 400))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_starves_and_the_cap_is_used_up_to_less_than_one_call(
    seed: int, bound_max: int, cap: int
) -> None:
    """New daydreams come in every round, and ask first."""
    crowd = Crowd(seed, bound_max, cap)
    idle = 0  # rounds in which nothing changed: longer than the queue remembers who gave up
    while idle < 8 and crowd.arrivals < 2_000:
        crowd.arrive()
        before = crowd.amounts()
        for worker in reversed(list(crowd.workers)):
            crowd.step(worker)
            settled, authorized, _ = crowd.amounts()
            assert settled + authorized <= cap
        crowd.send_away()
        crowd.ledger.now += ROUND
        idle = idle + 1 if before == crowd.amounts() else 0
    waiting_calls = [worker.need for worker in crowd.workers if worker.is_open]
    smallest = min(waiting_calls or [sum(worker.bounds) for worker in crowd.workers])
    assert crowd.remaining() < smallest, "what is left is less than the call that waits"
