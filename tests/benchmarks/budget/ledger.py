"""The ledger as the benchmarks use it: a real NATS server, real replicas, questions over NATS."""

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

ENDLESS = 10**17  # nano-dollars: no cap that anything here reaches


@asynccontextmanager
async def ledger(*, replicas: int = 1, sync_always: bool = True) -> AsyncIterator[RpcClient]:
    """A way to ask a fresh ledger."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        server = NatsServer(Path(folder) / "nats", sync_always=sync_always)
        stack.callback(server.kill)
        server.start()
        for number in range(replicas):
            stack.enter_context(service("budget", server.url, Path(folder) / f"replica-{number}"))
        nc = await nats.connect(server.url)
        try:
            yield RpcClient(nc)
        finally:
            await nc.close()


class Cap:
    """A cap for ever. It is raised before each run by what makes exactly so much free."""

    def __init__(self, ask: RpcClient, scope: str = EVERYTHING) -> None:
        self._ask, self._scope = ask, scope

    async def set(self, nanousd: int) -> None:
        """Set it for the first time."""
        await self._change(SetLimit(scope=self._scope, window="lifetime", cap_nanousd=nanousd))

    async def free(self) -> int:
        """What can still be granted."""
        return self._mine((await self._ask(BUDGET_STATE, EmptyRequest())).limits).free_nanousd

    async def make_free(self, nanousd: int) -> None:
        """Raise (or lower) it so that so much is free."""
        await self._change(
            TopUp(scope=self._scope, window="lifetime", by_nanousd=nanousd - await self.free())
        )
        if (free := await self.free()) != nanousd:
            raise RuntimeError(f"{nanousd} should be free, not {free}")

    async def _change(self, what: SetLimit | TopUp) -> None:
        answer = await self._ask(
            BUDGET_CHANGE, ChangeBudget(change_id=uuid4().hex, change=what, who="benchmark")
        )
        if answer.refusal is not None:
            raise RuntimeError(answer.refusal.text)

    def _mine(self, limits: Iterable[LimitState]) -> LimitState:
        return next(limit for limit in limits if limit.scope == self._scope)
