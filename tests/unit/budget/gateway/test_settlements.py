"""Attempts are settled behind the answers, and nothing is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from daydream_budget.gateway import settlements
from daydream_budget.gateway.settlements import Settlements
from daydream_contracts.errors import PermanentError, RetryLaterError
from daydream_contracts.rpc import AttemptsSettled, Grant, Refusal, Settle, SettleAttempts


@dataclass
class FakeSlowLedger:
    """A ledger that answers when it may, and raises these errors first."""

    errors: list[Exception] = field(default_factory=list)
    requests: list[list[str]] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self, _: Any, request: SettleAttempts) -> AttemptsSettled:
        """Note which attempts a request settles."""
        self.requests.append([settle.attempt_id for settle in request.attempts])
        await self.may_answer.wait()
        if self.errors:
            raise self.errors.pop(0)
        return AttemptsSettled(attempts=())


def opened(*errors: Exception) -> tuple[Settlements, FakeSlowLedger]:
    ledger = FakeSlowLedger(list(errors))
    return Settlements(ledger), ledger  # type: ignore[arg-type]


def settle(attempt_id: str) -> Settle:
    return Settle(attempt_id=attempt_id, cost_nanousd=1)


async def test_attempts_that_end_at_about_the_same_time_go_in_one_request() -> None:
    settling, ledger = opened()
    ledger.may_answer.set()
    await asyncio.gather(*(settling.add(settle(name)) for name in "abc"))
    assert ledger.requests == [["a", "b", "c"]]


async def test_a_settlement_travels_with_the_next_request_to_authorize() -> None:
    settling, ledger = opened()
    done = settling.add(settle("a"))
    taken: list[str] = []

    async def authorize(settlements: tuple[Settle, ...]) -> Grant:
        taken.extend(settle.attempt_id for settle in settlements)
        return Grant(attempt_id="b")

    assert (await settling.travel(authorize)).attempt_id == "b"
    await done
    assert taken == ["a"]
    await settling.finish(timeout_s=5)
    assert ledger.requests == [], "it needs no request of its own"


async def test_what_traveled_with_a_request_that_failed_is_sent_alone() -> None:
    settling, ledger = opened()
    ledger.may_answer.set()
    done = settling.add(settle("a"))
    travelers: list[int] = []

    async def fail(settlements: tuple[Settle, ...]) -> Grant:
        travelers.append(len(settlements))
        raise PermanentError("bug", "no")

    for _ in range(2):
        with pytest.raises(PermanentError):
            await settling.travel(fail)
    await done
    assert (travelers, ledger.requests) == ([1, 0], [["a"]])


async def test_a_halted_ledger_has_not_taken_the_settlements() -> None:
    settling, ledger = opened()
    ledger.may_answer.set()
    done = settling.add(settle("a"))

    async def halted(_: tuple[Settle, ...]) -> Grant:
        return Grant(refusal=Refusal(reason="clock-skew", text="off"))

    assert not (await settling.travel(halted)).granted
    await done
    assert ledger.requests == [["a"]]


async def test_a_request_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlements, "SETTLEMENTS_MAX", 2)
    settling, ledger = opened()
    ledger.may_answer.set()
    await asyncio.gather(*(settling.add(settle(name)) for name in "abc"))
    assert ledger.requests == [["a", "b"], ["c"]]


async def test_a_ledger_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlements, "PAUSE_S", 0)
    settling, ledger = opened(RetryLaterError("away"), RetryLaterError("away"))
    ledger.may_answer.set()
    await settling.add(settle("a"))
    assert ledger.requests == [["a"]] * 3


async def test_what_can_not_be_settled_is_given_up_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settlements, "PATIENCE_S", -1)
    monkeypatch.setattr(settlements, "PAUSE_S", 0)
    settling, ledger = opened(RetryLaterError("away"), PermanentError("refused", "no"))
    ledger.may_answer.set()
    for attempt in ("a", "b"):
        with pytest.raises((RetryLaterError, PermanentError)):
            await settling.add(settle(attempt))
    assert caplog.text.count("is not settled") == 2


async def test_a_stop_waits_for_what_is_pending() -> None:
    settling, ledger = opened()
    done = settling.add(settle("a"))
    finishing = asyncio.create_task(settling.finish(timeout_s=5))
    await asyncio.sleep(0)
    assert not finishing.done()
    ledger.may_answer.set()
    await finishing
    assert done.done()


async def test_a_caller_that_leaves_does_not_take_its_settlement_with_it() -> None:
    settling, ledger = opened()
    settling.add(settle("a")).cancel()
    ledger.may_answer.set()
    await settling.finish(timeout_s=5)
    await settling.add(settle("b"))
    assert ledger.requests == [["a"], ["b"]]
