"""What is looked up of attempts whose time is up, and what becomes of them if that fails."""

from __future__ import annotations

from datetime import timedelta

from daydream_budget.ledger.lost_attempts import LOOKUPS_MAX, PATIENCE, LostAttempts
from daydream_budget.ledger.reservations import Attempt
from daydream_budget.ledger.rules import due
from daydream_contracts.rpc import Settle
from support.fake_ledger import FakeLedger

BOUND, COST = 20, 3
LIFETIME_S = 60
IDLE_S = 86_400.0


def ledger_with_lost_attempts(count: int = 1) -> tuple[FakeLedger, list[str]]:
    """Return a ledger with attempts that no gateway has settled."""
    ledger = FakeLedger(lifetime=10**6)
    ledger.open("a", BOUND)
    ids = [ledger.authorize("a", BOUND, lifetime_s=LIFETIME_S).attempt_id for _ in range(count)]
    return ledger, ids


async def find_cost(attempt_id: str, attempt: Attempt) -> Settle:
    return Settle(attempt_id=attempt_id, cost_nanousd=COST)


async def fail_to_read(attempt_id: str, attempt: Attempt) -> Settle:
    raise ConnectionError


async def test_an_attempt_is_not_lost_before_its_time_is_up() -> None:
    ledger, _ = ledger_with_lost_attempts()
    lost = LostAttempts()
    await lost.look_up(ledger.state, ledger.now + timedelta(seconds=LIFETIME_S), find_cost)
    assert not lost.settlements


async def test_what_can_not_be_read_stays_authorized_for_a_while_and_then_counts_in_full() -> None:
    ledger, (attempt_id,) = ledger_with_lost_attempts()
    expiry, moment = ledger.now + timedelta(seconds=LIFETIME_S), timedelta(seconds=1)
    waiting = LostAttempts()
    await waiting.look_up(ledger.state, expiry + PATIENCE, fail_to_read)
    assert not list(due(ledger.state, expiry + PATIENCE, IDLE_S, waiting.settlements))
    late = LostAttempts()
    await late.look_up(ledger.state, expiry + PATIENCE + moment, fail_to_read)
    assert late.settlements == {attempt_id: Settle(attempt_id=attempt_id)}
    (entry,) = due(ledger.state, expiry + PATIENCE + moment, IDLE_S, late.settlements)
    assert vars(entry)["cost_nanousd"] == BOUND


async def test_many_lost_attempts_are_looked_up_in_portions() -> None:
    ledger, ids = ledger_with_lost_attempts(LOOKUPS_MAX + 1)
    at = ledger.now + timedelta(seconds=LIFETIME_S + 1)
    lost = LostAttempts()
    await lost.look_up(ledger.state, at, find_cost)
    assert list(lost.settlements) == ids[:LOOKUPS_MAX]
    entries = list(due(ledger.state, at, IDLE_S, lost.settlements))
    assert len(entries) == LOOKUPS_MAX
    assert {vars(entry)["cost_nanousd"] for entry in entries} == {COST}
