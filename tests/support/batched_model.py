"""Replicas of a gateway with a batch lane: real ledger, real NATS, a real batch API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pydantic import SecretStr

from daydream_budget.gateway.app import Gateway
from daydream_budget.gateway.batch.worker import BatchWorker
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.rpc import Quote
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.settings import ModelSettings
from daydream_runtime.rpc import RpcClient
from support.budget import budget_here
from support.gateway import (
    MODEL,
    PROMPT,
    PROVIDER_KEY,
    FakeGatewayHttp,
    LedgerClient,
    ReasonAnswer,
    gateway_here,
)
from support.programs import EndpointProgram, NatsServer

PRICES = """
[models."priced-1"]
input_usd_per_mtok = 0.15
output_usd_per_mtok = 0.60
batch_factor = 0.5
"""


class BatchedModel(LedgerClient):
    """Replicas of a gateway with a batch lane, and the accounts on both sides."""

    def __init__(
        self, nc: Client, endpoint: EndpointProgram, prices: Path, stack: AsyncExitStack
    ) -> None:
        super().__init__(RpcClient(nc))
        self.nc, self.endpoint = nc, endpoint
        self._prices, self._stack = prices, stack
        self.now = datetime.now(UTC)

    async def open(self) -> BatchedModel:
        """Open a replica, and a client of it."""
        self.use(await self.new_replica())
        return self

    def use(self, gateway: Gateway) -> None:
        """Ask this replica from now on."""
        self.gateway, self.worker = gateway, gateway.batch_worker
        client: Any = FakeGatewayHttp(gateway)
        settings = ModelSettings(name=MODEL, batch=True)
        self.model = ModelClient(client, settings, Quote(), client.stage)

    async def new_replica(self, *, probe: bool = False) -> Gateway:
        """Return another replica, or this one after a restart."""
        model = {
            "base_url": self.endpoint.url,
            "api_key": SecretStr(PROVIDER_KEY),
            "timeout_s": 10,
            "probe": probe,
        }
        settings = {"model": model, "prices_file": str(self._prices), "patience_s": 2}
        timing = {"batch_collect_s": 0, "batch_poll_s": 1}
        return await self._stack.enter_async_context(gateway_here(self.nc, **settings, **timing))

    async def new_worker(self) -> BatchWorker:
        """Return the worker of another replica."""
        return (await self.new_replica()).batch_worker

    async def new_request(self, key: str) -> ModelRequest:
        reservation_id = await self.reserve()
        return ModelRequest(key, reservation_id, PROMPT, PROMPT.fill(thing=key), 200, 0.5)

    async def submit(self, *requests: ModelRequest) -> None:
        """Ask for requests that wait for a batch."""
        for request in requests:
            with pytest.raises(RetryLaterError, match="in a batch"):
                await self.model.request(request, ReasonAnswer)

    async def step(self, worker: BatchWorker | None = None) -> None:
        """Run one step, some seconds later."""
        self.now += timedelta(seconds=5)
        await (worker or self.worker).step(self.now)

    async def reply(self, request: ModelRequest) -> ModelReply[ReasonAnswer]:
        return await self.model.request(request, ReasonAnswer)

    async def balanced(self) -> int:
        """Check that ledger and endpoint count the same money. Return how much."""
        ledger = await self.settled_ledger()
        assert ledger.authorized_nanousd == 0
        assert ledger.settled_nanousd == self.endpoint.witness()["cost_nanousd"]
        return ledger.settled_nanousd


@asynccontextmanager
async def batched_model(
    server: NatsServer, nc: Client, endpoint: EndpointProgram, folder: Path
) -> AsyncIterator[BatchedModel]:
    """Open a ledger with a cap, and a replica."""
    prices = folder / "prices.toml"
    prices.write_text(PRICES)
    async with budget_here(server), AsyncExitStack() as stack:
        batched = BatchedModel(nc, endpoint, prices, stack)
        await batched.cap(10**10)
        yield await batched.open()
