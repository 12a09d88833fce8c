"""A ledger for the benchmarks: a real NATS server, real replicas, requests over NATS."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import nats

from daydream_contracts.rpc import (
    EVERYTHING,
    ChangeBudget,
    EmptyRequest,
    LimitState,
    SetLimit,
    TopUp,
)
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_STATE
from daydream_runtime.rpc import RpcClient
from support.programs import NatsServer
from support.services import service

ENDLESS = 10**17  # nano-dollars: no benchmark reaches this cap


@asynccontextmanager
async def ledger(*, replicas: int = 1, sync_always: bool = True) -> AsyncIterator[RpcClient]:
    """Start a new ledger; yield a client."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        server = NatsServer(Path(folder) / "nats", sync_always=sync_always)
        stack.callback(server.kill)
        server.start()
        server.provision()
        for number in range(replicas):
            stack.enter_context(service("budget", server.url, Path(folder) / f"replica-{number}"))
        nc = await nats.connect(server.url)
        try:
            yield RpcClient(nc)
        finally:
            await nc.close()


class LifetimeCap:
    """A lifetime cap. Before each run it is raised so that an exact amount is free."""

    def __init__(self, rpc: RpcClient, scope: str = EVERYTHING) -> None:
        self._rpc, self._scope = rpc, scope

    async def set(self, nanousd: int) -> None:
        """Set it for the first time."""
        await self._change(SetLimit(scope=self._scope, window="lifetime", cap_nanousd=nanousd))

    async def free(self) -> int:
        """Return what can still be granted."""
        return self._own(
            (await self._rpc.request(BUDGET_STATE, EmptyRequest())).limits
        ).free_nanousd

    async def make_free(self, nanousd: int) -> None:
        """Raise or lower it so that this amount is free."""
        await self._change(
            TopUp(scope=self._scope, window="lifetime", by_nanousd=nanousd - await self.free())
        )
        if (free := await self.free()) != nanousd:
            raise RuntimeError(f"{nanousd} should be free, not {free}")

    async def raise_by(self, nanousd: int) -> None:
        """Raise it, also while work is in progress."""
        await self._change(TopUp(scope=self._scope, window="lifetime", by_nanousd=nanousd))

    async def _change(self, change: SetLimit | TopUp) -> None:
        reply = await self._rpc.request(
            BUDGET_CHANGE, ChangeBudget(change_id=uuid4().hex, change=change, who="benchmark")
        )
        if reply.refusal is not None:
            raise RuntimeError(reply.refusal.text)

    def _own(self, limits: Iterable[LimitState]) -> LimitState:
        return next(limit for limit in limits if limit.scope == self._scope)
