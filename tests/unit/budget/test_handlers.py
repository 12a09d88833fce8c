"""The budget's real application in memory: its consumer and its endpoints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from faststream.nats import TestNatsBroker

from daydream_budget.app import build
from daydream_budget.handlers import authorize
from daydream_budget.ledger.rules import LedgerRequest
from daydream_budget.metrics import RefusalCounter
from daydream_budget.settings import BudgetSettings
from daydream_contracts.errors import PermanentError, RetryLaterError
from daydream_contracts.events import ForegroundReported
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    BudgetChanged,
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    Grant,
    OpenReservation,
    Refusal,
    SetLimit,
    Settle,
)
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_OPEN, BUDGET_STATE, route_of
from daydream_runtime.application import ServiceApp
from daydream_runtime.telemetry import start_telemetry
from support.fake_ledger import FakeLedger

REPORTS = route_of(ForegroundReported)


class FakeServiceLedger:
    """What the handlers need of a ledger; its commits are immediate."""

    def __init__(self) -> None:
        self.fake = FakeLedger()
        self.halted = None
        self.state = self.fake.state
        self.sequence = 7

    async def submit(self, request: LedgerRequest) -> Any:
        return self.fake.submit(request)

    async def refresh(self) -> None: ...

    def ledger_time(self) -> Any:
        return self.fake.now


@pytest.fixture
def ledger() -> FakeServiceLedger:
    return FakeServiceLedger()


@pytest.fixture
def app(ledger: FakeServiceLedger) -> ServiceApp:
    app = build(BudgetSettings(concurrency=1))
    app.context.set_global("ledger", ledger)
    app.context.set_global("prices", {})
    app.context.set_global("refusals", RefusalCounter(start_telemetry("budget", "test")))
    return app


def report(**fields: Any) -> ForegroundReported:
    return ForegroundReported(report_id="r", spent_at=FakeLedger().now, **fields)


async def test_a_change_is_answered_with_the_state_after_it(app: ServiceApp) -> None:
    change = SetLimit(window="lifetime", cap_nanousd=100)
    request = ChangeBudget(change_id="c", change=change, who="Ada")
    async with TestNatsBroker(app.nats) as broker:
        reply = await broker.request(request, BUDGET_CHANGE.subject)
    state = BudgetChanged.model_validate_json(reply.body).state
    assert (state.last_sequence, state.limits[0].cap_nanousd) == (7, 100)


async def test_a_reservation_is_refused_without_a_cap(
    app: ServiceApp, ledger: FakeServiceLedger
) -> None:
    part = AllocationRequest(stage="s", model="m", upper_bound_nanousd=1)
    request = OpenReservation(
        reservation_id="a", allocations=(part,), requested_at=ledger.ledger_time()
    )
    async with TestNatsBroker(app.nats) as broker:
        reply = await broker.request(request, BUDGET_OPEN.subject)
        state = await broker.request(EmptyRequest(), BUDGET_STATE.subject)
    refusal = Grant.model_validate_json(reply.body).refusal
    assert refusal is not None
    assert refusal.reason == "no-cap"
    assert BudgetState.model_validate_json(state.body).reservations_open == 0


async def test_a_foreground_report_is_priced_and_counted(
    app: ServiceApp, ledger: FakeServiceLedger
) -> None:
    priced = report(model="gpt-4o-mini", input_tokens=1_000_000)
    async with TestNatsBroker(app.nats) as broker:
        await broker.publish(priced, REPORTS.subject, stream=REPORTS.stream)
    assert ledger.state.foreground.total == 150_000_000


async def test_a_report_older_than_a_day_becomes_a_dead_letter(
    app: ServiceApp, ledger: FakeServiceLedger
) -> None:
    ledger.fake.now += timedelta(days=2)
    async with TestNatsBroker(app.nats) as broker:
        with pytest.raises(PermanentError, match="Only reports of the last day"):
            await broker.publish(report(cost_nanousd=5), REPORTS.subject, stream=REPORTS.stream)


class FakeHaltedLedger:
    """A ledger that commits nothing: it refuses money, and fails what has no refusal."""

    def __init__(self, reason: Any) -> None:
        self.refusal = Refusal(reason=reason, text="nothing is committed")

    async def submit(self, request: LedgerRequest) -> Any:
        if isinstance(request, Settle):
            raise RetryLaterError(self.refusal.text)
        return Grant(refusal=self.refusal)


def with_settlement() -> Authorize:
    return Authorize(
        reservation_id="a",
        call_id="c",
        nonce="n",
        stage="s",
        model="m",
        upper_bound_nanousd=1,
        lifetime_s=60,
        settlements=(Settle(attempt_id="earlier", cost_nanousd=1),),
    )


async def test_a_halted_ledger_says_so_and_has_not_settled_what_came_with_the_request() -> None:
    counter = RefusalCounter(start_telemetry("budget", "test"))
    halted: Any = FakeHaltedLedger("clock-skew")
    grant = await authorize(with_settlement(), halted, counter)
    assert grant.refusal is not None
    assert grant.refusal.reason == "clock-skew"


async def test_a_settlement_that_fails_fails_the_whole_request_so_that_it_is_repeated() -> None:
    counter = RefusalCounter(start_telemetry("budget", "test"))
    failing: Any = FakeHaltedLedger("cap")
    with pytest.raises(RetryLaterError):
        await authorize(with_settlement(), failing, counter)
