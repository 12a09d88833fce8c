"""A model is probed before a stage's first call: once for all replicas, and paid like any call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from nats.aio.client import Client

from daydream_budget.gateway.app import Gateway
from daydream_contracts.gateway_http import CallReceipt
from daydream_contracts.rpc import ChangeBudget, SetLimit
from daydream_contracts.topology import BUDGET_CHANGE
from daydream_runtime.rpc import RpcClient
from support.fake_provider import FakeProvider
from support.gateway import (
    MODEL,
    PROVIDER_KEY,
    FakeGatewayHttp,
    LedgerClient,
    gateway_here,
    write_prices,
)
from support.programs import NatsServer
from support.services import service

BODY: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Say something."}],
    "max_completion_tokens": 200,
}


class ProbingReplicas(LedgerClient):
    """ProbingReplicas of a gateway with probes, and the ledger behind them."""

    def __init__(self, nc: Client, folder: Path, fake: FakeProvider, stack: AsyncExitStack) -> None:
        super().__init__(RpcClient(nc))
        self.fake = fake
        self._nc, self._folder, self._stack = nc, folder, stack

    async def start(self, behaviour: str = "plain", **settings: Any) -> Gateway:
        model = {
            "base_url": self.fake.base_url(behaviour),
            "api_key": PROVIDER_KEY,
            "timeout_s": 10,
            "probe": True,
            **settings,
        }
        prices = str(write_prices(self._folder))
        gateway = gateway_here(self._nc, model=model, prices_file=prices, patience_s=2)
        return await self._stack.enter_async_context(gateway)

    async def ask(self, gateway: Gateway) -> CallReceipt:
        reservation = await self.reserve()
        answer = await FakeGatewayHttp(gateway).chat(uuid4().hex, reservation, BODY)
        return answer.receipt

    def questions(self) -> list[str]:
        return [request["messages"][-1]["content"] for request in self.fake.requests]


@pytest.fixture
async def replicas(
    server: NatsServer, nc: Client, tmp_path: Path
) -> AsyncIterator[ProbingReplicas]:
    with service("budget", server.url, tmp_path / "budget"):
        async with FakeProvider() as fake, AsyncExitStack() as stack:
            replicas = ProbingReplicas(nc, tmp_path, fake, stack)
            await replicas.cap(10**9)
            yield replicas


async def test_a_model_is_probed_once_for_all_replicas_and_for_the_next_start(
    replicas: ProbingReplicas,
) -> None:
    first = await replicas.start()
    second = await replicas.start()
    await asyncio.gather(*(replicas.ask(first) for _ in range(3)))
    await replicas.ask(second)
    await replicas.ask(await replicas.start())
    probes = [question for question in replicas.questions() if "evening sky" in question]
    assert len(probes) == 1
    assert len(replicas.questions()) == 6
    for gateway in (first, second):
        assert "usage: reported" in gateway.models.open(MODEL).learned()


async def test_a_probe_is_paid_from_the_ledger_and_known_before_the_first_call(
    replicas: ProbingReplicas,
) -> None:
    gateway = await replicas.start("schema-ignored")
    receipt = await replicas.ask(gateway)
    ledger = await replicas.settled_ledger()
    assert ledger.settled_nanousd == replicas.fake.bill.totals["billed_nanousd"]
    assert ledger.settled_nanousd > receipt.cost_nanousd
    assert ledger.authorized_nanousd == 0
    assert gateway.models.open(MODEL).dialect.best_format == "json_object"


async def test_the_first_call_has_the_allowance_that_the_probe_found(
    replicas: ProbingReplicas,
) -> None:
    await replicas.ask(await replicas.start("thinks"))
    asked = [request["max_tokens"] for request in replicas.fake.requests]
    assert asked == [200, 200 + 2048, 200 + 4400]


async def test_a_probe_can_be_switched_off(replicas: ProbingReplicas) -> None:
    await replicas.ask(await replicas.start(probe=False))
    assert replicas.questions() == ["Say something."]


async def test_a_probe_for_which_there_is_no_money_keeps_no_call_back(
    replicas: ProbingReplicas,
) -> None:
    gateway = await replicas.start()
    change = SetLimit(scope=f"model:{MODEL}", window="lifetime", cap_nanousd=120_000)
    request = ChangeBudget(change_id=uuid4().hex, change=change, who="test")
    await replicas.rpc.request(BUDGET_CHANGE, request)
    small = {**BODY, "max_completion_tokens": 10}
    reservation = await replicas.reserve(100_000)
    await FakeGatewayHttp(gateway).chat(uuid4().hex, reservation, small)
    assert replicas.questions() == ["Say something."]
    assert gateway.models.open(MODEL).capabilities is None
