"""Run the budget service in this process: a start of a process takes a second of CPU."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from daydream_budget.app import build
from daydream_budget.settings import BudgetSettings
from support.polling import eventually
from support.programs import NatsServer


@asynccontextmanager
async def budget_here(server: NatsServer, **settings: Any) -> AsyncIterator[None]:
    """Run the whole service, ledger and all, over a real NATS server.

    For tests that neither kill it nor block the event loop.
    """
    own = {"nats_url": server.url, "instance": "here", "stop_timeout_s": 1, **settings}
    app = build(BudgetSettings(**own))

    async def live() -> None:
        # In one task: a fixture begins and ends in two, which FastStream's task group refuses.
        async with app.start_lifespan_context():
            await app.lifecycle.stopping.wait()
        app.lifecycle.raise_failure()

    task = asyncio.create_task(live())
    try:
        await eventually(lambda: app.lifecycle.ready or task.done())
        yield
    finally:
        app.lifecycle.stop()
        await task
        app.telemetry.close()
