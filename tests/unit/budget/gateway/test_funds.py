"""Near a cap an attempt waits for money that calls in progress set free."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from daydream_budget.gateway import funds
from daydream_budget.gateway.callers import CallContext, Caller
from daydream_budget.gateway.funds import Funds
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_contracts.rpc import Authorize, Grant, Refusal

CONTEXT = CallContext(Caller(stage="critic"), "call", "reservation")
NEAR = Refusal(reason="cap", text="near", near_cap=True)


@dataclass
class FakeLedgerClient:
    """A ledger that gives these replies, the last one for ever."""

    replies: list[Grant]
    nonces: list[str] = field(default_factory=list)

    async def request(self, _: Any, request: Authorize) -> Grant:
        """Return the next reply."""
        self.nonces.append(request.nonce)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funds, "NEAR_CAP_PAUSE_S", 0.001)


async def test_money_that_gets_free_meanwhile_is_taken_by_the_same_attempt() -> None:
    ledger = FakeLedgerClient([Grant(refusal=NEAR), Grant(refusal=NEAR), Grant(attempt_id="a:1")])
    attempt = await Funds(ledger).authorize(CONTEXT, "m", 10, 60)  # type: ignore[arg-type]
    assert attempt.attempt_id == "a:1"
    assert (len(ledger.nonces), len(set(ledger.nonces))) == (3, 1)


async def test_it_waits_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funds, "NEAR_CAP_WAIT_S", 0.01)
    ledger = FakeLedgerClient([Grant(refusal=NEAR)])
    with pytest.raises(CallRefusedError, match="near"):
        await Funds(ledger).authorize(CONTEXT, "m", 10, 60)  # type: ignore[arg-type]
    assert len(ledger.nonces) > 1


async def test_a_cap_that_is_used_up_is_not_waited_for() -> None:
    ledger = FakeLedgerClient([Grant(refusal=NEAR.model_copy(update={"near_cap": False}))])
    with pytest.raises(CallRefusedError):
        await Funds(ledger).authorize(CONTEXT, "m", 10, 60)  # type: ignore[arg-type]
    assert len(ledger.nonces) == 1
