"""What only records goes into one commit with what is urgent, and is not kept waiting for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, cast

import pytest

from daydream_budget.ledger.group_commit import PendingRequest
from daydream_budget.ledger.ledger import Ledger
from daydream_contracts.rpc import Authorize, ReleaseReservation, ReservationStatus, Settle

RELEASE = ReleaseReservation(reservation_id="r")
SETTLE = Settle(attempt_id="a", cost_nanousd=1)
URGENT = Authorize(
    reservation_id="r",
    call_id="c",
    nonce="n",
    stage="critic",
    model="m",
    upper_bound_nanousd=1,
    lifetime_s=60,
)


class BatchNotingLedger(Ledger):
    """A ledger that notes its batches instead of committing them."""

    batches: list[list[str]]

    async def _commit(self, batch: Sequence[PendingRequest]) -> None:
        self.batches.append([type(pending.request).__name__ for pending in batch])
        for pending in batch:
            pending.resolve(ReservationStatus(released=True))


@pytest.fixture
async def ledger() -> AsyncIterator[BatchNotingLedger]:
    nothing = cast(Any, None)
    ledger = BatchNotingLedger(nothing, nothing, "a", nothing)
    ledger.batches = []
    committing = asyncio.create_task(ledger.commit_forever())
    yield ledger
    committing.cancel()
    with suppress(asyncio.CancelledError, AttributeError):
        await committing


async def test_records_go_with_the_next_urgent_request(ledger: BatchNotingLedger) -> None:
    recording = [asyncio.create_task(ledger.submit(each)) for each in (RELEASE, SETTLE)]
    await asyncio.sleep(0)
    await ledger.submit(URGENT)
    await asyncio.gather(*recording)
    assert ledger.batches == [["ReleaseReservation", "Settle", "Authorize"]]


async def test_records_alone_are_committed_too(ledger: BatchNotingLedger) -> None:
    async with asyncio.timeout(5):
        await ledger.submit(RELEASE)
    assert ledger.batches == [["ReleaseReservation"]]


async def test_an_urgent_request_waits_for_nothing(
    ledger: BatchNotingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daydream_budget.ledger.ledger.PATIENT_S", 3600.0)
    async with asyncio.timeout(5):
        await ledger.submit(URGENT)
    assert ledger.batches == [["Authorize"]]
