"""A gateway that stops finishes its calls without a name, whole ones and streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from daydream_budget.gateway.app import Gateway
from daydream_budget.gateway.callers import CallContext, Caller
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_runtime.rpc import RpcClient
from support.fake_provider import FakeProvider
from support.gateway import MODEL, PROVIDER_KEY, LedgerClient, gateway_here, write_prices
from support.polling import eventually
from support.programs import NatsServer
from support.services import service

UNNAMED = CallContext(Caller(stage="synthesizer"), "")


def body() -> dict[str, Any]:
    messages = [{"role": "user", "content": "Say something."}]
    return {"model": MODEL, "messages": messages, "max_completion_tokens": 200}


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as fake:
        yield fake


@pytest.fixture
async def ledger(server: NatsServer, nc: Client, tmp_path: Path) -> AsyncIterator[LedgerClient]:
    with service("budget", server.url, tmp_path / "budget"):
        ledger = LedgerClient(RpcClient(nc))
        await ledger.cap(10**9)
        yield ledger


@pytest.fixture
async def gateway(
    ledger: LedgerClient, nc: Client, tmp_path: Path, fake: FakeProvider
) -> AsyncIterator[Gateway]:
    model = {"base_url": fake.base_url(), "api_key": PROVIDER_KEY, "timeout_s": 10}
    prices = str(write_prices(tmp_path))
    async with gateway_here(nc, model=model, prices_file=prices, patience_s=2) as gateway:
        yield gateway


async def test_a_call_in_flight_is_answered_and_settled_and_no_other_begins(
    gateway: Gateway, ledger: LedgerClient, fake: FakeProvider
) -> None:
    fake.tell(latency_s=0.5)
    call = asyncio.create_task(gateway.pass_through.answer(UNNAMED, CHAT_PATH, body()))
    await eventually(lambda: len(fake.requests) == 1)
    await gateway.pass_through.finish(20)
    assert call.done() or (await call).kind == "answer"
    state = await ledger.settled_ledger()
    assert state.settled_nanousd == fake.bill.totals["billed_nanousd"] > 0
    assert state.authorized_nanousd == 0
    with pytest.raises(CallRefusedError, match="stopping"):
        await gateway.pass_through.answer(UNNAMED, CHAT_PATH, body())


async def test_a_call_that_takes_longer_than_the_stop_is_given_up(
    gateway: Gateway, fake: FakeProvider
) -> None:
    fake.tell(latency_s=9)
    call = asyncio.create_task(gateway.pass_through.answer(UNNAMED, CHAT_PATH, body()))
    await eventually(lambda: len(fake.requests) == 1)
    await gateway.pass_through.finish(0.1)
    with pytest.raises(CallRefusedError, match="stopping"):
        await call


async def test_a_stream_is_passed_on_to_its_end(
    gateway: Gateway, ledger: LedgerClient, fake: FakeProvider
) -> None:
    events = gateway.pass_through.events(UNNAMED, body(), wants_usage=True)
    received = [await anext(events)]
    stop = asyncio.create_task(gateway.pass_through.finish(20))
    received += [line async for line in events]
    await stop
    assert received[-1] == b"data: [DONE]\n\n"
    assert (await ledger.settled_ledger()).settled_nanousd == fake.bill.totals["billed_nanousd"]
